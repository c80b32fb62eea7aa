/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See trusted.h. The path is walked from the root folder, one name at a time. A symbolic link is
 * replaced by its target, and the walk begins anew, so that every folder that decides where the
 * path leads is looked at. When all of them are root's, nobody else can change the answer between
 * this look and the use of the file.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/trusted.h"

#define LINKS_MAX 16

/* NULL: only root can change it. */
static const char *complaint(const struct stat *st)
{
	if (st->st_uid != 0)
		return "does not belong to root";
	if (S_ISLNK(st->st_mode) || (S_ISDIR(st->st_mode) && st->st_mode & S_ISVTX))
		return NULL;
	if (st->st_mode & S_IWOTH || (st->st_mode & S_IWGRP && st->st_gid != 0))
		return "may be written to by another user than root";
	return NULL;
}

/* Puts the target of the link path[0..end) into its place. 0 or -errno. */
static int follow(char path[PATH_MAX], size_t end)
{
	char target[PATH_MAX], rest[PATH_MAX], link[PATH_MAX];
	size_t folder = end;
	ssize_t n;

	snprintf(rest, sizeof(rest), "%s", path + end);
	memcpy(link, path, end);
	link[end] = '\0';
	n = readlink(link, target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	target[n] = '\0';
	while (target[0] != '/' && path[folder - 1] != '/')
		folder--;
	if (target[0] == '/')
		folder = 0;
	n = snprintf(path + folder, PATH_MAX - folder, "%s%s", target, rest);
	return n < 0 || (size_t)n >= PATH_MAX - folder ? -ENAMETOOLONG : 0;
}

/* Looks at path[0..end). 0, 1 for a link, or -errno; a complaint is -EPERM. */
static int look(const char *path, size_t end, char *problem, size_t size)
{
	const char *words;
	char part[PATH_MAX];
	struct stat st;

	memcpy(part, path, end);
	part[end] = '\0';
	if (lstat(part, &st)) {
		snprintf(problem, size, "%s: %s", part, strerror(errno));
		return -errno;
	}
	words = complaint(&st);
	if (words)
		snprintf(problem, size, "%s %s", part, words);
	return words ? -EPERM : S_ISLNK(st.st_mode);
}

bool trusted_file(const char *path, char *problem, size_t size)
{
	char whole[PATH_MAX];
	unsigned int links = 0;
	size_t end = 1;
	int err = 0;

	if (path[0] != '/' || (size_t)snprintf(whole, sizeof(whole), "%s", path) >= sizeof(whole)) {
		snprintf(problem, size, "the path is not absolute, or too long");
		return false;
	}
	for (;;) {
		err = look(whole, end, problem, size);
		if (err < 0)
			return false;
		if (err) {
			err = links++ < LINKS_MAX ? follow(whole, end) : -ELOOP;
			if (err) {
				snprintf(problem, size, "%s: %s", path, strerror(-err));
				return false;
			}
			end = 1;
			continue;
		}
		if (!whole[end])
			return true;
		end += strspn(whole + end, "/");
		end += strcspn(whole + end, "/");
	}
}
