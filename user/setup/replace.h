/* SPDX-License-Identifier: GPL-2.0-only */
/* A file that a person edited is replaced by leave only, and a copy of it is kept. */
#ifndef HOKM_SETUP_REPLACE_H
#define HOKM_SETUP_REPLACE_H

#include "setup/job.h"

#define SETUP_OLD_MAX  9                    /* copies of former files beside a file */
#define SETUP_OLD_NAME (CONF_PATH_MAX + 32) /* bytes of the name of one, of a path that fits */

/* The name of copy 0 to SETUP_OLD_MAX - 1 of a file: FILE.old, FILE.old.2, FILE.old.3 ... */
void setup_old_name(const char *path, unsigned int which, char name[SETUP_OLD_NAME]);

/*
 * Keeps a text as a copy beside the file; `name` says which. A text that one of the copies has
 * already gets no second one. Returns 0 or -errno; -EDQUOT: there are SETUP_OLD_MAX others, and
 * none is overwritten.
 */
int setup_keep_old(const char *path, const char *text, char name[SETUP_OLD_NAME]);

/*
 * May a file with this text be replaced? It asks about one that was edited, and keeps a copy of it.
 * Returns 0 or -errno, reported; -ECANCELED: the operator said no.
 */
int setup_replace(const struct setup *s, const char *path, const char *present);

#endif
