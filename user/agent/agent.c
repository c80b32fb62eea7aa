/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The daemon's side of the agent: starts it, talks with it, buries it, starts it again.
 *
 * States, by what is open:
 *
 *   running   fd and pidfd: requests go out, replies come in
 *   dying     pidfd only: killed, or found dead at its socket; waits for the kernel's word
 *   waiting   neither: the restart timer is armed
 *
 * Nothing here waits (agent_close() aside): the thread is the one that sends the adverts. The child
 * is reaped when its pidfd says so. An agent that lived for STABLE_NS
 * is replaced at once, before died_fn is called, so that the checks asked for from there go to the
 * new one; one that dies sooner is replaced after a pause that doubles.
 *
 * What the agent sends comes from a process that parses bytes from the network: a reply must be of
 * the right size, answer a check that is out, bear a reason of checks and printable words. One that
 * does not, or a check that gets no reply in time, is the agent's end.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/agent_child.h"
#include "agent/agent_spawn.h"
#include "base/clock.h"
#include "base/log.h"

#define STABLE_NS      (5 * NS_PER_S)
#define RESTART_MIN_NS (100 * NS_PER_MS)
#define RESTART_MAX_NS (10 * NS_PER_S)
#define GRACE_NS       (1 * NS_PER_S) /* for a reply, beyond the check's own timeout */
#define CLOSE_WAIT_MS  3000

struct pending {
	bool out;
	uint32_t seq;
	uint64_t by_ns;
};

struct agent {
	sd_event *event;
	char user[CONF_NAME_MAX];
	agent_reply_fn fn;
	agent_died_fn died;
	void *arg;

	pid_t pid;
	int fd, pidfd; /* -1 when not open */
	sd_event_source *io, *child, *late_timer, *restart_timer;
	uint64_t started_ns;
	uint64_t pause_ns; /* before the next restart */
	struct pending pending[AGENT_CHECKS_MAX];
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Off the socket: no word of it counts any more. */
static void cut_off(struct agent *a)
{
	a->io = sd_event_source_disable_unref(a->io);
	close_fd(&a->fd);
}

/* `why` is NULL when its end will be said anyway. */
static void kill_agent(struct agent *a, const char *why)
{
	if (a->fd < 0)
		return;
	if (why)
		log_error("agent %d is ended: %s", (int)a->pid, why);
	cut_off(a);
	if (pidfd_send_signal(a->pidfd, SIGKILL, NULL, 0) && errno != ESRCH)
		log_error("agent %d could not be killed: %s", (int)a->pid, strerror(errno));
}

static int arm(sd_event_source *timer, uint64_t at_ns)
{
	int err = sd_event_source_set_time(timer, at_ns / 1000 + 1);

	if (err >= 0)
		err = sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
	if (err < 0)
		log_error("agent: could not arm a timer: %s", strerror(-err));
	return err < 0 ? err : 0;
}

static void arm_late(struct agent *a)
{
	uint64_t by_ns = UINT64_MAX;

	for (unsigned int i = 0; i < AGENT_CHECKS_MAX; i++)
		if (a->pending[i].out && a->pending[i].by_ns < by_ns)
			by_ns = a->pending[i].by_ns;
	if (by_ns != UINT64_MAX && arm(a->late_timer, by_ns))
		kill_agent(a, "its checks cannot be timed");
}

static int on_late(sd_event_source *s, uint64_t usec, void *arg)
{
	struct agent *a = arg;
	uint64_t now_ns = clock_now_ns();

	(void)s;
	(void)usec;
	for (unsigned int i = 0; i < AGENT_CHECKS_MAX; i++)
		if (a->pending[i].out && a->pending[i].by_ns <= now_ns) {
			kill_agent(a, "no reply to a check in time");
			return 0;
		}
	arm_late(a);
	return 0;
}

static const char *wrong_with(const struct agent_reply *r)
{
	if (r->id >= AGENT_CHECKS_MAX)
		return "a reply to no check";
	if (r->reason < HOKM_R_CHECK_OK || r->reason > HOKM_R_CHECK_ERROR)
		return "a reply with no reason of checks";
	for (size_t i = 0; i < sizeof(r->detail); i++) {
		if (!r->detail[i])
			return NULL;
		if (r->detail[i] < ' ' || r->detail[i] > '~')
			break;
	}
	return "a reply with unprintable words";
}

/* True when there may be more. */
static bool take_reply(struct agent *a)
{
	struct agent_reply r;
	ssize_t n = recv(a->fd, &r, sizeof(r), MSG_DONTWAIT | MSG_TRUNC);
	const char *why;

	if (n < 0 && errno == EINTR)
		return true;
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n != sizeof(r)) {
		kill_agent(a, n > 0 ? "a message of the wrong size" : NULL);
		return false;
	}
	why = wrong_with(&r);
	if (why) {
		kill_agent(a, why);
		return false;
	}
	/* A check that was replaced meanwhile is of no interest any more. */
	if (!a->pending[r.id].out || a->pending[r.id].seq != r.seq)
		return true;
	a->pending[r.id].out = false;
	a->fn(&r, a->arg);
	return a->fd >= 0;
}

static int on_io(sd_event_source *s, int fd, uint32_t events, void *arg)
{
	struct agent *a = arg;

	(void)s;
	(void)fd;
	(void)events;
	/* A bounded number a turn: other sources of the loop come before us. */
	for (unsigned int i = 0; i < AGENT_CHECKS_MAX && take_reply(a); i++)
		;
	if (a->fd >= 0)
		arm_late(a);
	return 0;
}

static void wait_to_restart(struct agent *a, uint64_t now_ns)
{
	log_warn("agent: next start in %llu ms", (unsigned long long)(a->pause_ns / NS_PER_MS));
	arm(a->restart_timer, now_ns + a->pause_ns);
	a->pause_ns *= 2;
	if (a->pause_ns > RESTART_MAX_NS)
		a->pause_ns = RESTART_MAX_NS;
}

static int on_child(sd_event_source *s, int fd, uint32_t events, void *arg);

/* 0 or -errno; nothing is left open then. */
static int start(struct agent *a)
{
	int err = agent_spawn(a->user, &a->fd, &a->pid);

	if (err)
		return err;
	a->started_ns = clock_now_ns();
	a->pidfd = pidfd_open(a->pid, 0);
	if (a->pidfd < 0) {
		err = -errno;
		goto fail;
	}
	err = sd_event_add_io(a->event, &a->io, a->fd, EPOLLIN, on_io, a);
	if (err >= 0)
		err = sd_event_add_io(a->event, &a->child, a->pidfd, EPOLLIN, on_child, a);
	if (err < 0)
		goto fail;
	log_info("agent %d runs as user %s", (int)a->pid, a->user);
	return 0;

fail:
	cut_off(a);
	close_fd(&a->pidfd);
	kill(a->pid, SIGKILL);
	waitpid(a->pid, NULL, 0);
	a->pid = 0;
	return err;
}

static void try_start(struct agent *a)
{
	int err = start(a);

	if (!err)
		return;
	log_error("agent: could not be started: %s; no check runs until it is", strerror(-err));
	wait_to_restart(a, clock_now_ns());
}

static int on_restart(sd_event_source *s, uint64_t usec, void *arg)
{
	(void)s;
	(void)usec;
	try_start(arg);
	return 0;
}

static void say_end(const struct agent *a, const siginfo_t *info)
{
	if (info->si_code == CLD_EXITED && info->si_status == AGENT_NOT_STARTED)
		log_error(
			"agent %d could not run /proc/self/exe; is /proc mounted, and memory left?",
			(int)a->pid);
	else if (info->si_code == CLD_EXITED)
		log_warn("agent %d ended with status %d", (int)a->pid, info->si_status);
	else
		log_warn("agent %d was ended by signal %d", (int)a->pid, info->si_status);
}

/* The kernel's word that it is gone. */
static int on_child(sd_event_source *s, int fd, uint32_t events, void *arg)
{
	struct agent *a = arg;
	uint64_t now_ns = clock_now_ns();
	siginfo_t info;

	(void)s;
	(void)events;
	memset(&info, 0, sizeof(info));
	/* ECHILD: somebody else reaped it; gone it is all the same. */
	if (waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG) ? errno != ECHILD : !info.si_pid)
		return 0;
	say_end(a, &info);
	cut_off(a);
	a->child = sd_event_source_disable_unref(a->child);
	close_fd(&a->pidfd);
	a->pid = 0;
	memset(a->pending, 0, sizeof(a->pending));
	if (now_ns - a->started_ns >= STABLE_NS) {
		a->pause_ns = RESTART_MIN_NS;
		try_start(a);
	} else {
		wait_to_restart(a, now_ns);
	}
	a->died(a->arg);
	return 0;
}

static int add_timer(struct agent *a, sd_event_source **timer, sd_event_time_handler_t fn)
{
	int err = sd_event_add_time(a->event, timer, CLOCK_BOOTTIME, UINT64_MAX, 1, fn, a);

	if (err >= 0)
		err = sd_event_source_set_enabled(*timer, SD_EVENT_OFF);
	return err < 0 ? err : 0;
}

/* Said now, by the daemon, and not again and again by agents that cannot begin. */
static int check_user(const char *user)
{
	char buf[16384];
	struct passwd pw, *found = NULL;
	int err = getpwnam_r(user, &pw, buf, sizeof(buf), &found);

	if (!err && found && pw.pw_uid != 0)
		return 0;
	log_error("agent: user %s %s; name another in the configuration (default nobody)", user,
		  found ? "is root, which the agent may not be" : "does not exist");
	return err ? -err : -ENOENT;
}

int agent_open(sd_event *event, const char *user, agent_reply_fn fn, agent_died_fn died, void *arg,
	       struct agent **out)
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
	a->fd = a->pidfd = -1;
	a->fn = fn;
	a->died = died;
	a->arg = arg;
	a->pause_ns = RESTART_MIN_NS;
	snprintf(a->user, sizeof(a->user), "%s", user);
	err = add_timer(a, &a->late_timer, on_late);
	if (!err)
		err = add_timer(a, &a->restart_timer, on_restart);
	if (!err)
		err = start(a);
	if (err) {
		log_error("agent: could not be started: %s", strerror(-err));
		agent_close(a);
		return err;
	}
	*out = a;
	return 0;
}

/* Its socket is closed: it ends what runs and goes; if it does not, it is killed. */
static void bury(struct agent *a)
{
	struct pollfd p = {.fd = a->pidfd, .events = POLLIN};
	siginfo_t info;

	if (poll(&p, 1, CLOSE_WAIT_MS) != 1) {
		log_warn("agent %d did not end within %d ms: killed", (int)a->pid, CLOSE_WAIT_MS);
		pidfd_send_signal(a->pidfd, SIGKILL, NULL, 0);
	}
	while (waitid(P_PIDFD, (id_t)a->pidfd, &info, WEXITED) && errno == EINTR)
		;
}

void agent_close(struct agent *a)
{
	if (!a)
		return;
	cut_off(a);
	sd_event_source_disable_unref(a->child);
	sd_event_source_disable_unref(a->late_timer);
	sd_event_source_disable_unref(a->restart_timer);
	if (a->pidfd >= 0)
		bury(a);
	close_fd(&a->pidfd);
	sd_event_unref(a->event);
	free(a);
}

int agent_check(struct agent *a, const struct agent_request *r)
{
	struct pending *p;

	if (r->id >= AGENT_CHECKS_MAX)
		return -EINVAL;
	if (a->fd < 0)
		return -ENOTCONN;
	if (send(a->fd, r, sizeof(*r), MSG_NOSIGNAL | MSG_DONTWAIT) != sizeof(*r))
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
	return a->pid;
}
