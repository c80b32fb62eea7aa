/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One check in the foreground: an agent that is forked for one request, without an exec. It is
 * confined like the agent of the daemon, because the answer of a server is not trusted here either.
 */
#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/agent_child.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/wait_fd.h"

/* For the start and the reply, in addition to the timeout of the check. */
#define GRACE_NS (2 * NS_PER_S)

/* Finds the user of the agent. It must not be root; any other user is kept. */
static int agent_user(const char *wanted, char *user, size_t size)
{
	char buf[16384];
	struct passwd pw, *found = NULL;
	int err;

	if (geteuid() == 0) {
		snprintf(user, size, "%s", wanted ? wanted : AGENT_DEFAULT_USER);
		return 0;
	}
	err = getpwuid_r(geteuid(), &pw, buf, sizeof(buf), &found);
	if (err || !found)
		return err ? -err : -ENOENT;
	snprintf(user, size, "%s", pw.pw_name);
	return 0;
}

static void child(int fd, const char *user)
{
	setpgid(0, 0);
	if (fd != AGENT_FD && dup2(fd, AGENT_FD) < 0)
		_exit(1);
	if (close_range(AGENT_FD + 1, ~0U, 0))
		_exit(1);
	_exit(agent_child(user));
}

static int wait_reply(int fd, uint64_t by_ns, struct agent_reply *out)
{
	int err = wait_fd(fd, POLLIN, by_ns);

	if (err)
		return err;
	if (recv(fd, out, sizeof(*out), MSG_TRUNC) != sizeof(*out))
		return -EPIPE;
	out->detail[sizeof(out->detail) - 1] = '\0';
	return 0;
}

static int ask(int fd, const struct agent_request *r, struct agent_reply *out)
{
	uint64_t by_ns = clock_now_ns() + r->check.timeout_ns + GRACE_NS;
	struct agent_commands commands;

	memset(&commands, 0, sizeof(commands));
	if (r->check.kind == CHECK_EXEC && r->id < AGENT_CHECKS_MAX)
		memcpy(commands.command[r->id], r->check.path, sizeof(r->check.path));
	if (send(fd, &commands, sizeof(commands), MSG_NOSIGNAL) != sizeof(commands))
		return -EPIPE;
	if (send(fd, r, sizeof(*r), MSG_NOSIGNAL) != sizeof(*r))
		return -EPIPE;
	return wait_reply(fd, by_ns, out);
}

int agent_run_once(const struct agent_request *r, const char *wanted, struct agent_reply *out)
{
	char user[64];
	int pair[2];
	pid_t pid;
	int err = agent_user(wanted, user, sizeof(user));

	if (err)
		return err;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	pid = fork();
	if (pid == 0)
		child(pair[1], user);
	err = pid < 0 ? -errno : 0;
	close(pair[1]);
	if (!err)
		err = ask(pair[0], r, out);
	close(pair[0]);
	if (pid > 0) {
		/* Without an error the agent exits by itself, after its broker. */
		if (err)
			kill(pid, SIGKILL);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	return err;
}
