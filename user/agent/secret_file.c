/* SPDX-License-Identifier: GPL-2.0-only */
/* See secret_file.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/secret_file.h"

char *secret_read_all(int fd, size_t max, size_t *len)
{
	char *buf = malloc(max + 1);
	ssize_t n = 1;

	*len = 0;
	while (buf && n > 0 && *len < max) {
		n = read(fd, buf + *len, max - *len);
		*len += n > 0 ? (size_t)n : 0;
	}
	if (buf && n < 0) {
		free(buf);
		return NULL;
	}
	if (buf)
		buf[*len] = '\0';
	return buf;
}

const char *secret_not_safe(int fd, bool by_systemd)
{
	mode_t others = S_IRWXG | S_IRWXO;
	struct stat st;

	if (fstat(fd, &st))
		return strerror(errno);
	if (!S_ISREG(st.st_mode))
		return "it is no regular file";
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return "it does not belong to root";
	if (by_systemd && st.st_uid == 0 && st.st_gid == 0)
		others = S_IWGRP | S_IRWXO;
	if (st.st_mode & others)
		return "others than its owner have access to it: run chmod 600 on it";
	return NULL;
}
