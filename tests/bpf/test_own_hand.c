/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * RSTs that prove nothing about the server: those of the kernel while the daemon terminates
 * connections of the service (services.ending_until_ns). Those that the daemon itself sends are in
 * test_own_hand_lo.c; a mark does not make one of them.
 */
#include <linux/bpf.h>
#include <string.h>

#include <bpf/bpf.h>

#include "own_hand.h"

/* The bits of a mark are those of others: it tells nothing. */
static void marks_are_ignored(void **state)
{
	static const uint32_t marks[] = {1, 0x4000, 0x686b6d70, UINT32_MAX};
	static uint8_t out[2048];

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		struct fix *x = *state;
		struct __sk_buff skb = {.mark = marks[i]};
		struct frame f;
		LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = f.b, .data_out = out,
			    .data_size_out = sizeof(out), .ctx_in = &skb,
			    .ctx_size_in = sizeof(skb), .repeat = 1);

		fix_reset(state);
		established(x);
		frame_tcp(&f, SEG(.reply = true, .flags = RST | ACK, .seq = SISN + 2));
		memset(f.b + f.l4 + 14, 0, 2); /* the window */
		o.data_size_in = f.len;
		assert_int_equal(bpf_prog_test_run_opts(x->egress, &o), 0);
		assert_int_equal((int)o.retval, EGRESS_PASS);
		assert_int_equal(COUNT(x, told_dead), 0);
		assert_int_equal(COUNT(x, rst_server), 1);
		assert_int_equal(COUNT(x, reset_server), 1);
		assert_int_equal(conn_of(x).tcp_state, HOKM_TCP_RESET);
	}
}

/* ---- while connections are terminated ---- */

static void reset_while_terminating_is_no_fault(void **state)
{
	struct fix *x = *state;

	established(x);
	fix_ending(x, 0, fix_now() + LONG_NS);
	fix_out(x, SEG(.flags = RST | ACK, .seq = SISN + 1, .ack = ISN + 1));
	assert_int_equal(COUNT(x, rst_server), 1);
	assert_int_equal(COUNT(x, shut_down), 1);
	assert_int_equal(COUNT(x, reset_server), 0);
	assert_int_equal(conn_of(x).tcp_state, HOKM_TCP_RESET);
	assert_int_equal(conn_of(x).close_side, HOKM_SIDE_SERVER);
	assert_int_equal(fix_events(x, HOKM_EV_CLOSED, NULL), 1);
	fix_out(x, SEG(.flags = RST | ACK, .seq = SISN + 1, .ack = ISN + 1));
	assert_int_equal(COUNT(x, shut_down), 1);
}

static void reset_before_and_after_is_a_fault(void **state)
{
	struct fix *x = *state;

	for (unsigned int i = 0; i < 2; i++) {
		fix_reset(state);
		established(x);
		fix_ending(x, 0, i ? fix_now() - 1 : 0);
		fix_ending(x, 1, fix_now() + LONG_NS); /* the time of another service */
		fix_out(x, SEG(.flags = RST | ACK, .seq = SISN + 1, .ack = ISN + 1));
		assert_int_equal(COUNT(x, rst_server), 1);
		assert_int_equal(COUNT(x, shut_down), 0);
		assert_int_equal(COUNT(x, reset_server), 1);
	}
}

/* The daemon terminates half-closed connections too. */
static void half_closed_connections_are_terminated_too(void **state)
{
	struct fix *x = *state;

	established(x);
	fix_in(x, SEG(.flags = FIN | ACK, .seq = ISN + 1, .ack = SISN + 1));
	fix_ending(x, 0, fix_now() + LONG_NS);
	fix_out(x, SEG(.flags = RST | ACK, .seq = SISN + 1, .ack = ISN + 2));
	assert_int_equal(COUNT(x, shut_down), 1);
	assert_int_equal(COUNT(x, reset_server), 0);
}

/* A server that refuses SYNs meanwhile still makes the service suspect. */
static void refusals_while_terminating_count(void **state)
{
	struct fix *x = *state;

	fix_ending(x, 0, fix_now() + LONG_NS);
	syn_is_replayed(x, &LINUX_SYN, PEER0_MAC);
	assert_int_equal(COUNT(x, refused), 1);
	assert_int_equal(COUNT(x, replayed), 1);
	assert_int_equal(COUNT(x, shut_down), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(marks_are_ignored),
		HOKM_TEST(reset_while_terminating_is_no_fault),
		HOKM_TEST(reset_before_and_after_is_a_fault),
		HOKM_TEST(half_closed_connections_are_terminated_too),
		HOKM_TEST(refusals_while_terminating_count),
	};

	return cmocka_run_group_tests_name("own hand", tests, fix_open, fix_close);
}
