/* SPDX-License-Identifier: GPL-2.0-only */
/* See http_listener.h: the daemon's side. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "agent/agent_spawn.h"
#include "agent/child.h"
#include "agent/http_listener.h"
#include "base/clock.h"
#include "base/limits.h"
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
	struct child child;
	sd_event_source *again;
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
	return sendmsg(h->child.fd, &head, MSG_DONTWAIT | MSG_NOSIGNAL) == sizeof(m) ? 0 : -errno;
}

void http_listener_state(struct http_listener *h, const char *json, size_t len)
{
	struct http_msg m = {.type = HTTP_MSG_STATE};
	struct iovec iov[] = {{.iov_base = &m, .iov_len = sizeof(m)},
			      {.iov_base = (void *)(uintptr_t)json, .iov_len = len}};
	struct msghdr head = {.msg_iov = iov, .msg_iovlen = 2};

	if (h->child.fd < 0 || len > HTTP_MSG_MAX - sizeof(m))
		return;
	if (sendmsg(h->child.fd, &head, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno != EAGAIN)
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

static void on_end(pid_t pid, const siginfo_t *info, void *arg);

static int start(struct http_listener *h)
{
	int err = child_start(&h->child, h->event, agent_spawn_listener, h->user, on_end, h);

	if (err)
		return err;
	err = send_open(h);
	if (err)
		child_discard(&h->child);
	return err;
}

static void try_start(struct http_listener *h)
{
	char advice[LIMITS_ADVICE];
	int err;

	if (!h->conf.port)
		return;
	if (have_socket(h)) {
		err = start(h);
		if (!err)
			return;
		log_error("could not start the listener: %s; there are no metrics until it runs%s",
			  strerror(-err), limits_advice(err, advice));
	}
	timer_arm(h->again, clock_now_ns() + AGAIN_NS);
}

static int on_again(sd_event_source *s, uint64_t usec, void *arg)
{
	struct http_listener *h = arg;

	(void)s;
	(void)usec;
	if (h->child.pidfd < 0)
		try_start(h);
	return 0;
}

static void on_end(pid_t pid, const siginfo_t *info, void *arg)
{
	struct http_listener *h = arg;

	if (h->renewed) {
		h->renewed = false;
		try_start(h);
		return;
	}
	log_warn("listener %d ended with %s %d; it is started again", (int)pid,
		 child_ended_with(info), info->si_status);
	timer_arm(h->again, clock_now_ns() + AGAIN_NS);
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
	h->listen_fd = -1;
	child_init(&h->child);
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
	if (h->child.pidfd < 0) {
		try_start(h);
		return;
	}
	h->renewed = true;
	child_kill(&h->child);
}

pid_t http_listener_pid(const struct http_listener *h)
{
	return h->child.pid;
}

void http_listener_cut(struct http_listener *h, int wait_ms)
{
	if (h)
		child_cut(&h->child, wait_ms);
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
