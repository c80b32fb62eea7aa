/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See lock.h. The lock file is never removed: otherwise one daemon could hold the lock of the
 * removed file while another one locks a new file of the same name. Another program may remove it
 * all the same, so who has the lock also asks whether a daemon listens on the control socket, which
 * a daemon makes again when it is removed (serve/server_again.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
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

/* EAGAIN: a daemon listens, its queue is full. */
static bool daemon_listens(const struct conf *c)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	bool listens;
	int fd;

	if (strlen(c->socket) >= sizeof(sa.sun_path))
		return false;
	memcpy(sa.sun_path, c->socket, strlen(c->socket) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	listens = !connect(fd, (const struct sockaddr *)&sa, sizeof(sa)) || errno == EAGAIN;
	close(fd);
	return listens;
}

/* Logs why the lock at `path` does not make this process the only one. 0: it does; or -errno. */
static int refuse(const struct conf *c, const char *path, int err)
{
	const char *name = c->nodes[c->self].name;

	if (!err && !daemon_listens(c))
		return 0;
	if (err && err != -EWOULDBLOCK) {
		log_error("could not lock %s: %s", path, strerror(-err));
		return err;
	}
	log_error("a daemon of node %s is running already (it %s %s): stop it first", name,
		  err ? "holds" : "answers on", err ? path : c->socket);
	return -EADDRINUSE;
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
	err = refuse(c, path, flock(*fd, LOCK_EX | LOCK_NB) ? -errno : 0);
	if (!err)
		return 0;
	unlock_node(*fd);
	*fd = -1;
	return err;
}

void unlock_node(int fd)
{
	if (fd >= 0)
		close(fd);
}
