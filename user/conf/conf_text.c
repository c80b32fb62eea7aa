/* SPDX-License-Identifier: GPL-2.0-only */
/* A configuration that is not in a file yet. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/conf.h"

int conf_load_text(const char *text, bool find_self, FILE *errors, struct conf **out)
{
	/* conf_load() takes files only: the text is put into one that nobody else can open. */
	int fd = memfd_create("hokm-conf", MFD_CLOEXEC);
	size_t len = strlen(text);
	char path[64];
	int err = 0;

	*out = NULL;
	if (fd < 0)
		return -errno;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (fchmod(fd, 0600) || write(fd, text, len) != (ssize_t)len)
		err = errno ? -errno : -EIO;
	if (!err)
		err = conf_load(path, find_self, errors, out);
	close(fd);
	return err;
}
