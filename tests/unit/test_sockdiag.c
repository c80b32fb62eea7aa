/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Terminating real connections in a network namespace of the test: SOCK_DESTROY finds the right
 * sockets and leaves the others; a client without its server accepts the exact RST and answers a
 * tickle.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "act/sockdiag.h"
#include "act/tickle.h"
#include "own_netns.h"

#define PORT 8765
#define MANY 2000

static struct own_netns ns;

static uint16_t sum_of(const uint8_t *p, size_t len, uint32_t sum)
{
	for (size_t i = 0; i < len; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static int listener(int family)
{
	struct sockaddr_in6 any6 = {.sin6_family = AF_INET6, .sin6_port = htons(PORT)};
	struct sockaddr_in any4 = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
	if (family == AF_INET6)
		assert_int_equal(bind(fd, (void *)&any6, sizeof(any6)), 0);
	else
		assert_int_equal(bind(fd, (void *)&any4, sizeof(any4)), 0);
	assert_int_equal(listen(fd, 4096), 0);
	return fd;
}

/* Opens a client on the other node. *c is filled with the connection as the server sees it. */
static int client(struct tickle_conn *c)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr = ns.addr_a};
	struct sockaddr_in me;
	socklen_t len = sizeof(me);
	int fd;

	own_netns_enter(ns.b);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (void *)&to, sizeof(to)), 0);
	assert_int_equal(getsockname(fd, (void *)&me, &len), 0);
	own_netns_enter(ns.a);
	memset(c, 0, sizeof(*c));
	c->client = me.sin_addr;
	c->client_port = me.sin_port;
	c->vip = ns.addr_a;
	c->port = htons(PORT);
	return fd;
}

/*
 * Returns the error of the socket within this time; 0: it is open, or closed without an error. On a
 * busy machine an RST may take its time.
 */
static int ends_within(int fd, int ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char byte;

	if (poll(&p, 1, ms) <= 0)
		return 0;
	return recv(fd, &byte, 1, MSG_DONTWAIT) < 0 ? errno : 0;
}

static void ends_what_it_names(void **state)
{
	(void)state;
	for (int family = 0; family < 2; family++) {
		int l = listener(family ? AF_INET6 : AF_INET), fd[3], server[3];
		struct tickle_conn c[3];
		struct sockdiag *s;
		bool ended[3];
		char byte = 'x';

		assert_int_equal(sockdiag_open(&s), 0);
		for (int i = 0; i < 3; i++) {
			fd[i] = client(&c[i]);
			server[i] = accept(l, NULL, NULL);
			assert_true(server[i] >= 0);
		}
		/* no connection has this port */
		c[2].client_port = htons((uint16_t)(ntohs(c[2].client_port) ^ 1));
		assert_int_equal(sockdiag_destroy(s, c, 3, ended), 2);
		assert_true(ended[0] && ended[1] && !ended[2]);
		assert_int_equal(ends_within(fd[0], 20000), ECONNRESET);
		assert_int_equal(ends_within(fd[1], 20000), ECONNRESET);
		assert_int_equal(recv(server[0], &byte, 1, MSG_DONTWAIT), -1);
		assert_int_equal(errno, ECONNABORTED);
		/* The third connection still works, and the listener still accepts. */
		assert_int_equal(send(server[2], &byte, 1, MSG_NOSIGNAL), 1);
		assert_int_equal(recv(fd[2], &byte, 1, 0), 1);
		close(client(&c[0]));
		sockdiag_close(s);
		for (int i = 0; i < 3; i++) {
			close(fd[i]);
			close(server[i]);
		}
		close(l);
	}
}

static void half_closed_and_unaccepted(void **state)
{
	struct tickle_conn c[2];
	struct sockdiag *s;
	int l = listener(AF_INET), fd[2], server;
	bool ended[2];

	(void)state;
	assert_int_equal(sockdiag_open(&s), 0);
	fd[0] = client(&c[0]);
	server = accept(l, NULL, NULL);
	assert_true(server >= 0);
	assert_int_equal(shutdown(fd[0], SHUT_WR), 0);
	fd[1] = client(&c[1]); /* not accepted: the server is unresponsive */
	assert_int_equal(sockdiag_destroy(s, c, 2, ended), 2);
	assert_int_equal(ends_within(fd[0], 20000), ECONNRESET);
	assert_int_equal(ends_within(fd[1], 20000), ECONNRESET);
	assert_int_equal(sockdiag_destroy(s, c, 2, ended), 0); /* none left */
	assert_false(ended[0] || ended[1]);
	assert_int_equal(sockdiag_destroy(s, c, 0, ended), 0);
	assert_int_equal(sockdiag_destroy(s, c, TICKLE_MAX + 1, ended), -EINVAL);
	sockdiag_close(s);
	close(fd[0]);
	close(fd[1]);
	close(server);
	close(l);
}

/* A SYN from an address without a host: the connection stays in the handshake. */
static void syn_of_nobody(struct tickle_conn *c)
{
	struct tickle_conn syn = {.client = ns.addr_a,
				  .vip = own_addr("192.168.1.50"),
				  .client_port = htons(PORT),
				  .port = htons(40000)};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = ns.addr_a};
	uint8_t p[TICKLE_LEN];
	uint16_t sum;
	int fd;

	tickle_build(&syn, false, p);
	p[33] = 0x02; /* SYN alone */
	p[36] = p[37] = 0;
	sum = (uint16_t)~sum_of(p + 12, 28, IPPROTO_TCP + 20);
	p[36] = (uint8_t)(sum >> 8);
	p[37] = (uint8_t)sum;
	own_netns_enter(ns.b);
	fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	assert_true(fd >= 0);
	assert_int_equal(sendto(fd, p, sizeof(p), 0, (void *)&to, sizeof(to)), sizeof(p));
	close(fd);
	own_netns_enter(ns.a);
	*c = (struct tickle_conn){
		.client = syn.vip, .client_port = syn.port, .vip = ns.addr_a, .port = htons(PORT)};
}

struct one {
	struct sockdiag *s;
	struct tickle_conn c;
};

static bool is_ended(void *arg)
{
	struct one *o = arg;
	bool ended;

	return sockdiag_destroy(o->s, &o->c, 1, &ended) == 1 && ended;
}

/* In the handshake the process has no socket yet, and it must not get one later. */
static void in_the_handshake(void **state)
{
	int l = listener(AF_INET);
	struct tickle_conn c;
	struct one o;

	(void)state;
	assert_int_equal(sockdiag_open(&o.s), 0);
	syn_of_nobody(&o.c);
	assert_true(own_wait(is_ended, &o, 2000));
	assert_false(is_ended(&o));
	close(client(&c)); /* the listener still accepts */
	sockdiag_close(o.s);
	close(l);
}

static void many_at_once(void **state)
{
	static struct tickle_conn c[MANY];
	static int fd[MANY];
	bool ended[TICKLE_MAX];
	struct sockdiag *s;
	int l = listener(AF_INET);

	(void)state;
	assert_int_equal(sockdiag_open(&s), 0);
	for (int i = 0; i < MANY; i++)
		fd[i] = client(&c[i]);
	for (unsigned int i = 0; i < MANY; i += TICKLE_MAX) {
		unsigned int n = MANY - i < TICKLE_MAX ? MANY - i : TICKLE_MAX;

		assert_int_equal(sockdiag_destroy(s, c + i, n, ended), n);
	}
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(ends_within(fd[i], 20000), ECONNRESET);
		close(fd[i]);
	}
	sockdiag_close(s);
	close(l);
}

/* ---- RST and tickle ---- */

static void packets_are_right(void **state)
{
	const struct tickle_conn c = {
		.client = {htonl(0xc0a80132)},
		.vip = {htonl(0xc0a80119)},
		.client_port = htons(40000),
		.port = htons(PORT),
		.seq = 0x01000000,
		.ack = 0x0a0b0c0d,
		.known = true};
	static const uint8_t ends[] = {0x22, 0x3d, 0x9c, 0x40}; /* 8765, 40000 */
	static const uint8_t rst_seq[] = {1, 0, 0, 0}, tickle_seq[] = {0, 0xff, 0xff, 0xff};
	static const uint8_t ack[] = {0x0a, 0x0b, 0x0c, 0x0d}, zero[4];
	struct tickle_conn unknown = c;
	uint8_t p[TICKLE_LEN];

	(void)state;
	for (int rst = 0; rst < 2; rst++) {
		tickle_build(&c, rst, p);
		assert_int_equal(p[0], 0x45);
		assert_int_equal(p[3], 40);
		assert_int_equal(p[9], 6);
		assert_int_equal(sum_of(p, 20, 0), 0xffff);
		assert_int_equal(sum_of(p + 12, 28, 6 + 20), 0xffff);
		assert_memory_equal(p + 20, ends, 4);
		assert_memory_equal(p + 24, rst ? rst_seq : tickle_seq, 4);
		assert_memory_equal(p + 28, ack, 4);
		assert_int_equal(p[33], rst ? 0x14 : 0x10);
	}
	unknown.known = false;
	tickle_build(&unknown, false, p);
	assert_memory_equal(p + 24, zero, 4);
	assert_memory_equal(p + 28, zero, 4);
	assert_int_equal(sum_of(p + 12, 28, 6 + 20), 0xffff);
}

/* Closes the server's socket without FIN or RST, like a dead node, and keeps its numbers. */
static void vanish(int server, struct tickle_conn *c)
{
	const int on = TCP_REPAIR_ON, off = TCP_REPAIR_OFF_NO_WP;
	int queue;
	socklen_t len = sizeof(c->seq);

	assert_int_equal(setsockopt(server, IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on)), 0);
	queue = TCP_SEND_QUEUE;
	assert_int_equal(setsockopt(server, IPPROTO_TCP, TCP_REPAIR_QUEUE, &queue, sizeof(queue)),
			 0);
	assert_int_equal(getsockopt(server, IPPROTO_TCP, TCP_QUEUE_SEQ, &c->seq, &len), 0);
	queue = TCP_RECV_QUEUE;
	assert_int_equal(setsockopt(server, IPPROTO_TCP, TCP_REPAIR_QUEUE, &queue, sizeof(queue)),
			 0);
	assert_int_equal(getsockopt(server, IPPROTO_TCP, TCP_QUEUE_SEQ, &c->ack, &len), 0);
	c->known = true;
	assert_int_equal(close(server), 0); /* in repair mode: no FIN, no RST */
	(void)off;
}

/* Replicated numbers may be exact, older than the last ones of the server, or unknown. */
static void clients_of_a_vanished_server_notice(void **state)
{
	static const struct {
		uint32_t behind;
		bool known;
	} rows[] = {{0, true}, {5000, true}, {300000, true}, {0, false}};
	struct tickle *t;

	(void)state;
	assert_int_equal(tickle_open(&t), 0);
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int l = listener(AF_INET), fd, server;
		struct tickle_conn c;

		fd = client(&c);
		server = accept(l, NULL, NULL);
		assert_true(server >= 0);
		vanish(server, &c);
		assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
		assert_int_equal(ends_within(fd, 500), 0); /* the client is not notified yet */
		c.seq -= rows[i].behind;
		c.known = rows[i].known;
		close(l); /* the kernel answers the ACK that the tickle causes with its RST */
		assert_int_equal(tickle_send(t, &c, 1), 1);
		assert_int_equal(ends_within(fd, 20000), ECONNRESET);
		close(fd);
	}
	tickle_close(t);
}

int main(void)
{
	const struct rlimit files = {2 * MANY + 100, 2 * MANY + 100};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends_what_it_names),
		cmocka_unit_test(half_closed_and_unaccepted),
		cmocka_unit_test(in_the_handshake),
		cmocka_unit_test(many_at_once),
		cmocka_unit_test(packets_are_right),
		cmocka_unit_test(clients_of_a_vanished_server_notice),
	};

	if (geteuid()) {
		printf("skip: makes network namespaces: needs root\n");
		return OWN_SKIPPED;
	}
	if (setrlimit(RLIMIT_NOFILE, &files)) {
		printf("not ok: cannot have %d descriptors\n", 2 * MANY);
		return 1;
	}
	own_netns_make(&ns);
	return cmocka_run_group_tests_name("sockdiag", tests, NULL, NULL);
}
