/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The exec broker: one loop over its socket and a pidfd for each running command.
 *
 * A command runs in its own process group, with /dev/null as input and output. When it exits or is
 * killed, its whole group is killed before it is reaped, because until then no other group can have
 * the same number. So no process of a check outlives the check. (A command that starts a new
 * session leaves the group and is not followed.)
 *
 * The broker has no timers: the agent requests the kill. When the agent closes the socket, the
 * broker kills all commands and exits.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/broker.h"
#include "base/log.h"
#include "base/units.h"

/* A killed command may need some time to exit while the next attempt of its check runs. */
#define SLOTS_MAX (2 * AGENT_CHECKS_MAX)

struct slot {
	pid_t pid; /* 0: free */
	int pidfd;
	bool killed; /* by request of the agent, which needs no answer */
	struct broker_request request;
};

struct broker {
	int fd;
	const struct agent_commands *commands;
	struct slot slots[SLOTS_MAX];
};

/* The agent reads its socket in each turn of its loop: when it is full, the agent is stuck. */
static void answer(struct broker *b, const struct broker_request *q, enum broker_result result,
		   int code)
{
	const struct broker_answer a = {
		.id = q->id, .seq = q->seq, .attempt = q->attempt, .result = result, .code = code};

	if (send(b->fd, &a, sizeof(a), MSG_NOSIGNAL) != sizeof(a))
		log_warn("exec broker: could not answer the agent: %s", strerror(errno));
}

static int prepare(posix_spawn_file_actions_t *files, posix_spawnattr_t *attr)
{
	sigset_t none, all;
	int err;

	sigemptyset(&none);
	sigfillset(&all);
	err = posix_spawn_file_actions_addopen(files, 0, "/dev/null", O_RDONLY, 0);
	if (!err)
		err = posix_spawn_file_actions_addopen(files, 1, "/dev/null", O_WRONLY, 0);
	if (!err)
		err = posix_spawn_file_actions_addopen(files, 2, "/dev/null", O_WRONLY, 0);
	if (!err)
		err = posix_spawn_file_actions_addclosefrom_np(files, 3);
	if (!err)
		err = posix_spawnattr_setflags(
			attr,
			POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	if (!err)
		err = posix_spawnattr_setpgroup(attr, 0);
	if (!err)
		err = posix_spawnattr_setsigmask(attr, &none);
	if (!err)
		err = posix_spawnattr_setsigdefault(attr, &all);
	return -err;
}

/* Starts a command. Returns its pid or -errno. */
static pid_t spawn(char *command)
{
	char *argv[CONF_ARGS_MAX + 1];
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	pid_t pid = 0;
	int err = words_split(command, argv, CONF_ARGS_MAX);

	if (err < 0)
		return err;
	err = -posix_spawn_file_actions_init(&files);
	if (err)
		return err;
	err = -posix_spawnattr_init(&attr);
	if (!err) {
		err = prepare(&files, &attr);
		if (!err)
			err = -posix_spawnp(&pid, argv[0], &files, &attr, argv, environ);
		posix_spawnattr_destroy(&attr);
	}
	posix_spawn_file_actions_destroy(&files);
	return err ? err : pid;
}

static void reap(struct slot *s, siginfo_t *info)
{
	/* The leader is not reaped yet, so no other group can have its number. */
	if (kill(-s->pid, SIGKILL) && errno != ESRCH)
		log_warn("exec broker: could not kill process group %d: %s", (int)s->pid,
			 strerror(errno));
	memset(info, 0, sizeof(*info));
	while (waitid(P_PIDFD, (id_t)s->pidfd, info, WEXITED) && errno == EINTR)
		;
	close(s->pidfd);
	memset(s, 0, sizeof(*s));
}

static void run(struct broker *b, const struct broker_request *q)
{
	char command[CONF_PATH_MAX] = "";
	struct slot *s = NULL;
	pid_t pid;

	for (unsigned int i = 0; i < SLOTS_MAX && !s; i++)
		if (!b->slots[i].pid)
			s = &b->slots[i];
	if (!s) {
		answer(b, q, BROKER_NOT_STARTED, EAGAIN);
		return;
	}
	/* words_split() finds none where no command is configured. */
	if (q->id < AGENT_CHECKS_MAX)
		memcpy(command, b->commands->command[q->id], sizeof(command));
	command[sizeof(command) - 1] = '\0';
	pid = spawn(command);
	if (pid < 0) {
		answer(b, q, BROKER_NOT_STARTED, (int)-pid);
		return;
	}
	s->pid = pid;
	s->request = *q;
	s->pidfd = pidfd_open(pid, 0);
	if (s->pidfd >= 0)
		return;
	answer(b, q, BROKER_NOT_STARTED, errno);
	kill(-pid, SIGKILL);
	waitpid(pid, NULL, 0);
	memset(s, 0, sizeof(*s));
}

static void kill_command(struct broker *b, const struct broker_request *q)
{
	for (unsigned int i = 0; i < SLOTS_MAX; i++) {
		struct slot *s = &b->slots[i];

		if (!s->pid || s->request.id != q->id || s->request.seq != q->seq ||
		    s->request.attempt != q->attempt)
			continue;
		s->killed = true;
		kill(-s->pid, SIGKILL);
	}
}

/* Returns false when the agent closed the socket or sent nonsense. */
static bool take_request(struct broker *b)
{
	struct broker_request q;
	ssize_t n = recv(b->fd, &q, sizeof(q), MSG_TRUNC);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	if (n != sizeof(q))
		return false;
	if (q.op == BROKER_RUN)
		run(b, &q);
	else if (q.op == BROKER_KILL)
		kill_command(b, &q);
	else
		return false;
	return true;
}

static void take_end(struct broker *b, struct slot *s)
{
	const struct broker_request q = s->request;
	const bool killed = s->killed;
	siginfo_t info;

	reap(s, &info);
	if (killed)
		return;
	if (info.si_code == CLD_EXITED)
		answer(b, &q, BROKER_EXITED, info.si_status);
	else
		answer(b, &q, BROKER_SIGNALLED, info.si_status);
}

static void end_all(struct broker *b)
{
	siginfo_t info;

	for (unsigned int i = 0; i < SLOTS_MAX; i++)
		if (b->slots[i].pid)
			kill(-b->slots[i].pid, SIGKILL);
	for (unsigned int i = 0; i < SLOTS_MAX; i++)
		if (b->slots[i].pid)
			reap(&b->slots[i], &info);
}

static void serve(struct broker *b)
{
	for (;;) {
		struct pollfd fds[SLOTS_MAX + 1] = {{.fd = b->fd, .events = POLLIN}};

		/* poll() ignores negative descriptors. */
		for (unsigned int i = 0; i < SLOTS_MAX; i++) {
			fds[i + 1].fd = b->slots[i].pid ? b->slots[i].pidfd : -1;
			fds[i + 1].events = POLLIN;
		}
		if (poll(fds, SLOTS_MAX + 1, -1) < 0 && errno != EINTR)
			break;
		for (unsigned int i = 0; i < SLOTS_MAX; i++)
			if (fds[i + 1].revents)
				take_end(b, &b->slots[i]);
		if (fds[0].revents && !take_request(b))
			break;
	}
	end_all(b);
}

static void broker_child(const struct agent_commands *commands, int fd, pid_t agent)
{
	struct broker b = {.fd = 3, .commands = commands};

	/*
	 * The agent ignores SIGTERM and the like already: only the closed socket ends the broker.
	 */
	prctl(PR_SET_NAME, "hokm-exec", 0, 0, 0);
	if (fd != b.fd && dup2(fd, b.fd) < 0)
		_exit(1);
	if (fcntl(b.fd, F_SETFD, FD_CLOEXEC) || close_range(4, ~0U, 0))
		_exit(1);
	if (getppid() != agent)
		_exit(1);
	serve(&b);
	_exit(0);
}

int broker_open(const struct agent_commands *commands, int *fd, pid_t *pid)
{
	const pid_t agent = getpid();
	int pair[2];
	int flags, err;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	flags = fcntl(pair[0], F_GETFL);
	if (flags < 0 || fcntl(pair[0], F_SETFL, flags | O_NONBLOCK))
		goto fail;
	*pid = fork();
	if (*pid < 0)
		goto fail;
	if (*pid == 0)
		broker_child(commands, pair[1], agent);
	close(pair[1]);
	*fd = pair[0];
	return 0;

fail:
	err = -errno;
	close(pair[0]);
	close(pair[1]);
	return err;
}
