/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * RSTs that prove nothing about the server: those that the daemon sends on behalf of connections
 * (HOKM_SKB_MARK), and those of the kernel while the daemon terminates connections of the service
 * (services.ending_until_ns).
 */
#include <linux/bpf.h>
#include <string.h>

#include <bpf/bpf.h>

#include "syn_spec.h"

#define COUNT(x, c) fix_count(x, 0, HOKM_CTR_##c)

#define SISN 5000u

/* As fix_egress, for an skb with this mark. Expects that the frame leaves unchanged. */
static void out_marked(struct fix *x, const struct frame *f, uint32_t mark)
{
	static uint8_t out[2048];
	struct __sk_buff skb = {.mark = mark};
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = f->b, .data_size_in = f->len, .data_out = out,
		    .data_size_out = sizeof(out), .ctx_in = &skb, .ctx_size_in = sizeof(skb),
		    .repeat = 1);

	assert_int_equal(bpf_prog_test_run_opts(x->egress, &o), 0);
	assert_int_equal((int)o.retval, EGRESS_PASS);
	assert_int_equal(o.data_size_out, f->len);
	assert_memory_equal(out, f->b, f->len);
}

static void out_reset_marked(struct fix *x, uint32_t mark)
{
	struct frame f;

	frame_tcp(&f, SEG(.reply = true, .flags = RST, .seq = SISN + 1));
	out_marked(x, &f, mark);
}

static void established(struct fix *x)
{
	in_syn(x, &LINUX_SYN);
	fix_out(x, SEG(.flags = SYN | ACK, .seq = SISN, .ack = ISN + 1));
	expect_in_pass(x, SEG(.flags = ACK, .seq = ISN + 1, .ack = SISN + 1));
}

static struct hokm_conn conn_of(struct fix *x)
{
	struct hokm_conn c;

	assert_true(fix_conn(x, &c));
	return c;
}

/* ---- marked segments ---- */

static void marked_is_only_counted(void **state)
{
	struct fix *x = *state;
	struct hokm_conn before, after;
	uint64_t packets_out;

	established(x);
	before = conn_of(x);
	packets_out = COUNT(x, packets_out);
	out_reset_marked(x, HOKM_SKB_MARK);
	after = conn_of(x);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(COUNT(x, told_dead), 1);
	assert_int_equal(COUNT(x, packets_out), packets_out);
	assert_int_equal(COUNT(x, rst_server), 0);
	assert_int_equal(fix_events(x, HOKM_EV_CLOSED, NULL), 0);
}

/* Tickles are counted too, also those of connections that this node does not know. */
static void marked_packets_of_unknown_connections_are_counted(void **state)
{
	struct fix *x = *state;
	struct frame f;

	frame_tcp(&f, SEG(.reply = true, .flags = ACK));
	out_marked(x, &f, HOKM_SKB_MARK);
	out_reset_marked(x, HOKM_SKB_MARK);
	EXPECT_COUNTS(x, N(told_dead, 2));
}

static void marked_refusal_is_not_replayed(void **state)
{
	struct fix *x = *state;
	struct hokm_conn half;
	struct frame f;

	in_syn(x, &LINUX_SYN);
	refusal_frame(&f, &LINUX_SYN);
	out_marked(x, &f, HOKM_SKB_MARK);
	assert_int_equal(COUNT(x, told_dead), 1);
	assert_int_equal(COUNT(x, refused), 0);
	assert_int_equal(fix_suspect_get(x, 0).until_ns, 0);
	assert_true(fix_half(x, &half));
}

static void other_marks_are_ignored(void **state)
{
	struct fix *x = *state;

	established(x);
	out_reset_marked(x, 1);
	assert_int_equal(COUNT(x, told_dead), 0);
	assert_int_equal(COUNT(x, rst_server), 1);
	assert_int_equal(COUNT(x, reset_server), 1);
	assert_int_equal(conn_of(x).tcp_state, HOKM_TCP_RESET);
}

/* The mark matters on packets of services only. */
static void marked_packet_of_no_service_is_not_counted(void **state)
{
	struct fix *x = *state;
	struct frame f;

	frame_tcp(&f, SEG(.reply = true, .flags = RST, .dport = 9000));
	out_marked(x, &f, HOKM_SKB_MARK);
	assert_int_equal(fix_count_all(x), 0);
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
		HOKM_TEST(marked_is_only_counted),
		HOKM_TEST(marked_packets_of_unknown_connections_are_counted),
		HOKM_TEST(marked_refusal_is_not_replayed),
		HOKM_TEST(other_marks_are_ignored),
		HOKM_TEST(marked_packet_of_no_service_is_not_counted),
		HOKM_TEST(reset_while_terminating_is_no_fault),
		HOKM_TEST(reset_before_and_after_is_a_fault),
		HOKM_TEST(half_closed_connections_are_terminated_too),
		HOKM_TEST(refusals_while_terminating_count),
	};

	return cmocka_run_group_tests_name("own hand", tests, fix_open, fix_close);
}
