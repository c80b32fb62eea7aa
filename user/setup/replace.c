/* SPDX-License-Identifier: GPL-2.0-only */
/* See replace.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "setup/act.h"
#include "setup/replace.h"

void setup_old_name(const char *path, unsigned int which, char name[SETUP_OLD_NAME])
{
	int n = snprintf(name, SETUP_OLD_NAME, "%s.old", path);

	if (which)
		snprintf(name + n, SETUP_OLD_NAME - (size_t)n, ".%u", which + 1);
}

/* Returns 0: the copy has this text. 1: it has another one. Or -errno; -ENOENT: there is none. */
static int compare_old(const char *name, const char *text)
{
	char *old;
	int err = setup_read(name, &old);

	if (!err)
		err = strcmp(old, text) != 0;
	setup_forget(old);
	return err;
}

int setup_keep_old(const char *path, const char *text, char name[SETUP_OLD_NAME])
{
	for (unsigned int i = 0; i < SETUP_OLD_MAX; i++) {
		int err;

		setup_old_name(path, i, name);
		err = compare_old(name, text);
		if (err == -ENOENT)
			return setup_write(name, text, 0600);
		if (err <= 0)
			return err;
	}
	return -EDQUOT;
}

/* Keeps a copy of a file that was edited. Returns 0 or -errno, reported. */
static int keep_old(const char *path, const char *present)
{
	char name[SETUP_OLD_NAME];
	int err = setup_keep_old(path, present, name);

	if (err == -EDQUOT)
		fprintf(stderr,
			"hokm-xdp setup: %s was edited: it is left as it is, "
			"for %d copies of former ones are there: move some of %s.old* away\n",
			path, SETUP_OLD_MAX, path);
	else if (err)
		fprintf(stderr, "hokm-xdp setup: could not write %s: %s\n", name, strerror(-err));
	else
		printf("the former file is kept as %s\n", name);
	return err;
}

int setup_replace(const struct setup *s, const char *path, const char *present)
{
	char question[CONF_PATH_MAX + 128];

	if (s->dry || setup_unedited(present))
		return 0;
	snprintf(question, sizeof(question),
		 "%s was written or edited by hand. Replace it (a copy of it is kept)?", path);
	if (!setup_ask(s->yes, question)) {
		fprintf(stderr,
			"hokm-xdp setup: %s was edited: it is left as it is "
			"(--yes replaces it)\n",
			path);
		return -ECANCELED;
	}
	return keep_old(path, present);
}
