/* SPDX-License-Identifier: GPL-2.0-only */
/* See etcd_client.h: the daemon's side. What the process sends is not trusted. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/agent_spawn.h"
#include "agent/etcd_client.h"
#include "base/ascii.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/timer.h"

#define RESTART_MIN_NS (100 * NS_PER_MS)
#define RESTART_MAX_NS (10 * NS_PER_S)
/* A process that ran so long is started again at once. */
#define STABLE_NS (10 * NS_PER_S)

struct etcd_client {
	sd_event *event;
	char user[CONF_NAME_MAX];
	struct etcd_settings settings;
	etcd_reply_fn fn;
	void *arg;
	pid_t pid;
	int fd, pidfd;     /* -1: it does not run */
	bool wanted;       /* one is to run */
	bool replaced;     /* it was killed for other settings */
	uint64_t began_ns; /* when it was started */
	uint64_t pause_ns; /* before the next start */
	sd_event_source *io, *child, *restart;
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void cut_off(struct etcd_client *c)
{
	c->io = sd_event_source_disable_unref(c->io);
	close_fd(&c->fd);
}

static void kill_child(struct etcd_client *c, const char *why)
{
	log_error("process %d, which asks etcd, is killed: %s", (int)c->pid, why);
	cut_off(c);
	(void)pidfd_send_signal(c->pidfd, SIGKILL, NULL, 0);
}

static void wait_to_restart(struct etcd_client *c)
{
	timer_arm(c->restart, clock_now_ns() + c->pause_ns);
	c->pause_ns = c->pause_ns * 2 > RESTART_MAX_NS ? RESTART_MAX_NS : c->pause_ns * 2;
}

static int on_io(sd_event_source *s, int fd, uint32_t events, void *arg)
{
	struct etcd_client *c = arg;
	struct etcd_reply r;
	ssize_t n = recv(fd, &r, sizeof(r), MSG_DONTWAIT | MSG_TRUNC);

	(void)s;
	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		cut_off(c);
	} else if (n != sizeof(r) || r.hold_ms > CONF_ETCD_HOLD_MAX_MS ||
		   !ascii_text(r.endpoint, sizeof(r.endpoint)) ||
		   !ascii_text(r.text, sizeof(r.text))) {
		kill_child(c, "it sent a reply that is not valid");
	} else {
		if (r.valid)
			c->settings.cluster = r.cluster;
		c->fn(&r, c->arg);
	}
	return 0;
}

static int start(struct etcd_client *c);

static void try_start(struct etcd_client *c)
{
	int err = start(c);

	if (!err)
		return;
	log_error("could not start the process that asks etcd: %s", strerror(-err));
	wait_to_restart(c);
}

static int on_child(sd_event_source *s, int fd, uint32_t events, void *arg)
{
	struct etcd_client *c = arg;
	siginfo_t info = {.si_pid = 0};

	(void)s;
	(void)events;
	if (waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG) ? errno != ECHILD : !info.si_pid)
		return 0;
	cut_off(c);
	c->child = sd_event_source_disable_unref(c->child);
	close_fd(&c->pidfd);
	if (!c->replaced && c->wanted)
		log_warn("process %d, which asks etcd, ended with %s %d; it is started again",
			 (int)c->pid, info.si_code == CLD_EXITED ? "status" : "signal",
			 info.si_status);
	c->pid = 0;
	if (!c->wanted)
		return 0;
	if (clock_now_ns() - c->began_ns >= STABLE_NS)
		c->pause_ns = RESTART_MIN_NS;
	if (c->replaced)
		try_start(c);
	else
		wait_to_restart(c);
	return 0;
}

/* Returns 0 or -errno; on an error nothing is left. */
static int start(struct etcd_client *c)
{
	int err = agent_spawn_etcd(c->user, &c->fd, &c->pid);

	if (err)
		return err;
	c->began_ns = clock_now_ns();
	c->replaced = false;
	c->pidfd = pidfd_open(c->pid, 0);
	/* The socket is new and has room. */
	if (c->pidfd < 0 ||
	    send(c->fd, &c->settings, sizeof(c->settings), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		err = -errno;
	if (!err)
		err = sd_event_add_io(c->event, &c->io, c->fd, EPOLLIN, on_io, c);
	if (err >= 0)
		err = sd_event_add_io(c->event, &c->child, c->pidfd, EPOLLIN, on_child, c);
	if (err >= 0)
		return 0;
	cut_off(c);
	close_fd(&c->pidfd);
	kill(c->pid, SIGKILL);
	waitpid(c->pid, NULL, 0);
	c->pid = 0;
	return err;
}

static int on_restart(sd_event_source *s, uint64_t usec, void *arg)
{
	struct etcd_client *c = arg;

	(void)s;
	(void)usec;
	if (c->wanted && c->pidfd < 0)
		try_start(c);
	return 0;
}

int etcd_client_open(sd_event *event, const char *user, const struct etcd_settings *settings,
		     etcd_reply_fn fn, void *arg, struct etcd_client **out)
{
	struct etcd_client *c = calloc(1, sizeof(*c));
	int err;

	*out = NULL;
	if (!c)
		return -ENOMEM;
	c->event = sd_event_ref(event);
	memcpy(c->user, user, strnlen(user, sizeof(c->user) - 1));
	c->settings = *settings;
	c->fn = fn;
	c->arg = arg;
	c->fd = c->pidfd = -1;
	c->wanted = true;
	c->pause_ns = RESTART_MIN_NS;
	err = timer_add(event, &c->restart, 0, on_restart, c);
	if (!err)
		err = start(c);
	if (err) {
		log_error("could not start the process that asks etcd: %s", strerror(-err));
		etcd_client_close(c, 0);
		return err;
	}
	*out = c;
	return 0;
}

void etcd_client_restart(struct etcd_client *c, const struct etcd_settings *settings)
{
	c->wanted = c->replaced = settings != NULL;
	if (settings)
		c->settings = *settings;
	c->pause_ns = RESTART_MIN_NS;
	cut_off(c);
	/* on_child() goes on when it has ended. */
	if (c->pidfd >= 0)
		(void)pidfd_send_signal(c->pidfd, SIGKILL, NULL, 0);
	else if (settings)
		try_start(c);
}

void etcd_client_close(struct etcd_client *c, int wait_ms)
{
	struct pollfd p = {.events = POLLIN};

	if (!c)
		return;
	cut_off(c);
	sd_event_source_disable_unref(c->child);
	sd_event_source_disable_unref(c->restart);
	/* It has nothing that must be saved. */
	p.fd = c->pidfd;
	if (c->pidfd >= 0 && !pidfd_send_signal(c->pidfd, SIGKILL, NULL, 0) &&
	    poll(&p, 1, wait_ms) == 1)
		(void)waitid(P_PIDFD, (id_t)c->pidfd, &(siginfo_t){.si_pid = 0}, WEXITED | WNOHANG);
	close_fd(&c->pidfd);
	sd_event_unref(c->event);
	free(c);
}

int etcd_client_ask(struct etcd_client *c, const struct etcd_question *q)
{
	if (c->fd < 0)
		return -ENOTCONN;
	return send(c->fd, q, sizeof(*q), MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof(*q) ? 0 : -errno;
}
