/* SPDX-License-Identifier: GPL-2.0-only */
/* Files of the daemon that survive it: written whole, and read only when nobody else wrote them. */
#ifndef HOKM_ACT_SAVE_H
#define HOKM_ACT_SAVE_H

#include <stddef.h>
#include <sys/stat.h>

/* Why such a file is not read, NULL when it is: others must not give orders to the node by it. */
const char *save_why_not_trusted(const struct stat *st, off_t max);

/*
 * Writes the file `fresh` in `folder`, which is made when it is missing, syncs it, and renames it
 * to `path`: at every moment that is the old file or the new one. 0 or -errno. It may take long.
 */
int save_text(const char *folder, const char *fresh, const char *path, const char *text,
	      size_t len);

#endif
