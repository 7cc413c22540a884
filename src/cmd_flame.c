// SPDX-License-Identifier: GPL-2.0
/* dmasynctop flame: the stacks of a capture as a flame graph, or for other tools. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <dmasync/cmd.h>
#include <dmasync/flame.h>
#include <dmasync/log.h>

static int read_captures(const struct flame_options *opt, struct flame_tree *t,
			 struct flame_source *src)
{
	int err = flame_tree_init(t, opt->weight, opt->before);

	if (err)
		log_error("out of memory");
	err = err
		      ?: flame_add_capture(t, FLAME_AFTER, opt->file, opt->picture.by,
					   &src[FLAME_AFTER]);
	if (!err && opt->before)
		err = flame_add_capture(t, FLAME_BEFORE, opt->before, opt->picture.by,
					&src[FLAME_BEFORE]);
	if (err)
		return err;
	err = flame_tree_finish(t);
	if (err) {
		log_error("out of memory for the tree of stacks");
		return err;
	}
	if (t->values[FLAME_AFTER][0].weight)
		return 0;
	log_error("%s: nothing to draw: the sum of %s is 0; use another --weight", opt->file,
		  flame_weight_name(opt->weight));
	return -ENODATA;
}

static int print(FILE *f, const struct flame_options *opt, const struct flame_tree *t,
		 const struct flame_source *src)
{
	switch (opt->format) {
	case FLAME_FOLDED:
		return flame_write_folded(f, t);
	case FLAME_SPEEDSCOPE:
		return flame_write_speedscope(f, t, src, opt->picture.title);
	case FLAME_SVG:
		break;
	}
	return flame_write_svg(f, t, src, &opt->picture);
}

static int write_output(const struct flame_options *opt, const struct flame_tree *t,
			const struct flame_source *src)
{
	FILE *f = opt->output ? fopen(opt->output, "w") : stdout;
	int err = f ? 0 : -errno;

	/* Of an error in the middle, errno is all that stays. */
	errno = 0;
	err = err ?: print(f, opt, t, src);
	if (!err && (fflush(f) || ferror(f)))
		err = errno ? -errno : -EIO;
	if (f && f != stdout && fclose(f) && !err)
		err = -errno;
	if (err && err != -EPIPE)
		log_error("cannot write to %s: %s", opt->output ?: "stdout", strerror(-err));
	return err;
}

int cmd_flame(int argc, char **argv)
{
	struct flame_source src[FLAME_SIDES] = {};
	struct flame_tree tree = {};
	struct flame_options opt;
	int err;

	if (options_parse_flame(argc, argv, &opt))
		return EXIT_USAGE;
	err = output_check(opt.output, opt.file) ?: output_check(opt.output, opt.before);
	err = err ?: read_captures(&opt, &tree, src);
	err = err ?: write_output(&opt, &tree, src);
	flame_tree_free(&tree);
	return err && err != -EPIPE ? EXIT_FAILED : EXIT_OK;
}
