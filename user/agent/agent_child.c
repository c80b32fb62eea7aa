/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The agent process. It gives up its privileges in this order, and then serves its socket:
 *
 *   ordinary scheduling; the user, no capabilities, no_new_privs; PR_SET_PDEATHSIG
 *   fork of the exec broker, if there is an exec check; warm-up of the libraries
 *   limits and seccomp; the loop
 *
 * The loop sleeps in curl_multi_poll() until there is work: from the daemon, the broker, a server,
 * or because a time has come. The agent exits when the daemon closes its end of the socket, or when
 * a message is not exactly one struct agent_request. The broker then sees its own socket close and
 * exits too; the agent waits for it, so that no process of a check is left.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/caps.h"
#include "agent/agent.h"
#include "agent/agent_child.h"
#include "agent/broker.h"
#include "agent/check.h"
#include "agent/messages.h"
#include "agent/sandbox.h"
#include "base/limits.h"
#include "base/log.h"

#define BROKER_WAIT_MS 2000

int agent_become(const char *user)
{
	static const int ignored[] = {SIGPIPE, SIGTERM, SIGINT, SIGHUP};
	int err;

	caps_ordinary();
	/*
	 * The agent runs as long as its socket is open. A signal that stops the whole service is
	 * for the daemon, which then closes the socket.
	 */
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	prctl(PR_SET_NAME, "hokm-agent", 0, 0, 0);
	umask(077);
	if (chdir("/"))
		return -errno;
	err = caps_become(user);
	if (err)
		return err;
	if (geteuid() == 0) {
		log_error("the agent must not run as user %s, which is root: "
			  "name another user in the configuration",
			  user);
		return -EPERM;
	}
	/*
	 * The change of the user clears the death signal, so it is set after that. When the daemon
	 * died before, the socket is closed already.
	 */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return -errno;
	return 0;
}

static void send_reply(const struct agent_reply *r, void *arg)
{
	bool *lost = arg;

	/* The socket has room for all replies: if there is none, the daemon does not read. */
	if (send(AGENT_FD, r, sizeof(*r), MSG_NOSIGNAL | MSG_DONTWAIT) != sizeof(*r))
		*lost = true;
}

/* The first message of the daemon. Returns 0 or -EPIPE. */
static int take_commands(struct agent_commands *c)
{
	struct pollfd p = {.fd = AGENT_FD, .events = POLLIN};

	while (poll(&p, 1, -1) < 0)
		if (errno != EINTR)
			return -EPIPE;
	return recv(AGENT_FD, c, sizeof(*c), MSG_TRUNC) == sizeof(*c) ? 0 : -EPIPE;
}

static bool has_command(const struct agent_commands *c)
{
	for (unsigned int i = 0; i < AGENT_CHECKS_MAX; i++)
		if (c->command[i][0])
			return true;
	return false;
}

/* Starts the requested checks. Returns 0, or -EPIPE when the daemon closed the socket. */
static int take_requests(struct check_engine *e)
{
	struct agent_request r;

	for (;;) {
		ssize_t n = recv(AGENT_FD, &r, sizeof(r), MSG_DONTWAIT | MSG_TRUNC);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n <= 0)
			return -EPIPE;
		if (n != sizeof(r)) {
			log_error("agent: the daemon sent a message of %zd bytes, expected %zu", n,
				  sizeof(r));
			return -EPIPE;
		}
		check_engine_start(e, &r);
	}
}

static int serve(struct check_engine *e, const bool *lost)
{
	int err = 0;

	while (!err && !*lost) {
		err = check_engine_wait(e, AGENT_FD);
		if (!err)
			err = take_requests(e);
		if (err)
			break;
		err = check_engine_run(e);
		if (err)
			log_error("agent: the exec broker closed its socket");
	}
	return err;
}

/* The broker closes its end of the pair when it has killed and reaped all commands. */
static void end_broker(int fd, pid_t pid)
{
	struct pollfd p = {.fd = fd};

	if (fd < 0)
		return;
	shutdown(fd, SHUT_WR);
	if (poll(&p, 1, BROKER_WAIT_MS) == 0)
		log_warn("agent: the exec broker did not exit within %d ms", BROKER_WAIT_MS);
	else
		waitpid(pid, NULL, 0);
	close(fd);
}

int agent_child(const char *user)
{
	static struct agent_commands commands;
	struct check_engine *e = NULL;
	char advice[LIMITS_ADVICE];
	bool lost = false;
	int broker_fd = -1;
	pid_t broker = 0;
	int err = agent_become(user);

	if (err) {
		log_error("agent: could not change to user %s: %s", user, strerror(-err));
		return 1;
	}
	/* Nothing to do: the daemon has gone, or sent nonsense. */
	if (take_commands(&commands))
		return 0;
	if (has_command(&commands))
		err = broker_open(&commands, &broker_fd, &broker);
	if (err) {
		log_error("agent: could not start the exec broker: %s%s", strerror(-err),
			  limits_advice(err, advice));
		return 1;
	}
	err = sandbox_warm_up();
	if (!err)
		err = check_engine_open(broker_fd, send_reply, &lost, &e);
	if (!err)
		err = sandbox_enter();
	if (!err)
		err = serve(e, &lost);
	check_engine_close(e);
	end_broker(broker_fd, broker);
	return err && err != -EPIPE ? 1 : 0;
}

void agent_started(int argc, char **argv)
{
	enum log_level level;
	int type = 0;
	socklen_t len = sizeof(type);

	if (argc > 2 && !log_level_from_name(argv[2], &level))
		log_set_level(level);
	/* The environment of a DNS job has secrets from its first moment. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		log_warn("core dumps could not be turned off: %s", strerror(errno));
	if (argc < 2 || getsockopt(AGENT_FD, SOL_SOCKET, SO_TYPE, &type, &len) ||
	    type != SOCK_SEQPACKET) {
		log_error("`hokm-xdp %s` is for internal use: `hokm-xdp run` starts it", argv[0]);
		_exit(2);
	}
}

int agent_main(int argc, char **argv)
{
	agent_started(argc, argv);
	/* A return would run exit handlers, which belong to the daemon. */
	_exit(agent_child(argv[1]));
}
