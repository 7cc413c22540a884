/* SPDX-License-Identifier: GPL-2.0 */
/* Phrases that the text output and the live view share. */
#ifndef TEXT_H
#define TEXT_H

#include <stddef.h>
#include <dmasync/group.h>

/* What @flavour means, in words. */
const char *flavour_words(enum flavour flavour);

/* "fentry x18, kprobe x2" */
void hooks_summary(const struct header *hdr, char *buf, size_t size);

/* "not watched: dma_map_phys (load: Permission denied)": hooks refused; empty when none was. */
void refused_words(const struct header *hdr, char *buf, size_t size);

/* "lost 12: 3 no slot, 9 recursion" and what was booked inexactly; empty when all is well. */
void loss_words(const struct loss *loss, char *buf, size_t size);

/*
 * Whom @line is about: "0000:00:01.0 ahci map_sg from_device", "ahci", "dd (123)". When that is
 * longer than @width columns, in short: "0000:00:01.0 map_sg <-".
 */
void line_subject(const struct table_line *line, int width, char *buf, size_t size);

enum {
	WORDS_TOTALS = 1 << 0, /* sums instead of rates */
	WORDS_BRIEF = 1 << 1,  /* for narrow screens */
};

/* "128 calls/s, 2.6% of a CPU (0.65% of 4), dsb 15488/s derived"; @how: WORDS_* */
void figures_words(const struct header *hdr, const struct figures *f, __u64 dur_ns,
		   unsigned int how, char *buf, size_t size);

#endif
