/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The agent process: gives up everything in order, then serves its socket.
 *
 *   ordinary scheduling -> the user, no capabilities, no_new_privs -> end with the daemon
 *   -> fork of the exec broker -> libraries warmed up -> limits and seccomp -> loop
 *
 * The loop sleeps in libcurl's poll until the daemon, the broker, a server or a deadline wants it.
 * When the daemon's end of the socket closes, or a message is not exactly one struct agent_request,
 * the agent ends; the broker sees its own socket close and ends too, and is waited for, so that
 * nothing of a check is left when the agent is gone.
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
#include "agent/sandbox.h"
#include "base/log.h"

#define BROKER_WAIT_MS 2000

static int become(const char *user)
{
	static const int ignored[] = {SIGPIPE, SIGTERM, SIGINT, SIGHUP};
	int err;

	caps_ordinary();
	/*
	 * It lives as long as its socket: who stops the service means the daemon, which tells us.
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
		log_error("agent: user %s is root; name another in the configuration", user);
		return -EPERM;
	}
	/*
	 * After the change of user, which clears it. A daemon that died before shows in the socket.
	 */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return -errno;
	return 0;
}

static void send_reply(const struct agent_reply *r, void *arg)
{
	bool *lost = arg;

	/* All replies that can be out fit the socket: no room means that nobody reads. */
	if (send(AGENT_FD, r, sizeof(*r), MSG_NOSIGNAL | MSG_DONTWAIT) != sizeof(*r))
		*lost = true;
}

/* 0, or -EPIPE when there is nobody to serve any more. */
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
			log_error("agent: a message of %zd bytes from the daemon, expected %zu", n,
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
			log_error("agent: the exec broker is gone");
	}
	return err;
}

/* The broker's end of the pair closes when it has killed and reaped what it ran. */
static void end_broker(int fd, pid_t pid)
{
	struct pollfd p = {.fd = fd};

	shutdown(fd, SHUT_WR);
	if (poll(&p, 1, BROKER_WAIT_MS) == 0)
		log_warn("agent: the exec broker did not end within %d ms", BROKER_WAIT_MS);
	else
		waitpid(pid, NULL, 0);
	close(fd);
}

int agent_child(const char *user)
{
	struct check_engine *e = NULL;
	bool lost = false;
	int broker_fd = -1;
	pid_t broker = 0;
	int err = become(user);

	if (err) {
		log_error("agent: could not become user %s: %s", user, strerror(-err));
		return 1;
	}
	err = broker_open(&broker_fd, &broker);
	if (err) {
		log_error("agent: could not start the exec broker: %s", strerror(-err));
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

int agent_main(int argc, char **argv)
{
	enum log_level level;
	int type = 0;
	socklen_t len = sizeof(type);

	if (argc > 2 && !log_level_from_name(argv[2], &level))
		log_set_level(level);
	if (argc < 2 || getsockopt(AGENT_FD, SOL_SOCKET, SO_TYPE, &type, &len) ||
	    type != SOCK_SEQPACKET) {
		log_error("`agent` is started by `hokm-xdp run`, not by people");
		_exit(2);
	}
	/* Not by return: nothing of the daemon's may run at exit. */
	_exit(agent_child(argv[1]));
}
