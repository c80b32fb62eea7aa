/* SPDX-License-Identifier: GPL-2.0-only */
/* The socket of replication messages. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "sense/repl_sock.h"

#define TOS_CS4       0x80      /* behind VRRP and pulses, before the game */
#define RECEIVE_BYTES (1 << 20) /* a whole window of each of several peers */

struct repl_sock {
	int fd;
	uint16_t port; /* host order, of both ends */
};

static int set_int(int fd, int level, int name, int value, const char *text)
{
	int err;

	if (!setsockopt(fd, level, name, &value, sizeof(value)))
		return 0;
	err = -errno;
	log_error("replication socket: setting %s failed: %s", text, strerror(-err));
	return err;
}

static int bind_to(int fd, struct in_addr addr, uint16_t port_host)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_addr = addr, .sin_port = htons(port_host)};
	char text[INET_ADDRSTRLEN] = "?";
	int err;

	if (!bind(fd, (struct sockaddr *)&sin, sizeof(sin)))
		return 0;
	err = -errno;
	(void)inet_ntop(AF_INET, &addr, text, sizeof(text));
	log_error("could not bind the replication socket to %s port %u: %s%s", text, port_host,
		  strerror(-err),
		  err == -EADDRINUSE ? " (another program has this UDP port: change replication "
				       "port on all nodes, or stop it)"
				     : "");
	return err;
}

int repl_sock_open(int ifindex, struct in_addr addr, uint16_t port_host, struct repl_sock **out)
{
	struct repl_sock *s = calloc(1, sizeof(*s));
	int err;

	*out = NULL;
	if (!s)
		return -ENOMEM;
	s->port = port_host;
	s->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd < 0) {
		err = -errno;
		log_error("could not open the replication socket: %s", strerror(-err));
		goto fail;
	}
	err = set_int(s->fd, SOL_SOCKET, SO_BINDTOIFINDEX, ifindex, "SO_BINDTOIFINDEX");
	if (!err)
		err = set_int(s->fd, SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BYTES, "SO_RCVBUFFORCE");
	if (!err)
		err = set_int(s->fd, IPPROTO_IP, IP_TTL, 255, "IP_TTL");
	if (!err)
		err = set_int(s->fd, IPPROTO_IP, IP_TOS, TOS_CS4, "IP_TOS");
	/* XDP has dropped it already; where XDP could not look (a fragment put together) this does. */
	if (!err)
		err = set_int(s->fd, IPPROTO_IP, IP_MINTTL, 255, "IP_MINTTL");
	if (!err)
		err = bind_to(s->fd, addr, port_host);
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
