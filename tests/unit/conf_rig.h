/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests of the schema share: files made of text, and a walk over all rows. */
#ifndef HOKM_CONF_RIG_H
#define HOKM_CONF_RIG_H

#include "conf/conf_int.h"
#include "conf/schema.h"

/* Loads text as a file. NULL: refused. *errors is freed by the caller. */
struct conf *rig_load(const char *text, char **errors);

/*
 * The path of a copy of a file of the tree, mode 0600, as a file with a secret must have it: the
 * tree's files may have any mode and owner. Valid until the next call, which removes it; NULL
 * removes the last one.
 */
const char *rig_private(const char *file);

/* A row and where it stands. */
struct rig_row {
	const struct conf_section *up; /* NULL for keys outside of sections */
	const struct conf_section *sec;
	const struct conf_key *key;
	unsigned int title; /* one of those that have the key */
};

/* Calls fn for every key, once for each of the titles that have it. */
void rig_each(void (*fn)(const struct rig_row *r, void *arg), void *arg);

/* `inside` put into the row's section, such as "passive { before signal ping { inside } }". */
void rig_wrap(const struct rig_row *r, const char *before, const char *inside, char *dst,
	      size_t size);

/* The item of a loaded configuration that has the row's field; NULL when it is not there. */
void *rig_item(const struct rig_row *r, struct conf *c);

/* Are the fields of a row equal in two items? */
bool rig_same(const struct conf_key *k, const void *a, const void *b);

#endif
