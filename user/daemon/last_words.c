/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See last_words.h. First the RSTs of all, which wait for nothing. Then a child destroys the
 * sockets, because SOCK_DESTROY takes the lock of each, which a process that stands still in the
 * kernel may hold for long (act/ender.h). The child reports each batch through a pipe. When none
 * comes for STILL_MS, it is killed and left: it ends as soon as the kernel lets it go. It has no
 * descriptor of this process: neither the lock of the node, nor the links that a cleanup removes.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "act/session_reset.h"
#include "base/log.h"
#include "daemon/last_words.h"
#include "path/bpf.h"

#define STILL_MS 5000 /* the longest time for a batch of sockets */
#define CHILD_FD 3    /* the child's end of the pipe */

struct words {
	struct session_reset reset;
	const struct conf *conf;
	const struct conf_service *services[HOKM_MAX_SERVICES]; /* by slot; NULL: unused */
	struct tickle_conn *conns;
	unsigned int n, room, sent;
};

static unsigned int batch_at(const struct words *w, unsigned int i)
{
	return w->n - i < TICKLE_MAX ? w->n - i : TICKLE_MAX;
}

static void notify(struct words *w)
{
	unsigned int n = batch_at(w, w->sent);

	if (n)
		session_reset_tell(&w->reset, w->conns + w->sent, n);
	w->sent += n;
}

static int grow(struct words *w)
{
	unsigned int room = w->room ? 2 * w->room : TICKLE_MAX;
	struct tickle_conn *conns = reallocarray(w->conns, room, sizeof(*conns));

	if (!conns)
		return -ENOMEM;
	w->conns = conns;
	w->room = room;
	return 0;
}

static int take_one(const struct hokm_conn_key *k, const struct hokm_conn *c, void *arg)
{
	struct words *w = arg;
	const struct conf_service *svc = k->service < HOKM_MAX_SERVICES ? w->services[k->service]
									: NULL;

	if (!svc || c->target != HOKM_LOCAL || c->tcp_state != HOKM_TCP_ESTABLISHED ||
	    c->flags & HOKM_CONN_ENDED)
		return 0;
	if (w->n == w->room && grow(w))
		return -ENOMEM;
	w->conns[w->n++] = (struct tickle_conn){
		.client = hokm_addr_to_ipv4(&k->client),
		.vip = w->conf->vips[svc->vip],
		.client_port = k->client_port,
		.port = htobe16(svc->port),
		.seq = c->s2c.seq_next,
		.ack = c->s2c.packets ? c->s2c.ack : c->c2s.seq_next,
		.known = c->s2c.packets > 0,
	};
	if (w->n - w->sent == TICKLE_MAX)
		notify(w);
	return 0;
}

/* The daemon gave the slots: each has the name of its service (hokm_service_tag()). */
static int find_services(struct hokm_bpf *bpf, struct words *w)
{
	for (unsigned int slot = 0; slot < HOKM_MAX_SERVICES; slot++) {
		struct hokm_service seen;
		int err = hokm_bpf_get_service(bpf, slot, &seen);

		if (err)
			return err;
		for (unsigned int i = 0; seen.tag && i < w->conf->n_services; i++) {
			const struct conf_service *svc = &w->conf->services[i];

			if (hokm_service_tag(w->conf->vips[svc->vip], svc->port) == seen.tag)
				w->services[slot] = svc;
		}
	}
	return 0;
}

/* RSTs to all clients. 0 or -errno: then some may not be notified. */
static int notify_all(struct hokm_bpf *bpf, struct words *w)
{
	int err = session_reset_open(&w->reset);

	if (err)
		return err;
	err = find_services(bpf, w);
	if (!err)
		err = hokm_bpf_walk_conns(bpf, false, take_one, w);
	notify(w);
	session_reset_close(&w->reset);
	return err;
}

/* ---- the sockets ---- */

/* It goes on after a batch that failed. 0 or the first -errno. */
static int end_sockets(const struct words *w)
{
	struct session_reset reset;
	int err = session_reset_open(&reset);

	if (err)
		return err;
	for (unsigned int i = 0; i < w->n; i += TICKLE_MAX) {
		int n = session_reset_sockets(&reset, w->conns + i, batch_at(w, i));

		if (n < 0 && !err)
			err = n;
		/* The parent may be gone: the sockets are ended all the same. */
		if (write(CHILD_FD, "", 1) < 0)
			continue;
	}
	session_reset_close(&reset);
	return err;
}

/* Its exit code is 0 or an errno. */
static _Noreturn void child(const struct words *w, int fd)
{
	int null;

	/*
	 * First: it is one of the standard descriptors when this process was started without them.
	 */
	if (fd != CHILD_FD && dup2(fd, CHILD_FD) < 0)
		_exit(errno);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int i = 0; i < CHILD_FD && null >= 0; i++)
		if (dup2(null, i) < 0)
			_exit(errno);
	if (null < 0 || close_range(CHILD_FD + 1, ~0U, 0) || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		_exit(errno);
	_exit(-end_sockets(w));
}

/* Waits for the child while it reports. 0 or -errno; -ETIMEDOUT: it was left. */
static int await(pid_t pid, int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char reports[TICKLE_MAX];
	int status, ready;
	ssize_t n;

	do {
		ready = poll(&p, 1, STILL_MS);
		n = ready > 0 ? read(fd, reports, sizeof(reports)) : -1;
	} while (n > 0 || (ready < 0 && errno == EINTR));
	if (n < 0) {
		(void)kill(pid, SIGKILL);
		return -ETIMEDOUT;
	}
	/* Its end of the pipe is closed: it ends now. */
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -ECANCELED;
}

static int end_all(const struct words *w)
{
	int fds[2], err;
	pid_t pid;

	if (!w->n)
		return 0;
	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (!pid)
		child(w, fds[1]);
	err = pid < 0 ? -errno : 0;
	close(fds[1]);
	if (!err)
		err = await(pid, fds[0]);
	close(fds[0]);
	return err;
}

int64_t last_words(const struct conf *c)
{
	struct words w = {.conf = c};
	struct hokm_bpf *bpf;
	int64_t sent;
	int err = hokm_bpf_open_pinned(c, &bpf);
	int err_sockets;

	if (err == -ENOENT)
		return 0;
	if (!err)
		err = notify_all(bpf, &w);
	hokm_bpf_close(bpf);
	err_sockets = end_all(&w);
	if (err)
		log_error("could not terminate the connections on this node: %s", strerror(-err));
	if (err_sockets)
		log_error("%u clients are notified, but the kernel kept some of their sockets: %s; "
			  "they end with the game server",
			  w.sent, strerror(-err_sockets));
	sent = w.sent;
	free(w.conns);
	return err ? err : sent;
}
