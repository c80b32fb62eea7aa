/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See netns_lock.h. The lock is a name of the abstract namespace of Unix sockets (unix(7)): each
 * network namespace has its own, no two sockets have the same name, no file is left behind, and the
 * kernel frees the name when the process ends, however it ends.
 *
 *   @hokm-xdp             the lock
 *   @hokm-xdp PID@N FILE  who holds it, for the message of another process and for `ss -xa`
 *
 * N is the number of the PID namespace in which the process is PID. A daemon in a container may
 * share the network of the host, where PID is another process.
 *
 * Nobody listens on these sockets, so no other process can make the daemon work by them. But any
 * user may take a free name. A holder that is neither root nor this user is no daemon, and must not
 * keep this one from starting: sock_diag(7) says whose the socket is.
 */
#include <errno.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/socket.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/nl.h"
#include "daemon/netns_lock.h"

#define NAME "hokm-xdp"
/* The first byte of an abstract name is 0. */
#define WORDS_MAX (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)
/* A holder may end between the attempt to take its name and the look at it. */
#define TRIES 3

struct holder {
	bool there;
	uint32_t uid;
	char words[WORDS_MAX + 1]; /* "PID@N FILE"; "": unknown */
};

/* A longer name is cut. */
static int take_name(int fd, const char *name)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	size_t len = strnlen(name, WORDS_MAX);

	memcpy(sa.sun_path + 1, name, len);
	len += offsetof(struct sockaddr_un, sun_path) + 1;
	return bind(fd, (const struct sockaddr *)&sa, (socklen_t)len) ? -errno : 0;
}

static bool is_trusted(uint32_t uid)
{
	return uid == 0 || uid == geteuid();
}

/* A message of the dump: one socket. */
static int look_at(struct nlmsghdr *nlh, void *arg)
{
	struct nlattr *tb[UNIX_DIAG_MAX + 1];
	const size_t own = strlen(NAME);
	struct holder *h = arg;
	const char *name;
	uint32_t uid;
	size_t len;

	if (nlmsg_parse(nlh, sizeof(struct unix_diag_msg), tb, UNIX_DIAG_MAX, NULL) < 0)
		return -EPROTO;
	if (!tb[UNIX_DIAG_NAME] || !tb[UNIX_DIAG_UID])
		return 0;
	name = nla_data(tb[UNIX_DIAG_NAME]);
	len = (size_t)nla_len(tb[UNIX_DIAG_NAME]);
	uid = nla_get_u32(tb[UNIX_DIAG_UID]);
	if (len < own + 1 || name[0] || memcmp(name + 1, NAME, own) != 0)
		return 0;
	if (len == own + 1) {
		h->there = true;
		h->uid = uid;
	} else if (name[own + 1] == ' ' && is_trusted(uid)) {
		snprintf(h->words, sizeof(h->words), "%.*s", (int)(len - own - 2), name + own + 2);
	}
	return 0;
}

static int find_holder(struct holder *h)
{
	struct unix_diag_req req = {
		.sdiag_family = AF_UNIX,
		.udiag_states = UINT32_MAX,
		.udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_UID,
	};
	struct nl_sock *sk = nl_socket_alloc();
	int err;

	memset(h, 0, sizeof(*h));
	if (!sk)
		return -ENOMEM;
	err = nl_connect(sk, NETLINK_SOCK_DIAG) < 0 ? -EIO : 0;
	if (!err)
		err = nlr_dump(sk, SOCK_DIAG_BY_FAMILY, &req, sizeof(req), look_at, h);
	nl_socket_free(sk);
	return err;
}

/* Of this process; 0: unknown. */
static unsigned long pid_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) ? 0 : (unsigned long)st.st_ino;
}

/* Has this process the same numbers of processes as the holder? */
static bool sees(const struct holder *h)
{
	const char *at = strchr(h->words, '@');
	unsigned long own = pid_namespace();

	return own && at && strtoul(at + 1, NULL, 10) == own;
}

static int refuse(const struct holder *h)
{
	const char *file = strchr(h->words, ' ');

	if (file && sees(h))
		log_error("hokm-xdp runs in this network namespace already: process %.*s, "
			  "configuration %s: stop it first; "
			  "there can be one daemon in each network namespace",
			  (int)strcspn(h->words, "@"), h->words, file + 1);
	else if (file)
		log_error("hokm-xdp runs in this network namespace already: "
			  "a process of another container or of the host, "
			  "configuration %s "
			  "(`ss -xap` on the host shows its socket @%s): stop it first; "
			  "there can be one daemon in each network namespace",
			  file + 1, NAME);
	else
		log_error("hokm-xdp runs in this network namespace already "
			  "(`ss -xap` shows its socket @%s): stop it first; "
			  "there can be one daemon in each network namespace",
			  NAME);
	return -EADDRINUSE;
}

/* The name is another process's. 0: that does not count; -EAGAIN: it may be free by now. */
static int judge(void)
{
	struct holder h;
	int err = find_holder(&h);

	if (err == -EINTR || (!err && !h.there))
		return -EAGAIN;
	if (err || is_trusted(h.uid))
		return refuse(&h);
	log_warn("a process of user %u has the socket @%s (`ss -xap` shows it): "
		 "another daemon in this network namespace would not be noticed",
		 h.uid, NAME);
	return 0;
}

static int take(struct netns_lock *l)
{
	int err = take_name(l->name, NAME);

	for (unsigned int i = 0; err == -EADDRINUSE && i < TRIES; i++) {
		err = judge();
		if (err == -EAGAIN)
			err = take_name(l->name, NAME);
		else if (err)
			return err;
	}
	if (err)
		log_error("could not take the name @%s of a socket: %s", NAME, strerror(-err));
	return err;
}

/* A reader of the name may have another working directory. */
static int say_who(const struct netns_lock *l, const char *file)
{
	char *whole = file[0] == '/' ? NULL : realpath(file, NULL);
	char words[WORDS_MAX + 1];

	snprintf(words, sizeof(words), NAME " %d@%lu %s", (int)getpid(), pid_namespace(),
		 whole ? whole : file);
	free(whole);
	return take_name(l->words, words);
}

int netns_lock_take(const char *file, struct netns_lock *l)
{
	int err;

	/* Of a kind on which nothing arrives unless a process listens. */
	l->name = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	l->words = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (l->name < 0 || l->words < 0) {
		err = -errno;
		log_error("could not open a socket: %s", strerror(-err));
	} else {
		err = take(l);
	}
	if (err)
		netns_lock_release(l);
	else if (say_who(l, file))
		log_warn("could not name this process in a socket: %s", strerror(errno));
	return err;
}

void netns_lock_release(struct netns_lock *l)
{
	if (l->name >= 0)
		close(l->name);
	if (l->words >= 0)
		close(l->words);
	*l = NETNS_LOCK_NONE;
}
