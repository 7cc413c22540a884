/* SPDX-License-Identifier: GPL-2.0 */
/* Captures: what a session measured, kept in a file. Format: doc/capture-format.md. */
#ifndef DMASYNC_CAPTURE_H
#define DMASYNC_CAPTURE_H

#include "header.h"
#include "interval.h"
#include "stack.h"

#define CAPTURE_FORMAT 1 /* raised when an old reader would misread a new file */

/* What a capture says of the run besides its intervals. Empty strings: unknown. */
struct capture_info {
	struct header hdr;
	char tool_version[32];
	char build_id[65];     /* of the running kernel, hexadecimal */
	char boot_id[37];      /* tells captures of one boot from those of several */
	char cpu_model[128];   /* "Cortex-A76 x4, Cortex-A55 x4" */
	char iommu_walker[16]; /* "coherent", "not-coherent", "mixed": do IOMMUs walk coherently */
	char governor[64]; /* cpufreq governors in use, "performance"; several: comma-separated */
	char command[256]; /* command line that recorded it */
	__u64 start_ns;	   /* CLOCK_REALTIME at its start */
	__u64 interval_ns; /* asked for; intervals tell their own length */
	bool stacks;	   /* calls are also told by stack */
	bool user_stacks;  /* ... of which frames of user space are a part */
	bool procs;	   /* calls are also told by process */
	unsigned int profile_hz; /* samples a second and CPU of the on-CPU profile; 0: none */
};

/* ---- writing ---- */
struct capture_writer;

/*
 * Creates @path (mode 0600; an existing file is left alone, -EEXIST, unless @overwrite) and writes
 * the header. An existing file that is overwritten stays until capture_keep() or capture_close():
 * until then, the new one is beside it under a name of its own. Of @info, an empty tool_version
 * stands for this program's. @stacks is the table that the intervals' stack numbers refer to; it
 * must outlive the writer. 0 or -errno after a message.
 */
int capture_create(const char *path, bool overwrite, const struct capture_info *info,
		   const struct stack_table *stacks, struct capture_writer **out);

/* Lets the new file take the place of the old one. 0 or -errno after a message. */
int capture_keep(struct capture_writer *w);

/* Closes and removes a file that is not worth keeping, unless it was there before; frees @w. */
void capture_discard(struct capture_writer *w);

/*
 * Appends @iv, after the stacks that the table was given since the last call. Every interval is
 * flushed to the file, so that it can be read back even if the process is killed. 0 or -errno after
 * a message; what was written before stays readable.
 */
int capture_write(struct capture_writer *w, const struct interval *iv);

/*
 * Writes the closing line and closes the file; frees @w (NULL: nothing is done). Without @total
 * (NULL: the run went wrong), or after a failed capture_write(), there is no closing line, and the
 * capture reads as one that was cut off. 0 or -errno after a message.
 */
int capture_close(struct capture_writer *w, const struct interval *total);

/* ---- reading ---- */
struct capture;

/*
 * Opens @path ("-": stdin) and reads its header. 0 with *@out to be given to capture_free(), or
 * -errno after one message. Nothing in the file is trusted: memory stays bounded by CAPTURE_*_MAX.
 * What `dmasynctop --json` prints can be read, too: it is a capture without stacks.
 */
int capture_open(const char *path, struct capture **out);

const char *capture_path(const struct capture *c);
const struct capture_info *capture_info(const struct capture *c);

/* Stacks that the intervals read so far refer to; grows with capture_next(). */
const struct stack_table *capture_stacks(const struct capture *c);

/*
 * Reads the next interval into @iv (cleared first). 1; 0 at the end, see capture_cut_off();
 * -errno after one message when the file is damaged in a way that makes the rest unusable.
 */
int capture_next(struct capture *c, struct interval *iv);

/*
 * After the end: NULL when the capture is whole, else a sentence why it ends early ("cut off:
 * ..."), valid as long as @c and of the file's making if it is a report of such a capture: what was
 * read up to there is whole.
 */
const char *capture_cut_off(const struct capture *c);

void capture_free(struct capture *c);

/*
 * Adds @iv, which was read from @c, to @total. 0, or -errno after a message when memory runs out or
 * the sums grow beyond CAPTURE_TOTAL_MAX.
 */
int capture_add(const struct capture *c, struct interval *total, const struct interval *iv);

/* Says on stderr that @c is cut off, after its end; nothing if it is whole. */
void capture_warn(const struct capture *c);

/*
 * Opens @path and adds up all its intervals in @total (initialised by the caller). With a message
 * on stderr if it is cut off. @each, if not NULL, sees every interval in order; non-zero ends the
 * reading and is returned. 0 with *@out (its stacks are those that @total refers to) to be given to
 * capture_free(); else -errno after a message, or what @each returned, and no *@out.
 */
int capture_read(const char *path, struct interval *total,
		 int (*each)(void *ctx, const struct capture *c, const struct interval *iv),
		 void *ctx, struct capture **out);

/* A reader refuses files that hold more than this. */
#define CAPTURE_LINE_MAX (64u << 20)  /* bytes a line, unpacked */
#define CAPTURE_JSON_MAX (256u << 20) /* bytes of memory that a line takes when parsed */
#define CAPTURE_ROWS_MAX 65536u /* rows, processes, stack rows, sample rows an interval, each */
#define CAPTURE_STACKS_MAX (1u << 20)	     /* stacks */
#define CAPTURE_STACK_BYTES_MAX (256u << 20) /* bytes of memory that they take */
#define CAPTURE_TOTAL_MAX (1u << 20)	     /* of each sort in the sums of all intervals */

#endif
