/* SPDX-License-Identifier: GPL-2.0 */
/* Whether cache maintenance is complete where it must be: the order oracle of the plugin. */
#ifndef LAB_ORDER_H
#define LAB_ORDER_H

#include <stdint.h>
#include <stdio.h>

#include "qemu_plugin.h"

/*
 * Maintenance is pending on a vCPU from a `dc` by address to the point of coherency until the next
 * `dsb sy` there; one of an interrupt completes none of what the interrupt came upon, as that
 * would be luck. These rules are checked, each only for what the function itself has issued, not
 * for what it interrupted:
 *
 *   return  none is left when a function of the DMA API returns;
 *   copy    none is left when a function that hands memory to the CPU reads a bounce buffer;
 *   back    none is left when such a function gives a bounce buffer back;
 *   store   none is left when a device register is written;
 *   fill    a function that hands memory to the device, and cleans any of it, does not copy into a
 *           bounce buffer after its last `dc` (an entry that does not bounce hides earlier ones);
 *   walk    what was written into tables of an IOMMU is visible to its walker when a function that
 *           maps returns: by a `dsb st`, or, if it is not coherent, by a `dc`, whose `dsb` the
 *           first rule asks for.
 *
 * Arguments: `api=START-END:NAME` for each function (NAME with unmap or for_cpu in it hands memory
 * to the CPU), `bounce=ADDRESS` for the function that copies, `back=ADDRESS` for the one that gives
 * back, `table=START-END` for each that writes tables, first the one that calls the others,
 * `walker=apart` if the walker is not coherent, `vectors=START-END` for each table of exception
 * vectors of the kernel; and text.h's, without which returns under a kprobe are not seen. Nothing
 * is checked without any `api=`.
 *
 * Depth of exceptions is kept by vCPU, not by task: with more than one vCPU, or preemption inside
 * the API, a task may move away from what it left pending.
 */

/* Takes an argument: 0, or -1 when it is none of the oracle's. */
int order_argument(const char *arg);

/* Instruments one instruction of the guest. */
void order_translate(struct qemu_plugin_insn *insn, uint32_t word, uint64_t addr);

/* A window begins: what was found before is not its own. */
void order_open(void);

/*
 * Writes ,"order":{...}: how often each rule was looked at, what broke one, the most `dc` that one
 * `dsb sy` completed, how often the DMA API waited for any ("waits"), and how many groups these are
 * when a write to a device ends one: as few waits would have done ("groups"). Nothing when no
 * function was named.
 */
void order_write(FILE *out);

#endif /* LAB_ORDER_H */
