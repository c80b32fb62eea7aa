/* SPDX-License-Identifier: GPL-2.0-only */
/* Real TCP sockets in the test's network namespace, which the programs look up in the kernel. */
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fixture.h"

static struct sockaddr_in ipv4(uint32_t addr, uint16_t port)
{
	struct sockaddr_in s = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(addr),
		.sin_port = htons(port),
	};

	return s;
}

static int tcp_socket(uint32_t addr, uint16_t port)
{
	struct sockaddr_in at = ipv4(addr, port);
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

void socks_listen(struct socks *s)
{
	s->client = -1;
	s->server = -1;
	s->client_port = CLIENT_PORT;
	s->listener = tcp_socket(VIP_ADDR, GAME_PORT);
	assert_int_equal(listen(s->listener, 8), 0);
}

static void connect_to(struct socks *s, int listener)
{
	struct sockaddr_in to = ipv4(VIP_ADDR, GAME_PORT);

	s->client = tcp_socket(CLIENT_ADDR, s->client_port);
	assert_int_equal(connect(s->client, (const struct sockaddr *)&to, sizeof(to)), 0);
	s->server = accept(listener, NULL, NULL);
	assert_true(s->server >= 0);
}

void socks_connect(struct socks *s)
{
	socks_listen(s);
	connect_to(s, s->listener);
}

void socks_join(struct socks *s, const struct socks *first, uint16_t port)
{
	*s = (struct socks){.listener = -1, .client_port = port};
	connect_to(s, first->listener);
}

void socks_end_quietly(struct socks *s)
{
	char byte;

	assert_int_equal(close(s->server), 0);
	s->server = -1;
	assert_int_equal(read(s->client, &byte, 1), 0); /* its FIN has come */
	assert_int_equal(close(s->client), 0);
	s->client = -1;
}

/* Closes with a RST, so that no TIME_WAIT keeps the port from the next test. */
static void end(int fd)
{
	struct linger hard = {.l_onoff = 1};

	if (fd < 0)
		return;
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(fd);
}

void socks_close(struct socks *s)
{
	end(s->client);
	end(s->server);
	end(s->listener);
}
