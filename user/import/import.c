/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `hokm-xdp import`; see import.h. The report names each line of the file, also those that mean the
 * same, so that the operator can compare both files from top to bottom. The new configuration is
 * loaded before it is shown: an import that check-config would refuse is an error.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "import/import.h"

/* ---- the report ---- */

static const char *word_of(enum kl_verdict v)
{
	static const char *const words[] = {
		[KL_UNKNOWN] = "kept",      [KL_KEPT] = "kept",       [KL_CHANGED] = "changed",
		[KL_LEFT_OUT] = "LEFT OUT", [KL_REFUSED] = "REFUSED",
	};

	return words[v];
}

static void report_words(const struct kl_line *l, unsigned int depth, FILE *to)
{
	fprintf(to, "%*s", (int)depth * 2, "");
	for (unsigned int i = 0; i < l->n; i++)
		fprintf(to, "%s%s", i ? " " : "",
			i && !strcmp(l->word[0], "auth_pass") ? "***" : l->word[i]);
	fprintf(to, "%s\n", l->opens ? " {" : "");
}

/* What is in a block that is left out needs no line of its own. */
static void report_lines(const struct kl_line *l, unsigned int depth, FILE *to)
{
	for (; l; l = l->next) {
		fprintf(to, "%-9s %s:%u: ", word_of(l->verdict), l->file, l->number);
		report_words(l, depth, to);
		if (l->why[0])
			fprintf(to, "%*s%s\n", 12, "", l->why);
		if (l->verdict != KL_LEFT_OUT && l->verdict != KL_REFUSED)
			report_lines(l->block, depth + 1, to);
	}
}

/* ---- the result ---- */

/* Whether the daemon would load it. */
static int loads(const char *text, FILE *errors)
{
	struct conf *c;
	int err = conf_load_text(text, false, errors, &c);

	conf_free(c);
	return err;
}

static int make_text(const struct kl_plan *p, const char *source, char **text)
{
	size_t size;
	FILE *to = open_memstream(text, &size);
	int err;

	if (!to)
		return -errno;
	err = kl_write(p, source, to);
	if (fclose(to) && !err)
		err = -errno;
	return err;
}

int import_file(const char *path, const struct kl_options *opt, FILE *report, FILE *errors,
		char **text)
{
	struct kl_plan *plan = calloc(1, sizeof(*plan));
	struct kl_tree *tree = NULL;
	int err = plan ? kl_read(path, errors, &tree) : -ENOMEM;

	*text = NULL;
	if (!err) {
		err = kl_understand(tree, opt, errors, plan);
		report_lines(kl_first(tree), 0, report);
	}
	if (!err)
		err = make_text(plan, path, text);
	if (!err)
		err = loads(*text, errors);
	if (err && *text) {
		explicit_bzero(*text, strlen(*text));
		free(*text);
		*text = NULL;
	}
	kl_free(tree);
	if (plan)
		explicit_bzero(plan, sizeof(*plan));
	free(plan);
	return err;
}
