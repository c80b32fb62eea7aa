/* SPDX-License-Identifier: GPL-2.0-only */
/* See etcd_client.h: the daemon's side. What the process sends is not trusted. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/agent_spawn.h"
#include "agent/child.h"
#include "agent/etcd_client.h"
#include "base/ascii.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/timer.h"

#define RESTART_MIN_NS (100 * NS_PER_MS)
#define RESTART_MAX_NS (10 * NS_PER_S)
/* A process that ran for this long is started again at once. */
#define STABLE_NS (10 * NS_PER_S)

struct etcd_client {
	sd_event *event;
	char user[CONF_NAME_MAX];
	struct etcd_settings settings;
	etcd_reply_fn fn;
	void *arg;
	struct child child;
	bool wanted;       /* one is to run */
	bool replaced;     /* it was killed for other settings */
	uint64_t began_ns; /* when it was started */
	uint64_t pause_ns; /* before the next start */
	sd_event_source *restart;
};

static void kill_child(struct etcd_client *c, const char *why)
{
	log_error("process %d, which asks etcd, is killed: %s", (int)c->child.pid, why);
	child_kill(&c->child);
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
		child_hang_up(&c->child);
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
	char advice[LIMITS_ADVICE];
	int err = start(c);

	if (!err)
		return;
	log_error("could not start the process that asks etcd: %s%s", strerror(-err),
		  limits_advice(err, advice));
	wait_to_restart(c);
}

static void on_end(pid_t pid, const siginfo_t *info, void *arg)
{
	struct etcd_client *c = arg;

	if (!c->replaced && c->wanted)
		log_warn("process %d, which asks etcd, ended with %s %d; it is started again",
			 (int)pid, child_ended_with(info), info->si_status);
	if (!c->wanted)
		return;
	if (clock_now_ns() - c->began_ns >= STABLE_NS)
		c->pause_ns = RESTART_MIN_NS;
	if (c->replaced)
		try_start(c);
	else
		wait_to_restart(c);
}

/* Returns 0 or -errno; on an error nothing is left. */
static int start(struct etcd_client *c)
{
	int err = child_start(&c->child, c->event, agent_spawn_etcd, c->user, on_end, c);

	if (err)
		return err;
	c->began_ns = clock_now_ns();
	c->replaced = false;
	/* The socket is new and has room. */
	if (send(c->child.fd, &c->settings, sizeof(c->settings), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		err = -errno;
	if (!err)
		err = child_read(&c->child, c->event, on_io);
	if (err)
		child_discard(&c->child);
	return err;
}

static int on_restart(sd_event_source *s, uint64_t usec, void *arg)
{
	struct etcd_client *c = arg;

	(void)s;
	(void)usec;
	if (c->wanted && c->child.pidfd < 0)
		try_start(c);
	return 0;
}

int etcd_client_open(sd_event *event, const char *user, const struct etcd_settings *settings,
		     etcd_reply_fn fn, void *arg, struct etcd_client **out)
{
	struct etcd_client *c = calloc(1, sizeof(*c));
	char advice[LIMITS_ADVICE];
	int err;

	*out = NULL;
	if (!c)
		return -ENOMEM;
	c->event = sd_event_ref(event);
	memcpy(c->user, user, strnlen(user, sizeof(c->user) - 1));
	c->settings = *settings;
	c->fn = fn;
	c->arg = arg;
	child_init(&c->child);
	c->wanted = true;
	c->pause_ns = RESTART_MIN_NS;
	err = timer_add(event, &c->restart, 0, on_restart, c);
	if (!err)
		err = start(c);
	if (err) {
		log_error("could not start the process that asks etcd: %s%s", strerror(-err),
			  limits_advice(err, advice));
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
	/* on_end() goes on when it has ended. */
	if (c->child.pidfd >= 0)
		child_kill(&c->child);
	else if (settings)
		try_start(c);
}

void etcd_client_close(struct etcd_client *c, int wait_ms)
{
	if (!c)
		return;
	/* It has nothing that must be saved. */
	child_cut(&c->child, wait_ms);
	sd_event_source_disable_unref(c->restart);
	sd_event_unref(c->event);
	free(c);
}

int etcd_client_ask(struct etcd_client *c, const struct etcd_question *q)
{
	if (c->child.fd < 0)
		return -ENOTCONN;
	return send(c->child.fd, q, sizeof(*q), MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof(*q)
		       ? 0
		       : -errno;
}
