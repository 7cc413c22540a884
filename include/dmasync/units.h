/* SPDX-License-Identifier: GPL-2.0 */
/* Numbers with units: "10us", "1.5ms", "4K" in, "1.23ms", "12.3M" out. */
#ifndef DMASYNC_UNITS_H
#define DMASYNC_UNITS_H

#include <linux/types.h>

/*
 * The parsers take the whole of @s, which must be a decimal number with at most one unit behind it
 * and a value in [@min, @max]. Fractions are exact: what does not come out whole is an error.
 * Return 0 with the value in *@out, or -EINVAL (malformed) or -ERANGE with *@why set to a static
 * text that completes "VALUE: ".
 */

/* Time in ns. Units: ns us ms s m (or min) h d; a plain number counts @plain_ns (1e9: seconds). */
int parse_duration(const char *s, __u64 plain_ns, __u64 min, __u64 max, __u64 *out,
		   const char **why);

/* Bytes. Units are powers of 1024: B K M G T, also KiB MiB GiB TiB, in either case. */
int parse_size(const char *s, __u64 min, __u64 max, __u64 *out, const char **why);

/* A plain count. Units are powers of 1000: k M G. */
int parse_count(const char *s, __u64 min, __u64 max, __u64 *out, const char **why);

#define FMT_LEN 24 /* room for any formatted value */

/*
 * The formatters print @v into @buf (FMT_LEN bytes) with three significant digits or what fits in
 * @width columns (at least 4; 6 for times) and return @buf. "-" when @v is negative or not a
 * number.
 */
char *fmt_ns(char *buf, double v, int width);	 /* 85ns 1.23us 12.3ms 1.50s 2.50h */
char *fmt_count(char *buf, double v, int width); /* 0.25 12.5 12345 1.23M */
char *fmt_bytes(char *buf, double v, int width); /* powers of 1024: 512 4.00K 32.0M */

#endif
