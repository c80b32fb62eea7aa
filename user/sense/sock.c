/* SPDX-License-Identifier: GPL-2.0-only */
/* Setting up the nodes' own sockets. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "sense/sock.h"

int sock_set(int fd, const char *who, int level, int name, const void *value, socklen_t len,
	     const char *text)
{
	int err;

	if (!setsockopt(fd, level, name, value, len))
		return 0;
	err = -errno;
	log_error("%s socket: setting %s failed: %s", who, text, strerror(-err));
	return err;
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

int sock_bind_udp(int fd, const char *who, struct in_addr addr, uint16_t port_host)
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
		log_error("could not bind the %s socket to %s port %u: %s (another program has "
			  "this UDP port: change %s port on all nodes, or stop it)",
			  who, text, port_host, strerror(-err), who);
	else
		log_error("could not bind the %s socket to %s port %u: %s", who, text, port_host,
			  strerror(-err));
	return err;
}
