// SPDX-License-Identifier: GPL-2.0
/* Reads captures, line by line; nothing in them is trusted. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <dmasync/log.h>
#include "../view/clean.h"
#include "json_arena.h"
#include "parse.h"

struct capture {
	struct lines *lines;
	struct capture_info info;
	struct stack_table stacks;
	struct stack_map map;
	__u64 intervals; /* read so far */
	bool ended;	 /* its closing line was read, or nothing more can be */
	const char *cut_off;
	char cut_off_before[96]; /* what @cut_off points at when a report of it is read */
	int err;		 /* what the reading ended with */
};

const char *capture_path(const struct capture *c)
{
	return lines_path(c->lines);
}

const struct capture_info *capture_info(const struct capture *c)
{
	return &c->info;
}

const struct stack_table *capture_stacks(const struct capture *c)
{
	return &c->stacks;
}

const char *capture_cut_off(const struct capture *c)
{
	return c->cut_off;
}

void capture_free(struct capture *c)
{
	if (!c)
		return;
	lines_close(c->lines);
	arena_release();
	stack_table_free(&c->stacks);
	free(c->map.number);
	free(c);
}

/* Next line as an object, which is put into @f; 1, 0 at the end, or -errno. */
static int next_object(struct capture *c, struct fields *f)
{
	const char *text;
	size_t len;
	int n = lines_next(c->lines, &text, &len);

	if (n <= 0)
		return n;
	*f = (struct fields){ .lines = c->lines, .list = "" };
	f->obj = fields_parse(c->lines, text, len);
	return f->obj ? 1 : -EBADMSG;
}

static int read_header(struct capture *c)
{
	struct fields f;
	int n = next_object(c, &f);

	if (n < 0)
		return n;
	if (!n) {
		log_error("%s: %s: nothing was recorded", lines_path(c->lines),
			  lines_cut_off(c->lines) ? "has no whole line" : "is empty");
		return -EBADMSG;
	}
	if (strcmp(field_string(&f, "type", FIELD_OPTIONAL), "header"))
		f.err = f.err
				?: lines_damaged(c->lines, "not a capture of dmasynctop: its first"
							   " line is no header");
	return f.err ?: parse_header(&f, &c->info);
}

int capture_open(const char *path, struct capture **out)
{
	struct capture *c = calloc(1, sizeof(*c));
	int err;

	if (!c) {
		log_error("%s: out of memory", path);
		return -ENOMEM;
	}
	err = lines_open(path, &c->lines) ?: read_header(c);
	if (err) {
		capture_free(c);
		return err;
	}
	*out = c;
	return 0;
}

/* Behind the closing line there is nothing; looking for it also checks the checksum. */
static int read_end(struct capture *c, struct fields *f)
{
	__u64 intervals = field_u64(f, "intervals", INT64_MAX, FIELD_OPTIONAL);
	const char *text;
	size_t len;
	int n;

	/* A report of a capture that was cut off has a closing line, but is no more whole. */
	field_text(f, "cut_off", c->cut_off_before, sizeof(c->cut_off_before),
		   FIELD_OPTIONAL | FIELD_NULL);
	if (f->err)
		return f->err;
	if (field_known(f, "intervals") && intervals != c->intervals)
		return lines_damaged(c->lines,
				     "closes a capture of %llu intervals, but %llu are there: the"
				     " file is damaged",
				     intervals, c->intervals);
	n = lines_next(c->lines, &text, &len);
	if (n < 0)
		return n;
	if (lines_cut_off(c->lines))
		c->cut_off = lines_cut_off(c->lines);
	else if (c->cut_off_before[0])
		c->cut_off = c->cut_off_before;
	if (n)
		return lines_damaged(c->lines, "follows the closing line: captures cannot be joined"
					       " by cat");
	c->ended = true;
	return 0;
}

/* What a line of type @type is for. 1: @iv has been read; 0: go on, or @c->ended. */
static int read_line(struct capture *c, struct fields *f, const char *type, struct interval *iv)
{
	int err;

	if (!strcmp(type, "stack"))
		return parse_stack(f, &c->stacks, &c->map);
	if (!strcmp(type, "end"))
		return read_end(c, f);
	if (!strcmp(type, "header"))
		return lines_damaged(c->lines, "is a second header: the file is damaged");
	if (strcmp(type, "interval"))
		return 0; /* something newer; who needs it knows it */
	err = parse_interval(f, &c->info, &c->map, iv);
	if (err)
		return err;
	c->intervals++;
	return 1;
}

int capture_next(struct capture *c, struct interval *iv)
{
	const char *type;
	struct fields f;
	int n = c->err;

	interval_clear(iv);
	while (!n && !c->ended) {
		n = next_object(c, &f);
		if (!n) {
			c->ended = true;
			c->cut_off = lines_cut_off(c->lines) ?: "cut off: there is no closing line";
		}
		if (n <= 0)
			break;
		type = field_string(&f, "type", 0);
		n = f.err ?: read_line(c, &f, type, iv);
	}
	if (n < 0)
		c->err = n;
	return n;
}

/* A row is sixteen times as large as the others. */
static bool too_much(const struct interval *total)
{
	return total->n_rows > CAPTURE_TOTAL_MAX / 16 || total->n_procs > CAPTURE_TOTAL_MAX ||
	       total->n_stacks > CAPTURE_TOTAL_MAX || total->n_samples > CAPTURE_TOTAL_MAX;
}

int capture_add(const struct capture *c, struct interval *total, const struct interval *iv)
{
	if (interval_add(total, iv)) {
		log_error("%s: out of memory for the sums", capture_path(c));
		return -ENOMEM;
	}
	if (too_much(total))
		return lines_damaged(c->lines, "up to here there are more rows, processes or stacks"
					       " than can be summed");
	return 0;
}

void capture_warn(const struct capture *c)
{
	char why[sizeof(c->cut_off_before)];

	if (!c->cut_off)
		return;
	clean_for_terminal(why, sizeof(why), c->cut_off);
	log_warn("%s: %s; %llu whole interval%s read", capture_path(c), why, c->intervals,
		 c->intervals == 1 ? " was" : "s were");
}

static int add_up(struct capture *c, struct interval *total,
		  int (*each)(void *, const struct capture *, const struct interval *), void *ctx)
{
	struct interval iv;
	int n;

	interval_init(&iv);
	while ((n = capture_next(c, &iv)) > 0) {
		n = capture_add(c, total, &iv);
		if (!n && each)
			n = each(ctx, c, &iv);
		if (n)
			break;
	}
	interval_free(&iv);
	return n;
}

int capture_read(const char *path, struct interval *total,
		 int (*each)(void *ctx, const struct capture *c, const struct interval *iv),
		 void *ctx, struct capture **out)
{
	struct capture *c;
	int err = capture_open(path, &c);

	if (err)
		return err;
	err = add_up(c, total, each, ctx);
	if (err) {
		capture_free(c);
		return err;
	}
	capture_warn(c);
	*out = c;
	return 0;
}
