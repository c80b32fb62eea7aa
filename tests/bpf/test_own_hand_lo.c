/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Segments that the daemon sends on behalf of connections (user/act/tickle.h). The egress program
 * knows them by the raw socket that sent them, so here such sockets send through lo.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lo.h"
#include "own_hand.h"

/* A segment as the daemon sends it (user/act/tickle.c): the server's, with a window of 0. */
static void own_frame(struct frame *f, const struct tcp_spec *s)
{
	frame_tcp(f, s);
	memset(f->b + f->l4 + 14, 0, 2);
}

/* Sends the packet of the frame through the program on lo, by a raw socket of this protocol. */
static void send_raw(int protocol, const struct frame *f)
{
	const struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(CLIENT_ADDR),
	};
	int one = 1, fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, protocol);
	size_t len = f->len - f->l3;

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_HDRINCL, &one, sizeof(one)), 0);
	assert_int_equal(sendto(fd, f->b + f->l3, len, 0, (const struct sockaddr *)&to, sizeof(to)),
			 len);
	close(fd);
}

/* The segment leaves by the socket of the daemon. */
static void out_own(struct fix *x, const struct frame *f)
{
	lo_egress_attach(x);
	send_raw(IPPROTO_RAW, f);
	lo_egress_detach();
}

static void out_own_reset(struct fix *x)
{
	struct frame f;

	own_frame(&f, SEG(.reply = true, .flags = RST, .seq = SISN + 1));
	out_own(x, &f);
}

static void own_is_only_counted(void **state)
{
	struct fix *x = *state;
	struct hokm_conn before, after;
	uint64_t packets_out;

	established(x);
	before = conn_of(x);
	packets_out = COUNT(x, packets_out);
	out_own_reset(x);
	after = conn_of(x);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(COUNT(x, told_dead), 1);
	assert_int_equal(COUNT(x, packets_out), packets_out);
	assert_int_equal(COUNT(x, rst_server), 0);
	assert_int_equal(fix_events(x, HOKM_EV_CLOSED, NULL), 0);
}

/* The fast path does not take a tickle of a connection that it knows. */
static void own_tickle_of_a_known_connection_is_only_counted(void **state)
{
	struct fix *x = *state;
	struct hokm_conn before, after;
	struct frame f;

	established(x);
	before = conn_of(x);
	own_frame(&f, SEG(.reply = true, .flags = ACK, .seq = SISN, .ack = ISN + 1));
	out_own(x, &f);
	after = conn_of(x);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(COUNT(x, told_dead), 1);
}

/* Tickles are counted too, also those of connections that this node does not know. */
static void own_packets_of_unknown_connections_are_counted(void **state)
{
	struct fix *x = *state;
	struct frame f;

	own_frame(&f, SEG(.reply = true, .flags = ACK));
	out_own(x, &f);
	out_own_reset(x);
	EXPECT_COUNTS(x, N(told_dead, 2));
}

static void own_refusal_is_not_replayed(void **state)
{
	struct fix *x = *state;
	struct hokm_conn half;
	struct frame f;

	in_syn(x, &LINUX_SYN);
	refusal_frame(&f, &LINUX_SYN);
	memset(f.b + f.l4 + 14, 0, 2);
	out_own(x, &f);
	assert_int_equal(COUNT(x, told_dead), 1);
	assert_int_equal(COUNT(x, refused), 0);
	assert_int_equal(fix_suspect_get(x, 0).until_ns, 0);
	assert_true(fix_half(x, &half));
}

static void expect_of_the_server(struct fix *x)
{
	assert_int_equal(COUNT(x, told_dead), 0);
	assert_int_equal(COUNT(x, rst_server), 1);
	assert_int_equal(COUNT(x, reset_server), 1);
	assert_int_equal(conn_of(x).tcp_state, HOKM_TCP_RESET);
}

/* A user-space TCP stack sends the server's segments by a raw socket of TCP, or with a window. */
static void other_raw_sockets_are_a_servers(void **state)
{
	struct fix *x = *state;
	struct frame f;

	for (int windowed = 0; windowed < 2; windowed++) {
		fix_reset(state);
		established(x);
		own_frame(&f, SEG(.reply = true, .flags = RST | ACK, .seq = SISN + 2));
		if (windowed)
			f.b[f.l4 + 15] = 1;
		lo_egress_attach(x);
		send_raw(windowed ? IPPROTO_RAW : IPPROTO_TCP, &f);
		lo_egress_detach();
		expect_of_the_server(x);
	}
}

/* The socket matters on packets of services only. */
static void own_packet_of_no_service_is_not_counted(void **state)
{
	struct fix *x = *state;
	struct frame f;

	own_frame(&f, SEG(.reply = true, .flags = RST, .dport = 9000));
	out_own(x, &f);
	assert_int_equal(fix_count_all(x), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(own_is_only_counted),
		HOKM_TEST(own_tickle_of_a_known_connection_is_only_counted),
		HOKM_TEST(own_packets_of_unknown_connections_are_counted),
		HOKM_TEST(own_refusal_is_not_replayed),
		HOKM_TEST(other_raw_sockets_are_a_servers),
		HOKM_TEST(own_packet_of_no_service_is_not_counted),
	};

	return cmocka_run_group_tests_name("own hand, lo", tests, fix_open, fix_close);
}
