/* SPDX-License-Identifier: GPL-2.0-only */
/* The socket of replication messages. decide/repl_wire.h has their bytes. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "sense/repl_sock.h"
#include "sense/sock.h"

/* The receive buffer has room for a whole window of each of several peers. */
#define RECEIVE_BYTES (1 << 20)

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
		/* XDP drops lower TTLs already, but it does not see reassembled fragments. */
		{IPPROTO_IP, IP_MINTTL, 255, "IP_MINTTL"},
	};
	struct repl_sock *s = calloc(1, sizeof(*s));
	int err;

	*out = NULL;
	if (!s)
		return -ENOMEM;
	s->port = port_host;
	s->fd = sock_open_udp("replication", addr, port_host, options,
			      sizeof(options) / sizeof(options[0]), NULL);
	if (s->fd < 0) {
		err = s->fd;
		free(s);
		return err;
	}
	*out = s;
	return 0;
}

int repl_sock_set_interface(struct repl_sock *s, int ifindex)
{
	return sock_set_interface(s->fd, "replication", ifindex);
}

void repl_sock_close(struct repl_sock *s)
{
	if (!s)
		return;
	close(s->fd);
	free(s);
}

int repl_sock_fd(const struct repl_sock *s)
{
	return s->fd;
}

int repl_sock_send(struct repl_sock *s, struct in_addr peer, const void *buf, size_t len)
{
	return sock_send_udp(s->fd, peer, s->port, buf, len);
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
