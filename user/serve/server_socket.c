/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The control socket in the file system. It is created with its final mode, and two daemons never
 * share it.
 *
 * If the path exists, a connection is tried first. A socket that nobody listens on was left by a
 * killed daemon and is replaced. Another daemon might do the same between that attempt and
 * listen(), so the directory is locked meanwhile.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/lock.h"
#include "serve/server.h"

#define LISTEN_BACKLOG 32

static int fill_address(const char *path, struct sockaddr_un *sa)
{
	memset(sa, 0, sizeof(*sa));
	sa->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(sa->sun_path)) {
		log_error("control socket %s: the path is longer than %zu bytes; "
			  "choose a shorter one (key socket)",
			  path, sizeof(sa->sun_path) - 1);
		return -ENAMETOOLONG;
	}
	memcpy(sa->sun_path, path, strlen(path) + 1);
	return 0;
}

/* Locks the directory of `path`, and creates it if necessary. File descriptor or -errno. */
static int lock_folder(const char *path, bool wait)
{
	char folder[CONF_PATH_MAX];
	char *slash;
	int fd, err;

	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (!slash || slash == folder) {
		log_error("control socket %s: an absolute path in a folder is needed (key socket)",
			  path);
		return -EINVAL;
	}
	*slash = '\0';
	err = lock_make_folder(folder);
	if (err) {
		log_error("control socket: could not make the folder %s: %s", folder,
			  strerror(-err));
		return err;
	}
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || flock(fd, wait ? LOCK_EX : LOCK_EX | LOCK_NB)) {
		err = -errno;
		log_error("control socket: could not lock the folder %s: %s", folder,
			  strerror(-err));
		if (fd >= 0)
			close(fd);
		return err;
	}
	return fd;
}

/* Makes room: 0 when there was nothing, or a socket that nobody listened on. */
static int remove_stale(const struct sockaddr_un *sa)
{
	const char *path = sa->sun_path;
	struct stat st;
	int fd, err;

	if (lstat(path, &st))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode)) {
		log_error("control socket: %s exists and is no socket; "
			  "remove it or choose another path (key socket)",
			  path);
		return -EEXIST;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	err = connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) ? errno : 0;
	close(fd);
	/* EAGAIN: a daemon listens there, its queue is full. */
	if (err != ECONNREFUSED && err != ENOENT) {
		log_error("control socket: another daemon answers on %s; stop it first", path);
		return -EADDRINUSE;
	}
	if (unlink(path) && errno != ENOENT)
		return -errno;
	log_info("control socket: replaced %s, which an earlier daemon left behind", path);
	return 0;
}

/*
 * A file has one group. The second one gets an entry in its access control list (acl(5)), as
 * setfacl would make it.
 */
static int let_group_in(const char *path, gid_t gid)
{
	const struct {
		struct posix_acl_xattr_header head;
		struct posix_acl_xattr_entry entry[5];
	} acl = {
		.head.a_version = htole32(POSIX_ACL_XATTR_VERSION),
		.entry =
			{
				{htole16(ACL_USER_OBJ), htole16(ACL_READ | ACL_WRITE),
				 htole32(ACL_UNDEFINED_ID)},
				{htole16(ACL_GROUP_OBJ), htole16(ACL_READ | ACL_WRITE),
				 htole32(ACL_UNDEFINED_ID)},
				{htole16(ACL_GROUP), htole16(ACL_READ | ACL_WRITE), htole32(gid)},
				{htole16(ACL_MASK), htole16(ACL_READ | ACL_WRITE),
				 htole32(ACL_UNDEFINED_ID)},
				{htole16(ACL_OTHER), 0, htole32(ACL_UNDEFINED_ID)},
			},
	};

	return lsetxattr(path, "system.posix_acl_access", &acl, sizeof(acl), 0) ? -errno : 0;
}

/*
 * The owner of a file may give it to a group that it is in. So this needs CAP_SETGID only, and a
 * daemon that took over in an upgrade has no CAP_CHOWN.
 */
static int give_to_group(const char *path, gid_t gid)
{
	gid_t own = (gid_t)setfsgid(gid);
	int err = lchown(path, (uid_t)-1, gid) ? errno : 0;

	(void)setfsgid(own);
	errno = err;
	return err ? -1 : 0;
}

static int admit_groups(const char *path, const gid_t gid[CTL_ROLES])
{
	gid_t look = gid[CTL_ROLE_LOOKS], act = gid[CTL_ROLE_ACTS];
	int err;

	if (look == CTL_NO_GROUP)
		look = act;
	if (look != CTL_NO_GROUP && give_to_group(path, look))
		return -errno;
	err = act == CTL_NO_GROUP || act == look ? 0 : let_group_in(path, act);
	if (err)
		log_warn("control socket: its file system takes no second group (%s): "
			 "a user who may act must be in ctl_group as well as in ctl_admin_group",
			 strerror(-err));
	return 0;
}

static int bind_and_listen(struct ctl_listener *l, const struct sockaddr_un *sa,
			   const gid_t gid[CTL_ROLES])
{
	struct stat st;
	mode_t old;
	int err;

	/* By umask and not by chmod: the socket is not open to others even for a moment. */
	old = umask(0117);
	err = bind(l->fd, (const struct sockaddr *)sa, sizeof(*sa)) ? -errno : 0;
	umask(old);
	if (err)
		return err;
	if (lstat(l->path, &st))
		return -errno;
	l->dev = st.st_dev;
	l->ino = st.st_ino;
	err = admit_groups(l->path, gid);
	if (err)
		return err;
	return listen(l->fd, LISTEN_BACKLOG) ? -errno : 0;
}

int ctl_listener_open(struct ctl_listener *l, const char *path, const gid_t gid[CTL_ROLES],
		      bool wait)
{
	struct sockaddr_un sa;
	int folder, err;

	memset(l, 0, sizeof(*l));
	l->fd = -1;
	err = fill_address(path, &sa);
	if (err)
		return err;
	snprintf(l->path, sizeof(l->path), "%s", path);
	folder = lock_folder(path, wait);
	if (folder < 0)
		return folder;
	err = remove_stale(&sa);
	if (err)
		goto out;
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	err = l->fd < 0 ? -errno : bind_and_listen(l, &sa, gid);
	if (err) {
		log_error("control socket: could not listen on %s: %s", path, strerror(-err));
		ctl_listener_close(l);
	}
out:
	close(folder);
	return err;
}

bool ctl_listener_there(const struct ctl_listener *l)
{
	struct stat st;

	return l->ino && !lstat(l->path, &st) && st.st_dev == l->dev && st.st_ino == l->ino;
}

void ctl_listener_close(struct ctl_listener *l)
{
	if (l->fd < 0)
		return;
	if (ctl_listener_there(l) && unlink(l->path))
		log_warn("control socket: could not remove %s: %s", l->path, strerror(errno));
	close(l->fd);
	l->fd = -1;
}
