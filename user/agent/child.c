/* SPDX-License-Identifier: GPL-2.0-only */
/* See child.h. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/child.h"
#include "base/log.h"

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* The child is reaped, or another function of this program has done that. */
static void forget(struct child *c)
{
	child_hang_up(c);
	c->ended = sd_event_source_disable_unref(c->ended);
	close_fd(&c->pidfd);
	c->pid = 0;
}

void child_init(struct child *c)
{
	memset(c, 0, sizeof(*c));
	c->fd = c->pidfd = -1;
}

static int on_end(sd_event_source *s, int fd, uint32_t events, void *arg)
{
	struct child *c = arg;
	const pid_t pid = c->pid;
	siginfo_t info;

	(void)s;
	(void)events;
	memset(&info, 0, sizeof(info));
	/* ECHILD: it was reaped elsewhere, so it has ended as well. */
	if (waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG) ? errno != ECHILD : !info.si_pid)
		return 0;
	forget(c);
	c->ended_fn(pid, &info, c->arg);
	return 0;
}

int child_start(struct child *c, sd_event *event, child_spawn_fn spawn, const char *user,
		child_ended_fn fn, void *arg)
{
	int err = spawn(user, &c->fd, &c->pid);

	if (err)
		return err;
	c->ended_fn = fn;
	c->arg = arg;
	c->pidfd = pidfd_open(c->pid, 0);
	err = c->pidfd < 0 ? -errno
			   : sd_event_add_io(event, &c->ended, c->pidfd, EPOLLIN, on_end, c);
	if (err >= 0)
		return 0;
	child_discard(c);
	return err;
}

int child_read(struct child *c, sd_event *event, sd_event_io_handler_t fn)
{
	int err = sd_event_add_io(event, &c->io, c->fd, EPOLLIN, fn, c->arg);

	return err < 0 ? err : 0;
}

void child_discard(struct child *c)
{
	/* It is not reaped yet, so its number is its own. */
	kill(c->pid, SIGKILL);
	while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
		;
	forget(c);
}

void child_hang_up(struct child *c)
{
	c->io = sd_event_source_disable_unref(c->io);
	close_fd(&c->fd);
}

static void signal_kill(struct child *c)
{
	if (pidfd_send_signal(c->pidfd, SIGKILL, NULL, 0) && errno != ESRCH)
		log_error("could not kill process %d: %s", (int)c->pid, strerror(errno));
}

void child_kill(struct child *c)
{
	child_hang_up(c);
	if (c->pidfd >= 0)
		signal_kill(c);
}

static bool await(const struct child *c, int wait_ms)
{
	struct pollfd p = {.fd = c->pidfd, .events = POLLIN};

	return poll(&p, 1, wait_ms) == 1;
}

bool child_end(struct child *c, int wait_ms)
{
	siginfo_t info;
	bool itself;

	child_hang_up(c);
	if (c->pidfd < 0)
		return true;
	itself = await(c, wait_ms);
	if (!itself)
		signal_kill(c);
	while (waitid(P_PIDFD, (id_t)c->pidfd, &info, WEXITED) && errno == EINTR)
		;
	forget(c);
	return itself;
}

void child_cut(struct child *c, int wait_ms)
{
	siginfo_t info = {.si_pid = 0};

	child_kill(c);
	if (c->pidfd >= 0 && await(c, wait_ms))
		(void)waitid(P_PIDFD, (id_t)c->pidfd, &info, WEXITED | WNOHANG);
	forget(c);
}

const char *child_ended_with(const siginfo_t *info)
{
	return info->si_code == CLD_EXITED ? "status" : "signal";
}
