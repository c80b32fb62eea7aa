/* SPDX-License-Identifier: GPL-2.0-only */
/* The socket of replication messages. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "sense/repl_sock.h"
#include "sense/sock.h"

#define WHO           "replication"
#define RECEIVE_BYTES (1 << 20) /* a whole window of each of several peers */

struct repl_sock {
	int fd;
	uint16_t port; /* host order, of both ends */
};

int repl_sock_open(int ifindex, struct in_addr addr, uint16_t port_host, struct repl_sock **out)
{
	const struct sock_option options[] = {
		{SOL_SOCKET, SO_BINDTOIFINDEX, ifindex, "SO_BINDTOIFINDEX"},
		{SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BYTES, "SO_RCVBUFFORCE"},
		{IPPROTO_IP, IP_TTL, 255, "IP_TTL"},
		{IPPROTO_IP, IP_TOS, SOCK_TOS_CS4, "IP_TOS"},
		/* XDP drops these; where XDP could not look (a fragment put together) this does. */
		{IPPROTO_IP, IP_MINTTL, 255, "IP_MINTTL"},
	};
	struct repl_sock *s = calloc(1, sizeof(*s));
	int err;

	*out = NULL;
	if (!s)
		return -ENOMEM;
	s->port = port_host;
	s->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd < 0) {
		err = -errno;
		log_error("could not open the " WHO " socket: %s", strerror(-err));
		goto fail;
	}
	err = sock_set_all(s->fd, WHO, options, sizeof(options) / sizeof(options[0]));
	if (!err)
		err = sock_bind_udp(s->fd, WHO, addr, port_host);
	if (err)
		goto fail;
	*out = s;
	return 0;
fail:
	repl_sock_close(s);
	return err;
}

void repl_sock_close(struct repl_sock *s)
{
	if (!s)
		return;
	if (s->fd >= 0)
		close(s->fd);
	free(s);
}

int repl_sock_fd(const struct repl_sock *s)
{
	return s->fd;
}

int repl_sock_send(struct repl_sock *s, struct in_addr peer, const void *buf, size_t len)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_addr = peer, .sin_port = htons(s->port)};
	ssize_t n = sendto(s->fd, buf, len, 0, (struct sockaddr *)&to, sizeof(to));

	if (n < 0)
		return -errno;
	return n == (ssize_t)len ? 0 : -EIO;
}

ssize_t repl_sock_recv(struct repl_sock *s, void *buf, size_t size, struct in_addr *from)
{
	struct sockaddr_in sin = {0};
	struct iovec iov = {.iov_base = buf, .iov_len = size};
	struct msghdr msg = {
		.msg_name = &sin, .msg_namelen = sizeof(sin), .msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n = recvmsg(s->fd, &msg, 0);

	if (n < 0)
		return -errno;
	*from = sin.sin_addr;
	return msg.msg_flags & MSG_TRUNC ? (ssize_t)size + 1 : n;
}
