/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The daemon's side of the agent: starting it, requests and replies, its end, and its restart.
 *
 * agent/child.h has the states of the process: requests are sent and replies are received while it
 * runs; while there is none, the restart timer is armed. Nothing here blocks, except agent_close():
 * the same thread sends the adverts. An agent that ran for at least STABLE_NS is replaced at once,
 * before the callback `died` is called, so that checks requested there go to the new agent. One
 * that ran for a shorter time is replaced after a pause, which doubles each time.
 *
 * The agent parses bytes from the network, so its messages are not trusted: a reply must have the
 * right size, a valid id, a reason of a check, and a printable text. The agent is killed when a
 * reply is not valid, or when a check gets no reply in time.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/agent_spawn.h"
#include "agent/child.h"
#include "base/caps.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"

#define STABLE_NS      (5 * NS_PER_S)
#define RESTART_MIN_NS (100 * NS_PER_MS)
#define RESTART_MAX_NS (10 * NS_PER_S)
#define GRACE_NS       (1 * NS_PER_S) /* for a reply, in addition to the timeout of the check */
#define CLOSE_WAIT_MS  3000

/* A check that was requested; `out` until its reply. */
struct pending {
	bool out;
	uint32_t seq;
	uint64_t by_ns;
};

struct agent {
	sd_event *event;
	char user[CONF_NAME_MAX];
	struct agent_commands commands; /* what its broker may run */
	bool replaced;                  /* killed for other commands: the next one starts at once */
	agent_reply_fn fn;
	agent_died_fn died;
	void *arg;

	struct child child;
	sd_event_source *late_timer, *restart_timer;
	uint64_t started_ns;
	uint64_t pause_ns; /* before the next restart */
	struct pending pending[AGENT_CHECKS_MAX];
};

/* Kills the agent. `why` is NULL when report_exit() will log all that is known. */
static void kill_agent(struct agent *a, const char *why)
{
	if (a->child.fd < 0)
		return;
	if (why)
		log_error("agent %d is killed: %s", (int)a->child.pid, why);
	child_kill(&a->child);
}

static int arm(sd_event_source *timer, uint64_t at_ns)
{
	int err = sd_event_source_set_time(timer, at_ns / 1000 + 1);

	if (err >= 0)
		err = sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
	if (err < 0)
		log_error("could not arm a timer for the agent: %s", strerror(-err));
	return err < 0 ? err : 0;
}

static void arm_late(struct agent *a)
{
	uint64_t by_ns = UINT64_MAX;

	for (unsigned int i = 0; i < AGENT_CHECKS_MAX; i++)
		if (a->pending[i].out && a->pending[i].by_ns < by_ns)
			by_ns = a->pending[i].by_ns;
	if (by_ns != UINT64_MAX && arm(a->late_timer, by_ns))
		kill_agent(a, "there is no timer for its checks");
}

static int on_late(sd_event_source *s, uint64_t usec, void *arg)
{
	struct agent *a = arg;
	uint64_t now_ns = clock_now_ns();

	(void)s;
	(void)usec;
	for (unsigned int i = 0; i < AGENT_CHECKS_MAX; i++)
		if (a->pending[i].out && a->pending[i].by_ns <= now_ns) {
			kill_agent(a, "it sent no reply to a check in time");
			return 0;
		}
	arm_late(a);
	return 0;
}

/* Returns what is wrong with a reply, NULL when it is valid. */
static const char *wrong_with(const struct agent_reply *r)
{
	if (r->id >= AGENT_CHECKS_MAX)
		return "it sent a reply to a check that does not exist";
	if (r->reason < HOKM_R_CHECK_OK || r->reason > HOKM_R_CHECK_ERROR)
		return "it sent a reply without a reason of a check";
	for (size_t i = 0; i < sizeof(r->detail); i++) {
		if (!r->detail[i])
			return NULL;
		if (r->detail[i] < ' ' || r->detail[i] > '~')
			break;
	}
	return "it sent a reply with a text that is not printable";
}

/* Receives one reply. Returns true when more may wait. */
static bool take_reply(struct agent *a)
{
	struct agent_reply r;
	ssize_t n = recv(a->child.fd, &r, sizeof(r), MSG_DONTWAIT | MSG_TRUNC);
	const char *why;

	if (n < 0 && errno == EINTR)
		return true;
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n != sizeof(r)) {
		kill_agent(a, n > 0 ? "it sent a message of the wrong size" : NULL);
		return false;
	}
	why = wrong_with(&r);
	if (why) {
		kill_agent(a, why);
		return false;
	}
	/* Another run of the same check may have replaced this one: discard the reply. */
	if (!a->pending[r.id].out || a->pending[r.id].seq != r.seq)
		return true;
	a->pending[r.id].out = false;
	a->fn(&r, a->arg);
	return a->child.fd >= 0;
}

static int on_io(sd_event_source *s, int fd, uint32_t events, void *arg)
{
	struct agent *a = arg;

	(void)s;
	(void)fd;
	(void)events;
	/*
	 * The number for each turn is bounded, so that other sources of the loop are not delayed.
	 */
	for (unsigned int i = 0; i < AGENT_CHECKS_MAX && take_reply(a); i++)
		;
	if (a->child.fd >= 0)
		arm_late(a);
	return 0;
}

static void wait_to_restart(struct agent *a, uint64_t now_ns)
{
	log_warn("the agent is started again in %llu ms",
		 (unsigned long long)(a->pause_ns / NS_PER_MS));
	arm(a->restart_timer, now_ns + a->pause_ns);
	a->pause_ns *= 2;
	if (a->pause_ns > RESTART_MAX_NS)
		a->pause_ns = RESTART_MAX_NS;
}

static void on_end(pid_t pid, const siginfo_t *info, void *arg);

/* Starts an agent. Returns 0 or -errno; on an error nothing is left open. */
static int start(struct agent *a)
{
	int err = child_start(&a->child, a->event, agent_spawn, a->user, on_end, a);

	if (err)
		return err;
	a->started_ns = clock_now_ns();
	/* The socket is new and has room. */
	if (send(a->child.fd, &a->commands, sizeof(a->commands), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		err = -errno;
	if (!err)
		err = child_read(&a->child, a->event, on_io);
	if (err) {
		child_discard(&a->child);
		return err;
	}
	log_info("agent %d runs as %s%s", (int)a->child.pid,
		 strcmp(a->user, CAPS_SAME_USER) != 0 ? "user " : "the same user",
		 strcmp(a->user, CAPS_SAME_USER) != 0 ? a->user : "");
	return 0;
}

static void try_start(struct agent *a)
{
	char advice[LIMITS_ADVICE];
	int err = start(a);

	if (!err)
		return;
	log_error("could not start the agent: %s; no check runs until it is started%s",
		  strerror(-err), limits_advice(err, advice));
	wait_to_restart(a, clock_now_ns());
}

static int on_restart(sd_event_source *s, uint64_t usec, void *arg)
{
	(void)s;
	(void)usec;
	try_start(arg);
	return 0;
}

static void report_exit(pid_t pid, const siginfo_t *info)
{
	if (info->si_code == CLD_EXITED && info->si_status == AGENT_NOT_STARTED)
		log_error("agent %d could not execute /proc/self/exe: "
			  "check that /proc is mounted and that memory is free",
			  (int)pid);
	else if (info->si_code == CLD_EXITED)
		log_warn("agent %d exited with status %d", (int)pid, info->si_status);
	else
		log_warn("agent %d was killed by signal %d", (int)pid, info->si_status);
}

static void on_end(pid_t pid, const siginfo_t *info, void *arg)
{
	struct agent *a = arg;
	uint64_t now_ns = clock_now_ns();

	if (!a->replaced)
		report_exit(pid, info);
	memset(a->pending, 0, sizeof(a->pending));
	if (a->replaced || now_ns - a->started_ns >= STABLE_NS) {
		a->replaced = false;
		a->pause_ns = RESTART_MIN_NS;
		try_start(a);
	} else {
		wait_to_restart(a, now_ns);
	}
	a->died(a->arg);
}

static int add_timer(struct agent *a, sd_event_source **timer, sd_event_time_handler_t fn)
{
	int err = sd_event_add_time(a->event, timer, CLOCK_BOOTTIME, UINT64_MAX, 1, fn, a);

	if (err >= 0)
		err = sd_event_source_set_enabled(*timer, SD_EVENT_OFF);
	return err < 0 ? err : 0;
}

/* The daemon checks this once, so that not every agent fails with it again. */
static int check_user(const char *user)
{
	char buf[16384];
	struct passwd pw, *found = NULL;
	int err;

	if (!strcmp(user, CAPS_SAME_USER))
		return geteuid() == 0 ? -EPERM : 0;
	err = getpwnam_r(user, &pw, buf, sizeof(buf), &found);
	if (!err && found && pw.pw_uid != 0)
		return 0;
	log_error("the agent cannot run as user %s, which %s: "
		  "name another user in the configuration (default nobody)",
		  user, found ? "is root" : "does not exist");
	return err ? -err : -ENOENT;
}

int agent_open(sd_event *event, const char *user, const struct agent_commands *commands,
	       agent_reply_fn fn, agent_died_fn died, void *arg, struct agent **out)
{
	struct agent *a;
	int err = check_user(user);

	*out = NULL;
	if (err)
		return err;
	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	a->event = sd_event_ref(event);
	child_init(&a->child);
	a->fn = fn;
	a->died = died;
	a->arg = arg;
	a->pause_ns = RESTART_MIN_NS;
	snprintf(a->user, sizeof(a->user), "%s", user);
	a->commands = *commands;
	err = add_timer(a, &a->late_timer, on_late);
	if (!err)
		err = add_timer(a, &a->restart_timer, on_restart);
	if (!err)
		err = start(a);
	if (err) {
		log_error("could not start the agent: %s", strerror(-err));
		agent_close(a);
		return err;
	}
	*out = a;
	return 0;
}

static void release(struct agent *a)
{
	sd_event_source_disable_unref(a->late_timer);
	sd_event_source_disable_unref(a->restart_timer);
	sd_event_unref(a->event);
	free(a);
}

void agent_close(struct agent *a)
{
	pid_t pid;

	if (!a)
		return;
	pid = a->child.pid;
	/* The agent sees that its socket is closed, stops its checks and exits. */
	if (!child_end(&a->child, CLOSE_WAIT_MS))
		log_warn("agent %d did not exit within %d ms and is killed", (int)pid,
			 CLOSE_WAIT_MS);
	release(a);
}

void agent_cut(struct agent *a, int wait_ms)
{
	if (!a)
		return;
	child_cut(&a->child, wait_ms);
	release(a);
}

void agent_set_commands(struct agent *a, const struct agent_commands *commands)
{
	if (!memcmp(&a->commands, commands, sizeof(*commands)))
		return;
	a->commands = *commands;
	if (a->child.fd < 0)
		return;
	log_info("agent %d is replaced: the commands of its exec checks changed",
		 (int)a->child.pid);
	a->replaced = true;
	kill_agent(a, NULL);
}

int agent_check(struct agent *a, const struct agent_request *r)
{
	struct pending *p;

	if (r->id >= AGENT_CHECKS_MAX)
		return -EINVAL;
	if (a->child.fd < 0)
		return -ENOTCONN;
	if (send(a->child.fd, r, sizeof(*r), MSG_NOSIGNAL | MSG_DONTWAIT) != sizeof(*r))
		return errno == EPIPE ? -ENOTCONN : -errno;
	p = &a->pending[r->id];
	p->out = true;
	p->seq = r->seq;
	p->by_ns = clock_now_ns() + r->check.timeout_ns + GRACE_NS;
	arm_late(a);
	return 0;
}

pid_t agent_pid(const struct agent *a)
{
	return a->child.pid;
}
