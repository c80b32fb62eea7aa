/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hokm-echo: a TCP server that sends back what it gets and closes when the client does; cheap
 * enough for ten thousand connections a second, which no game server needs to be.
 *
 *   hokm-echo [--once] PORT
 *
 * With --once only the first bytes of a connection come back, all others are but acknowledged by
 * the kernel. One thread, level-triggered epoll. What cannot be sent back at once ends the
 * connection: clients of the lab send a few bytes and wait for them.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 4096
#define EVENTS  512
#define BYTES   2048

#define ANSWERED (1ULL << 32)

static int complain(const char *what)
{
	int err = errno;

	fprintf(stderr, "hokm-echo: %s: %s\n", what, strerror(err));
	return -err;
}

static int listen_on(uint16_t port)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_port = htons(port),
				 .sin_addr.s_addr = htonl(INADDR_ANY)};
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return complain("socket");
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at)) || listen(fd, BACKLOG)) {
		int err = complain("cannot listen; is another server on this port?");

		close(fd);
		return err;
	}
	return fd;
}

static int watch(int ep, int fd)
{
	struct epoll_event e = {.events = EPOLLIN, .data.u64 = (uint64_t)fd};

	return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e) ? complain("epoll_ctl") : 0;
}

/* All that wait. Without a file descriptor left they wait on. */
static void take_clients(int ep, int listener)
{
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0 && errno == ECONNABORTED)
			continue;
		if (fd < 0)
			return;
		if (watch(ep, fd))
			close(fd);
	}
}

/* Whether a client was answered already is told by its events: a bit above the file descriptor. */
static void serve_client(int ep, uint64_t data, bool once)
{
	int fd = (int)(data & UINT32_MAX);
	struct epoll_event e = {.events = EPOLLIN, .data.u64 = data | ANSWERED};
	char buf[BYTES];
	ssize_t n = recv(fd, buf, sizeof(buf), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0 && once && data & ANSWERED)
		return;
	if (n <= 0 || send(fd, buf, (size_t)n, MSG_NOSIGNAL) != n ||
	    (once && epoll_ctl(ep, EPOLL_CTL_MOD, fd, &e)))
		close(fd);
}

static int serve(int listener, bool once)
{
	struct epoll_event events[EVENTS];
	int err, ep = epoll_create1(EPOLL_CLOEXEC);

	if (ep < 0)
		return complain("epoll_create1");
	err = watch(ep, listener);
	while (!err) {
		int n = epoll_wait(ep, events, EVENTS, -1);

		if (n < 0 && errno != EINTR)
			err = complain("epoll_wait");
		for (int i = 0; i < n; i++) {
			if (events[i].data.u64 == (uint64_t)listener)
				take_clients(ep, listener);
			else
				serve_client(ep, events[i].data.u64, once);
		}
	}
	close(ep);
	return err;
}

static void want_files(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files))
		return;
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files))
		complain("setrlimit");
}

int main(int argc, char **argv)
{
	bool once = argc == 3 && !strcmp(argv[1], "--once");
	char *end = NULL;
	long port = argc == 2 + once ? strtol(argv[argc - 1], &end, 10) : 0;
	int listener, err;

	if (!end || *end || port < 1 || port > USHRT_MAX) {
		fprintf(stderr, "usage: hokm-echo [--once] PORT\n");
		return 1;
	}
	want_files();
	listener = listen_on((uint16_t)port);
	if (listener < 0)
		return 1;
	err = serve(listener, once);
	close(listener);
	return err ? 1 : 0;
}
