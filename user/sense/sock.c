/* SPDX-License-Identifier: GPL-2.0-only */
/* Setting up the sockets between nodes, and the messages when that fails. See sense/sock.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "sense/sock.h"

int sock_set(int fd, const char *who, int level, int name, const void *value, socklen_t len,
	     const char *text)
{
	int err;

	if (!setsockopt(fd, level, name, value, len))
		return 0;
	err = -errno;
	log_error("%s socket: could not set %s: %s", who, text, strerror(-err));
	return err;
}

int sock_set_interface(int fd, const char *who, int ifindex)
{
	return sock_set(fd, who, SOL_SOCKET, SO_BINDTOIFINDEX, &ifindex, sizeof(ifindex),
			"SO_BINDTOIFINDEX");
}

int sock_set_all(int fd, const char *who, const struct sock_option *options, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct sock_option *o = &options[i];
		int err = sock_set(fd, who, o->level, o->name, &o->value, sizeof(o->value),
				   o->text);

		if (err)
			return err;
	}
	return 0;
}

static int bind_udp(int fd, const char *who, struct in_addr addr, uint16_t port_host)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_addr = addr, .sin_port = htons(port_host)};
	char text[INET_ADDRSTRLEN] = "?";
	int err;

	if (!bind(fd, (struct sockaddr *)&sin, sizeof(sin)))
		return 0;
	err = -errno;
	(void)inet_ntop(AF_INET, &addr, text, sizeof(text));
	if (err == -EADDRINUSE)
		log_error("could not bind the %s socket to %s port %u: %s; "
			  "another program uses this UDP port: stop it, "
			  "or change the %s port on all nodes",
			  who, text, port_host, strerror(-err), who);
	else
		log_error("could not bind the %s socket to %s port %u: %s", who, text, port_host,
			  strerror(-err));
	return err;
}

int sock_open_udp(const char *who, struct in_addr addr, uint16_t port_host,
		  const struct sock_option *options, size_t n, const struct sock_fprog *filter)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int err = fd < 0 ? -errno : 0;

	if (err) {
		log_error("could not open the %s socket: %s", who, strerror(-err));
		return err;
	}
	if (filter)
		err = sock_set(fd, who, SOL_SOCKET, SO_ATTACH_FILTER, filter, sizeof(*filter),
			       "SO_ATTACH_FILTER");
	if (!err)
		err = sock_set_all(fd, who, options, n);
	if (!err)
		err = bind_udp(fd, who, addr, port_host);
	if (!err)
		return fd;
	close(fd);
	return err;
}

int sock_send_udp(int fd, struct in_addr peer, uint16_t port_host, const void *buf, size_t len)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_addr = peer, .sin_port = htons(port_host)};
	ssize_t n = sendto(fd, buf, len, 0, (struct sockaddr *)&to, sizeof(to));

	if (n < 0)
		return -errno;
	return n == (ssize_t)len ? 0 : -EIO;
}
