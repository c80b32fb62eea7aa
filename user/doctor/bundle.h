/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `hokm-xdp doctor --bundle`: an archive for the person who is to help. It has what the doctor
 * found, what the daemon said, the settings, the journal, and what the system's own tools say of
 * interfaces, addresses, routes, filters and programs.
 *
 * Every text goes through scrub.h. The archive is readable for its owner alone.
 */
#ifndef HOKM_BUNDLE_H
#define HOKM_BUNDLE_H

#include <stdio.h>

#include "conf/conf.h"

/* A text of the doctor itself, and the name of its file in the archive. */
struct bundle_text {
	const char *name;
	char *text; /* secrets in it are marked in place; NULL is left out */
};

/*
 * Writes the archive to `path`, a gzipped tar, which must not exist yet. `c` is NULL when there is
 * no usable configuration. 0, or -errno after the cause was written to `err`.
 */
int bundle_write(const char *path, const struct conf *c, struct bundle_text *texts, size_t n,
		 FILE *err);

#endif
