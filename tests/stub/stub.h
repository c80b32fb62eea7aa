/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For unit tests of checks: starts and stops tests/stub/server.py, makes requests for it. Tests run
 * from the root of the source tree.
 */
#ifndef HOKM_TESTS_STUB_H
#define HOKM_TESTS_STUB_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/agent.h"
#include "base/clock.h"

#define STUB_START_MS 20000

struct stub {
	pid_t pid;
	int in; /* the standard input of the server, which ends when this is closed */
	uint16_t port, tls_port;
};

static inline bool stub_read_ports(struct stub *s, int fd)
{
	char line[64] = "";
	size_t len = 0;
	unsigned int port, tls_port;

	while (len < sizeof(line) - 1 && !strchr(line, '\n')) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		ssize_t n;

		if (poll(&p, 1, STUB_START_MS) != 1)
			return false;
		n = read(fd, line + len, sizeof(line) - 1 - len);
		if (n <= 0)
			return false;
		len += (size_t)n;
		line[len] = '\0';
	}
	if (sscanf(line, "ready %u %u", &port, &tls_port) != 2)
		return false;
	s->port = (uint16_t)port;
	s->tls_port = (uint16_t)tls_port;
	return true;
}

static inline void stub_stop(struct stub *s)
{
	if (s->pid <= 0)
		return;
	close(s->in);
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	s->pid = 0;
}

static inline bool stub_start(struct stub *s)
{
	int in[2], out[2];
	bool ok;

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		return false;
	s->pid = fork();
	if (s->pid == 0) {
		if (dup2(in[0], 0) < 0 || dup2(out[1], 1) < 0)
			_exit(126);
		execl("/usr/bin/python3", "/usr/bin/python3", "-I", "tests/stub/server.py",
		      (char *)NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	s->in = in[1];
	ok = s->pid > 0 && stub_read_ports(s, out[0]);
	close(out[0]);
	if (!ok)
		stub_stop(s);
	return ok;
}

/* A port of 127.0.0.1 on which nothing listens; reserved while *fd is open. */
static inline uint16_t stub_dead_port(int *fd)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	socklen_t len = sizeof(sin);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	*fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*fd < 0 || bind(*fd, (struct sockaddr *)&sin, sizeof(sin)) ||
	    getsockname(*fd, (struct sockaddr *)&sin, &len))
		return 0;
	return ntohs(sin.sin_port);
}

/* The user of the agent: nobody when root runs the tests, else the user that runs them. */
static inline const char *stub_user(void)
{
	struct passwd *pw = geteuid() == 0 ? NULL : getpwuid(geteuid());

	return pw ? pw->pw_name : "nobody";
}

/* A check of 127.0.0.1:port with one attempt of at most 5 seconds. */
static inline void stub_request(struct agent_request *r, enum conf_check_kind kind, uint16_t port,
				const char *path)
{
	memset(r, 0, sizeof(*r));
	r->check.kind = kind;
	snprintf(r->check.path, sizeof(r->check.path), "%s", path);
	r->check.status = 200;
	r->check.addr.s_addr = htonl(INADDR_LOOPBACK);
	r->check.port = port;
	r->check.timeout_ns = 5 * NS_PER_S;
	r->check.attempts = 1;
	r->check.backoff_ns = 10 * NS_PER_MS;
	snprintf(r->host, sizeof(r->host), "192.168.1.25:%u", port);
}

#endif
