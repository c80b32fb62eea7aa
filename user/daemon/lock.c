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

static int folder_of(const struct conf *c, char dir[CONF_PATH_MAX])
{
	char buf[CONF_PATH_MAX];

	if (snprintf(buf, sizeof(buf), "%s", c->socket) >= (int)sizeof(buf))
		return -ENAMETOOLONG;
	snprintf(dir, CONF_PATH_MAX, "%s", dirname(buf));
	return 0;
}

/* What to do about a folder in which no file can be made. */
static const char *advice(int err)
{
	if (err == -EROFS)
		return "; it is read-only: mount it for writing, or choose another (key socket)";
	if (err == -ENOSPC || err == -EDQUOT)
		return "; it is full: see `df` and `df -i`";
	if (err == -ENOENT)
		return "; the folder above it is gone: make it again (mkdir -p)";
	return "";
}

int lock_make_folder(const char *dir)
{
	if (!mkdir(dir, 0755))
		return chmod(dir, 0755) ? -errno : 0;
	return errno == EEXIST ? 0 : -errno;
}

static int prepare_folder(const struct conf *c)
{
	char dir[CONF_PATH_MAX] = "";
	int err = folder_of(c, dir);

	if (!err)
		err = lock_make_folder(dir);
	if (err)
		log_error("could not create %s for the control socket: %s%s", dir, strerror(-err),
			  advice(err));
	return err;
}

/* A file of another name, which nobody uses. */
static int try_file(const char *dir)
{
	char path[CONF_PATH_MAX + 32];
	int fd;

	snprintf(path, sizeof(path), "%s/.try.%d", dir, (int)getpid());
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	close(fd);
	return unlink(path) ? -errno : 0;
}

int lock_may(const struct conf *c, FILE *errors)
{
	char dir[CONF_PATH_MAX] = "";
	int err = folder_of(c, dir);

	if (!err)
		err = lock_make_folder(dir);
	if (!err)
		err = try_file(dir);
	if (err)
		fprintf(errors,
			"no file can be made in %s, the folder of the control socket: %s%s\n", dir,
			strerror(-err), advice(err));
	return err;
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

static int lock_file(const struct conf *c, int *fd)
{
	char path[CONF_PATH_MAX + 8];
	int err = prepare_folder(c);

	if (err)
		return err;
	snprintf(path, sizeof(path), "%s.lock", c->socket);
	*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*fd < 0) {
		err = -errno;
		log_error("could not open the lock %s: %s%s", path, strerror(-err), advice(err));
		return err;
	}
	return refuse(c, path, flock(*fd, LOCK_EX | LOCK_NB) ? -errno : 0);
}

/* The file comes first: what it refuses is a daemon of this node, and its words name the node. */
int lock_node(const struct conf *c, struct node_lock *l)
{
	int err;

	*l = NODE_LOCK_NONE;
	err = lock_file(c, &l->file);
	if (!err)
		err = netns_lock_take(c->file, &l->netns);
	if (err)
		unlock_node(l);
	return err;
}

void unlock_node(struct node_lock *l)
{
	netns_lock_release(&l->netns);
	if (l->file >= 0)
		close(l->file);
	l->file = -1;
}
