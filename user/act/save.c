/* SPDX-License-Identifier: GPL-2.0-only */
/* See save.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "act/save.h"

const char *save_why_not_trusted(const struct stat *st, off_t max)
{
	if (!S_ISREG(st->st_mode))
		return "it is no regular file";
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return "it does not belong to root";
	if (st->st_mode & (S_IRWXG | S_IRWXO))
		return "others than its owner have access to it";
	return st->st_size >= max ? "it is too long" : NULL;
}

int save_text(const char *folder, const char *fresh, const char *path, const char *text, size_t len)
{
	int fd, err = 0;
	ssize_t n;

	if (mkdir(folder, 0700) && errno != EEXIST)
		return -errno;
	if (unlink(fresh) && errno != ENOENT)
		return -errno;
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	n = write(fd, text, len);
	if (n < 0 || fsync(fd))
		err = -errno;
	else if ((size_t)n != len)
		err = -ENOSPC;
	if (close(fd) && !err)
		err = -errno;
	if (!err && rename(fresh, path))
		err = -errno;
	if (err)
		(void)unlink(fresh);
	return err;
}
