/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * May only root change what a path leads to? The question of keepalived's enable_script_security,
 * for a program that is about to run with privileges.
 */
#ifndef HOKM_TRUSTED_H
#define HOKM_TRUSTED_H

#include <stdbool.h>
#include <stddef.h>

/*
 * True when the file, each folder on the way to it, and each symbolic link belong to root, and no
 * other user may write to them. A folder with the sticky bit may be writable, and so may what only
 * the group root can write to. Otherwise false: *problem, of `size` bytes, has the words.
 */
bool trusted_file(const char *path, char *problem, size_t size);

#endif
