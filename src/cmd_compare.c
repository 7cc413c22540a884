// SPDX-License-Identifier: GPL-2.0
/* dmasynctop compare: captures before and after a change, held against each other. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <dmasync/cli.h>
#include <dmasync/cmd.h>
#include <dmasync/compare.h>
#include <dmasync/log.h>

/* A copy is no further run: counted, it would make any difference look certain. */
static bool is_copy(const struct compare *c, enum side side, const struct compare_run *run)
{
	const struct compare_run *other;
	size_t i;

	for (i = 0; i < c->side[side].n; i++) {
		other = c->side[side].runs[i];
		if (!compare_same_run(other, run))
			continue;
		log_warn("%s is the recording %s again: left out", run->path, other->path);
		return true;
	}
	return false;
}

static int load_side(struct compare *c, enum side side)
{
	const struct compare_options *opt = c->opt;
	struct compare_run *run;
	int err = 0;
	size_t i;

	for (i = 0; !err && i < opt->n_files[side]; i++) {
		err = compare_load(c, opt->files[side][i], &run);
		if (!err && is_copy(c, side, run))
			compare_run_drop(c);
		else if (!err)
			err = compare_side_add(c, side, run);
		if (err == -ENOMEM)
			log_error("out of memory for %zu captures", opt->n_files[side]);
	}
	return err;
}

/* A gate that could not have failed must not look as if it had passed. */
static void warn_of_gate(const struct compare *c)
{
	size_t i, judged = 0, common = 0;

	if (c->opt->fail_above < 0)
		return;
	for (i = 0; i < c->n_rows; i++) {
		if (!c->rows[i].side[BEFORE].runs || !c->rows[i].side[AFTER].runs)
			continue;
		common++;
		judged += c->rows[i].tested && mann_whitney_min(c->rows[i].side[BEFORE].runs,
								c->rows[i].side[AFTER].runs) *
							       c->n_tested <=
						       COMPARE_ALPHA;
	}
	if (judged < common)
		log_warn("--fail-on-regression: the time of %zu of %zu rows could not be judged, "
			 "only their barriers; give more runs a side (at least 4), or fewer rows",
			 common - judged, common);
}

static void tell_regressions(const struct compare *c)
{
	const struct compare_row *row;
	size_t i;

	for (i = 0; i < c->n_rows; i++) {
		row = &c->rows[i];
		if (row->regression)
			log_error("regression: %s %s: %s rose by more than %g %%", op_name(row->op),
				  row->dev,
				  row->verdict == VERDICT_SLOWER && row->figure[FIG_NS_CALL].r.low >
									    1 + c->opt->fail_above
					  ? "time per call"
				  : op_is_chain(row->op) ? "steps per call"
							 : "barriers per call",
				  c->opt->fail_above * 100);
	}
}

static bool in_common(const struct compare *c)
{
	size_t i;

	for (i = 0; i < c->n_rows; i++) {
		if (c->rows[i].side[BEFORE].runs && c->rows[i].side[AFTER].runs)
			return true;
	}
	log_error("nothing to compare: no operation of a device has calls on both sides%s",
		  c->opt->device || c->opt->ops ? " that -D and -O let through" : "");
	return false;
}

static int finish(int err)
{
	if (!err || err == -EPIPE)
		return EXIT_OK;
	log_error("cannot write the comparison: %s", strerror(-err));
	return EXIT_FAILED;
}

static int compare_sides(struct compare *c)
{
	int err = compare_judge(c), status;

	if (err) {
		log_error("out of memory for %zu runs", c->n_runs);
		return EXIT_FAILED;
	}
	if (c->opt->json)
		err = compare_print_json(stdout, c);
	else if (c->opt->markdown)
		err = compare_print_markdown(stdout, c);
	else
		err = compare_print_text(stdout, c);
	status = finish(err);
	if (status)
		return status;
	if (!in_common(c))
		return EXIT_FAILED;
	warn_of_gate(c);
	tell_regressions(c);
	return compare_regressed(c) ? EXIT_REGRESSION : EXIT_OK;
}

static int check_self(struct compare *c)
{
	struct self_check s = {};
	int status = EXIT_FAILED;

	if (c->n_runs < SELF_CHECK_RUNS) {
		log_error("--self-check needs at least %d different recordings, these are %zu",
			  SELF_CHECK_RUNS, c->n_runs);
		return EXIT_FAILED;
	}
	if (self_check(c, &s))
		log_error("out of memory for %zu runs", c->n_runs);
	else if (c->opt->json)
		status = finish(self_check_print_json(stdout, c, &s));
	else
		status = finish(self_check_print_text(stdout, c, &s));
	self_check_free(&s);
	return status || in_common(c) ? status : EXIT_FAILED;
}

int cmd_compare(int argc, char **argv)
{
	struct compare_options opt;
	struct compare c;
	int status = EXIT_FAILED, err;

	argv[0] = "dmasynctop compare"; /* for argp's messages */
	err = options_parse_compare(argc, argv, 0, &opt);
	compare_init(&c, &opt);
	if (err)
		status = EXIT_USAGE;
	else if (!load_side(&c, BEFORE) && !load_side(&c, AFTER))
		status = opt.self_check ? check_self(&c) : compare_sides(&c);
	compare_free(&c);
	free(opt.files[BEFORE]);
	free(opt.files[AFTER]);
	return status;
}
