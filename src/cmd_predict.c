// SPDX-License-Identifier: GPL-2.0
/* dmasynctop predict: what it would save to wait once a list. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <dmasync/cmd.h>
#include <dmasync/log.h>
#include <dmasync/options.h>
#include <dmasync/predict.h>

/* What one kernel on one machine took tells nothing of another. */
static int check_alike(const struct predict *p)
{
	const struct capture_info *first = &p->runs[0].info, *info;
	size_t i;

	for (i = 1; i < p->n_runs; i++) {
		info = &p->runs[i].info;
		if (!strcmp(info->hdr.release, first->hdr.release) &&
		    !strcmp(info->hdr.machine, first->hdr.machine) &&
		    !strcmp(info->hdr.model, first->hdr.model) &&
		    !strcmp(info->build_id, first->build_id))
			continue;
		log_error("%s is of another kernel or machine than %s: predict from one at a time",
			  p->runs[i].path, p->runs[0].path);
		return -EINVAL;
	}
	return 0;
}

static int load(struct predict *p)
{
	int err = 0;
	size_t i;

	for (i = 0; !err && i < p->opt->n_files; i++)
		err = predict_load(p, p->opt->files[i]);
	err = err ?: check_alike(p);
	if (!err) {
		err = predict_solve(p);
		if (err)
			log_error("out of memory for %zu rows", p->n_rows);
	}
	return err;
}

static int print(const struct predict *p)
{
	int err;

	if (p->opt->json)
		err = predict_print_json(stdout, p);
	else if (p->opt->markdown)
		err = predict_print_markdown(stdout, p);
	else
		err = predict_print_text(stdout, p);
	if (err && err != -EPIPE)
		log_error("cannot write the prediction: %s", strerror(-err));
	return err == -EPIPE ? 0 : err;
}

static int verdict(const struct predict *p)
{
	if (p->refused[0])
		log_error("nothing to predict: %s", p->refused);
	else if (!p->n_predicted)
		log_error("the captures do not tell what batching would save: see each row; 'man "
			  "dmasynctop-predict' has what to record");
	else
		return EXIT_OK;
	return EXIT_UNSUPPORTED;
}

int cmd_predict(int argc, char **argv)
{
	struct predict_options opt;
	struct predict p;
	int status = EXIT_FAILED, err;

	argv[0] = "dmasynctop predict"; /* for argp's messages */
	err = options_parse_predict(argc, argv, 0, &opt);
	predict_init(&p, &opt);
	if (err)
		status = EXIT_USAGE;
	else if (!load(&p) && !print(&p))
		status = verdict(&p);
	predict_free(&p);
	free(opt.files);
	return status;
}
