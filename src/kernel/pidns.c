// SPDX-License-Identifier: GPL-2.0
/* The PID namespace that this process is in: in a container processes have other numbers. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "dmasync/pidns.h"

#define INITIAL_INODE 0xeffffffc /* PROC_PID_INIT_INO, the same since 3.8 */

#define KERNEL_MINOR_BITS 20 /* dev_t is another number inside the kernel */

struct pidns pidns_own(void)
{
	struct stat st;

	if (stat("/proc/self/ns/pid", &st) || st.st_ino == INITIAL_INODE)
		return (struct pidns){ 0 };
	return (struct pidns){
		.dev = (unsigned long long)major(st.st_dev) << KERNEL_MINOR_BITS | minor(st.st_dev),
		.ino = st.st_ino,
	};
}

bool pidns_proc_is_own(void)
{
	char self[16];
	ssize_t n = readlink("/proc/self", self, sizeof(self) - 1);

	if (n < 0)
		return false;
	self[n] = '\0';
	return atoi(self) == getpid();
}
