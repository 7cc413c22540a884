// SPDX-License-Identifier: GPL-2.0
/* Parses and prints numbers with units. */
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <dmasync/units.h>

#define MAX_DIGITS 20 /* times the largest unit, 2^47 ns in a day, still below 2^128 */

struct unit {
	const char *name;
	__u64 factor;
};

static const struct unit duration_units[] = {
	{ "ns", 1 },
	{ "us", 1000 },
	{ "\302\265s", 1000 }, /* micro sign */
	{ "ms", 1000000 },
	{ "s", 1000000000 },
	{ "m", 60000000000ULL },
	{ "min", 60000000000ULL },
	{ "h", 3600000000000ULL },
	{ "d", 86400000000000ULL },
	{},
};

static const struct unit size_units[] = {
	{ "b", 1 },
	{ "k", 1ULL << 10 },
	{ "kib", 1ULL << 10 },
	{ "m", 1ULL << 20 },
	{ "mib", 1ULL << 20 },
	{ "g", 1ULL << 30 },
	{ "gib", 1ULL << 30 },
	{ "t", 1ULL << 40 },
	{ "tib", 1ULL << 40 },
	{},
};

static const struct unit count_units[] = {
	{ "k", 1000 },
	{ "M", 1000000 },
	{ "G", 1000000000 },
	{},
};

/* A decimal number as written: mantissa / 10^decimals. */
struct decimal {
	unsigned __int128 mantissa;
	unsigned int decimals;
};

static int bad(int err, const char *reason, const char **why)
{
	*why = reason;
	return err;
}

static int scan_decimal(const char *s, struct decimal *d, const char **rest, const char **why)
{
	unsigned int digits = 0, significant = 0;
	bool point = false;

	*d = (struct decimal){};
	if (*s == '-')
		return bad(-EINVAL, "must not be negative", why);
	for (;; s++) {
		if (*s == '.' && !point) {
			point = true;
			continue;
		}
		if (*s < '0' || *s > '9')
			break;
		digits++;
		d->mantissa = d->mantissa * 10 + (*s - '0');
		d->decimals += point;
		if (d->mantissa && ++significant > MAX_DIGITS)
			return bad(-ERANGE, "has too many digits", why);
		/* zeroes behind the point do not count as significant but must not run away */
		if (d->decimals > MAX_DIGITS)
			return bad(-ERANGE, "has too many digits", why);
	}
	if (!digits)
		return bad(-EINVAL, "is not a number", why);
	*rest = s;
	return 0;
}

static const struct unit *find_unit(const struct unit *u, const char *name, bool fold)
{
	for (; u->name; u++) {
		if (fold ? !strcasecmp(u->name, name) : !strcmp(u->name, name))
			return u;
	}
	return NULL;
}

static int parse(const char *s, const struct unit *units, bool fold, __u64 plain, __u64 min,
		 __u64 max, __u64 *out, const char **why)
{
	const struct unit *unit;
	unsigned __int128 v;
	struct decimal d;
	const char *rest;
	int err;

	err = scan_decimal(s, &d, &rest, why);
	if (err)
		return err;
	v = d.mantissa * plain;
	if (*rest) {
		unit = find_unit(units, rest, fold);
		if (!unit)
			return bad(-EINVAL, "ends in an unknown unit", why);
		v = d.mantissa * unit->factor;
	}
	for (; d.decimals; d.decimals--) {
		if (v % 10)
			return bad(-EINVAL, "has a fraction that its unit cannot hold", why);
		v /= 10;
	}
	if (!v && min)
		return bad(-ERANGE, "must not be zero", why);
	if (v < min)
		return bad(-ERANGE, "is too small", why);
	if (v > max)
		return bad(-ERANGE, "is too large", why);
	*out = v;
	return 0;
}

int parse_duration(const char *s, __u64 plain_ns, __u64 min, __u64 max, __u64 *out,
		   const char **why)
{
	return parse(s, duration_units, false, plain_ns, min, max, out, why);
}

int parse_size(const char *s, __u64 min, __u64 max, __u64 *out, const char **why)
{
	return parse(s, size_units, true, 1, min, max, out, why);
}

int parse_count(const char *s, __u64 min, __u64 max, __u64 *out, const char **why)
{
	return parse(s, count_units, false, 1, min, max, out, why);
}

/* One step of a scale: a printed value must stay below @limit, or the next step takes over. */
struct step {
	const char *suffix;
	double size;
	double limit; /* 0: the last step */
};

static const struct step ns_steps[] = {
	{ "ns", 1, 1000 },     { "us", 1e3, 1000 }, { "ms", 1e6, 1000 },    { "s", 1e9, 1000 },
	{ "m", 60e9, 60 * 2 }, { "h", 3600e9, 48 }, { "d", 86400e9, 1000 }, { "y", 31536e12, 0 },
};

static const struct step count_steps[] = {
	{ "", 1, 1000 },     { "k", 1e3, 1000 },  { "M", 1e6, 1000 }, { "G", 1e9, 1000 },
	{ "T", 1e12, 1000 }, { "P", 1e15, 1000 }, { "E", 1e18, 0 },
};

static const struct step byte_steps[] = {
	{ "", 1, 1024 },       { "K", 0x1p10, 1024 }, { "M", 0x1p20, 1024 }, { "G", 0x1p30, 1024 },
	{ "T", 0x1p40, 1024 }, { "P", 0x1p50, 1024 }, { "E", 0x1p60, 0 },
};

/* Prints @v in this step's unit; false when it does not fit or belongs to the next step. */
static bool print_step(char *buf, double v, const struct step *step, int width)
{
	double x = v / step->size;
	int decimals, len, point;

	for (decimals = x == floor(x) && step->size == 1 ? 0 : 2; decimals >= 0; decimals--) {
		len = snprintf(buf, FMT_LEN, "%.*f", decimals, x);
		if (step->limit && strtod(buf, NULL) >= step->limit)
			return false;
		point = decimals ? len - decimals - 1 : len;
		len = snprintf(buf, FMT_LEN, "%.*f%s", decimals, x, step->suffix);
		if (decimals && (point + decimals > 3 || len > width))
			continue;
		if (len <= width || !step->limit)
			return true;
	}
	return false;
}

static char *print_scaled(char *buf, double v, const struct step *step, int width)
{
	if (!(v >= 0) || isinf(v)) {
		snprintf(buf, FMT_LEN, "-");
		return buf;
	}
	if (v == 0) {
		snprintf(buf, FMT_LEN, "0");
		return buf;
	}
	while (!print_step(buf, v, step, width) && step->limit)
		step++;
	return buf;
}

char *fmt_ns(char *buf, double v, int width)
{
	return print_scaled(buf, v, ns_steps, width);
}

char *fmt_count(char *buf, double v, int width)
{
	/* A whole count that fits needs no suffix: 123456 says more than 123k. */
	if (v >= 1000 && v + 0.5 < pow(10, width)) {
		snprintf(buf, FMT_LEN, "%.0f", v);
		return buf;
	}
	return print_scaled(buf, v, count_steps, width);
}

char *fmt_bytes(char *buf, double v, int width)
{
	return print_scaled(buf, v, byte_steps, width);
}
