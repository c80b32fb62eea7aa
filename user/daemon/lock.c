/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See lock.h. The lock file is never removed: otherwise one daemon could hold the lock of the
 * removed file while another one locks a new file of the same name.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/lock.h"

static int make_folder(const char *path)
{
	char buf[CONF_PATH_MAX];
	char *dir;

	if (snprintf(buf, sizeof(buf), "%s", path) >= (int)sizeof(buf))
		return -ENAMETOOLONG;
	dir = dirname(buf);
	if (mkdir(dir, 0755) && errno != EEXIST) {
		int err = -errno;

		log_error("could not create %s for the control socket: %s", dir, strerror(-err));
		return err;
	}
	return 0;
}

int lock_node(const struct conf *c, int *fd)
{
	char path[CONF_PATH_MAX + 8];
	int err = make_folder(c->socket);

	*fd = -1;
	if (err)
		return err;
	snprintf(path, sizeof(path), "%s.lock", c->socket);
	*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*fd < 0) {
		err = -errno;
		log_error("could not open the lock %s: %s", path, strerror(-err));
		return err;
	}
	if (!flock(*fd, LOCK_EX | LOCK_NB))
		return 0;
	err = errno == EWOULDBLOCK ? -EADDRINUSE : -errno;
	if (err == -EADDRINUSE)
		log_error("a daemon of node %s is running already (it holds %s): stop it first",
			  c->nodes[c->self].name, path);
	else
		log_error("could not lock %s: %s", path, strerror(-err));
	unlock_node(*fd);
	*fd = -1;
	return err;
}

void unlock_node(int fd)
{
	if (fd >= 0)
		close(fd);
}
