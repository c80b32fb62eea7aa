/* SPDX-License-Identifier: GPL-2.0-only */
/* See http_listener.h: the daemon's side. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/agent_spawn.h"
#include "agent/http_listener.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/timer.h"

#define AGAIN_NS      (2 * NS_PER_S)
#define CLOSE_WAIT_MS 1000
#define BACKLOG       64

struct http_listener {
	sd_event *event;
	char *user;
	struct conf_listen conf;
	int listen_fd; /* -1: the address or the port is not free */
	bool refused;  /* the last bind failed, and that was logged */
	bool renewed;  /* it was ended for a new configuration */
	pid_t pid;
	int fd, pidfd; /* -1: no listener runs */
	sd_event_source *ended, *again;
};

static void drop_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* ---- messages ---- */

static int send_open(struct http_listener *h)
{
	struct http_msg m = {.type = HTTP_MSG_OPEN, .listen = h->conf};
	struct iovec iov = {.iov_base = &m, .iov_len = sizeof(m)};
	_Alignas(struct cmsghdr) char room[CMSG_SPACE(sizeof(int))] = {0};
	struct msghdr head = {.msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = room,
			      .msg_controllen = sizeof(room)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&head);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &h->listen_fd, sizeof(int));
	return sendmsg(h->fd, &head, MSG_DONTWAIT | MSG_NOSIGNAL) == sizeof(m) ? 0 : -errno;
}

void http_listener_state(struct http_listener *h, const char *json, size_t len)
{
	struct http_msg m = {.type = HTTP_MSG_STATE};
	struct iovec iov[] = {{.iov_base = &m, .iov_len = sizeof(m)},
			      {.iov_base = (void *)(uintptr_t)json, .iov_len = len}};
	struct msghdr head = {.msg_iov = iov, .msg_iovlen = 2};

	if (h->fd < 0 || len > HTTP_MSG_MAX - sizeof(m))
		return;
	if (sendmsg(h->fd, &head, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno != EAGAIN)
		log_debug("listener: a state was not sent: %s", strerror(errno));
}

/* ---- socket ---- */

static int bind_socket(const struct conf_listen *c, int *out)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(c->port)};
	const int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (inet_pton(AF_INET, c->address, &addr.sin_addr) != 1)
		err = -EINVAL;
	else if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
		 setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on)) ||
		 bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) || listen(fd, BACKLOG))
		err = -errno;
	if (err)
		close(fd);
	else
		*out = fd;
	return err;
}

static bool have_socket(struct http_listener *h)
{
	const char *address = h->conf.address;
	int err;

	if (h->listen_fd >= 0)
		return true;
	err = bind_socket(&h->conf, &h->listen_fd);
	if (err && !h->refused)
		log_error("could not listen on %s port %u: %s; there are no metrics until it works",
			  address, h->conf.port, strerror(-err));
	if (!err)
		log_info("metrics are on http://%s:%u/metrics", address, h->conf.port);
	h->refused = err != 0;
	return !err;
}

/* ---- the process ---- */

static int on_end(sd_event_source *s, int fd, uint32_t events, void *arg);

static void forget(struct http_listener *h)
{
	h->ended = sd_event_source_disable_unref(h->ended);
	drop_fd(&h->fd);
	drop_fd(&h->pidfd);
	h->pid = 0;
}

static int start(struct http_listener *h)
{
	int err = agent_spawn_listener(h->user, &h->fd, &h->pid);

	if (err)
		return err;
	h->pidfd = pidfd_open(h->pid, 0);
	err = h->pidfd < 0 ? -errno
			   : sd_event_add_io(h->event, &h->ended, h->pidfd, EPOLLIN, on_end, h);
	if (err >= 0)
		err = send_open(h);
	if (!err)
		return 0;
	kill(h->pid, SIGKILL);
	waitpid(h->pid, NULL, 0);
	forget(h);
	return err;
}

static void try_start(struct http_listener *h)
{
	int err;

	if (!h->conf.port)
		return;
	if (have_socket(h)) {
		err = start(h);
		if (!err)
			return;
		log_error("could not start the listener: %s; there are no metrics until it runs",
			  strerror(-err));
	}
	timer_arm(h->again, clock_now_ns() + AGAIN_NS);
}

static int on_again(sd_event_source *s, uint64_t usec, void *arg)
{
	struct http_listener *h = arg;

	(void)s;
	(void)usec;
	if (h->fd < 0)
		try_start(h);
	return 0;
}

static int on_end(sd_event_source *s, int fd, uint32_t events, void *arg)
{
	struct http_listener *h = arg;
	siginfo_t info = {.si_pid = 0};

	(void)s;
	(void)events;
	if (waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG) ? errno != ECHILD : !info.si_pid)
		return 0;
	if (h->renewed) {
		h->renewed = false;
		forget(h);
		try_start(h);
		return 0;
	}
	log_warn("listener %d ended with %s %d; it is started again", (int)h->pid,
		 info.si_code == CLD_EXITED ? "status" : "signal", info.si_status);
	forget(h);
	timer_arm(h->again, clock_now_ns() + AGAIN_NS);
	return 0;
}

int http_listener_open(sd_event *event, const struct conf *c, struct http_listener **out)
{
	struct http_listener *h = calloc(1, sizeof(*h));
	int err;

	*out = NULL;
	if (!h)
		return -ENOMEM;
	h->event = sd_event_ref(event);
	h->user = strdup(c->agent_user);
	h->conf = c->listen;
	h->listen_fd = h->fd = h->pidfd = -1;
	err = h->user ? timer_add(event, &h->again, 0, on_again, h) : -ENOMEM;
	if (err) {
		log_error("listener: %s", strerror(-err));
		http_listener_close(h);
		return err;
	}
	try_start(h);
	*out = h;
	return 0;
}

static bool same_conf(const struct conf_listen *a, const struct conf_listen *b)
{
	return a->port == b->port && !strcmp(a->address, b->address) && a->clients == b->clients &&
	       a->clients_per_address == b->clients_per_address && a->timeout_ns == b->timeout_ns;
}

/*
 * The process that runs has the old socket until it has ended, so all else waits for on_end(). The
 * daemon waits for nothing here.
 */
void http_listener_reconf(struct http_listener *h, const struct conf *c)
{
	const bool moved = h->conf.port != c->listen.port ||
			   strcmp(h->conf.address, c->listen.address) != 0;

	if (same_conf(&h->conf, &c->listen))
		return;
	if (moved)
		drop_fd(&h->listen_fd);
	h->refused = false;
	h->conf = c->listen;
	if (h->pidfd < 0) {
		try_start(h);
		return;
	}
	h->renewed = true;
	(void)pidfd_send_signal(h->pidfd, SIGKILL, NULL, 0);
}

pid_t http_listener_pid(const struct http_listener *h)
{
	return h->pid;
}

void http_listener_cut(struct http_listener *h, int wait_ms)
{
	struct pollfd p = {.events = POLLIN};

	if (!h || h->pidfd < 0)
		return;
	(void)pidfd_send_signal(h->pidfd, SIGKILL, NULL, 0);
	p.fd = h->pidfd;
	if (poll(&p, 1, wait_ms) == 1)
		(void)waitid(P_PIDFD, (id_t)h->pidfd, &(siginfo_t){.si_pid = 0}, WEXITED | WNOHANG);
	forget(h);
}

void http_listener_close(struct http_listener *h)
{
	if (!h)
		return;
	http_listener_cut(h, CLOSE_WAIT_MS);
	sd_event_source_disable_unref(h->again);
	drop_fd(&h->listen_fd);
	sd_event_unref(h->event);
	free(h->user);
	free(h);
}
