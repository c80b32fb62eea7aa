/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * RSTs that say nothing bad of a server (rule 4, docs/architecture.md). Those that answer a SYN
 * while a server listens: a packet filter sends them to a client that it bans, the kernel to an
 * MPTCP join that it does not know, or a container to anybody. Those of a packet filter for a
 * connection that is established.
 */
#include <string.h>
#include <unistd.h>

#include "syn_spec.h"

#define COUNT(x, c) fix_count(x, 0, HOKM_CTR_##c)

/* nft reject with tcp reset: a server listens, so the RST comes from a packet filter. */
static void banned_client_is_neither_replayed_nor_suspicious(void **state)
{
	struct fix *x = *state;
	struct hokm_conn half;
	struct socks s;

	for (int sum_left = 0; sum_left < 2; sum_left++) {
		struct syn_spec syn = LINUX_SYN;

		fix_reset(state);
		syn.sum_left = sum_left;
		socks_listen(&s);
		in_syn(x, &syn);
		out_refusal(x, &syn);
		expect_rst_left(x, &syn);
		assert_int_equal(COUNT(x, rst_filter), 1);
		assert_int_equal(COUNT(x, refused) + COUNT(x, replayed) + COUNT(x, suspects), 0);
		assert_int_equal(fix_suspect_get(x, 0).until_ns, 0);
		assert_int_equal(fix_events(x, HOKM_EV_REFUSED, NULL), 0);
		assert_int_equal(fix_events(x, HOKM_EV_REPLAYED, NULL), 0);
		assert_false(fix_half(x, &half));
		close(s.listener);
	}
	/* The server is gone: now the kernel refuses, and the SYN is replayed. */
	fix_reset(state);
	syn_is_replayed(x, &LINUX_SYN, PEER0_MAC);
	assert_int_equal(COUNT(x, rst_filter), 0);
}

/*
 * The client is banned while it plays. The filter answers its segments, and its RST has no ACK, or
 * the sequence number 0 when the segment had no ACK; that of a server whose socket is closed has
 * both.
 */
static void ban_of_an_established_connection_is_no_reset(void **state)
{
	static const struct {
		uint8_t flags;
		uint32_t seq;
	} rsts[] = {{RST, 5010}, {RST | ACK, 0}, {RST | ACK, 5010}};
	struct fix *x = *state;

	for (unsigned int i = 0; i < 6; i++) {
		bool served = i < 3, servers = i % 3 == 2;
		struct hokm_conn c;

		fix_reset(state);
		in_syn(x, &LINUX_SYN);
		fix_out(x, SEG(.flags = SYN | ACK, .seq = 5000, .ack = ISN + 1));
		expect_in_pass(x, SEG(.flags = ACK, .seq = ISN + 1, .ack = 5001));
		if (served)
			fix_out(x, SEG(.flags = ACK, .seq = 5001, .ack = ISN + 1, .payload = 9));
		assert_true(fix_conn(x, &c));
		c.ws = HOKM_WS_OPEN;
		fix_conn_put(x, &c);
		fix_out(x, SEG(.flags = rsts[i % 3].flags, .seq = rsts[i % 3].seq,
			       .ack = i % 3 ? ISN + 1 : 0));
		assert_int_equal(COUNT(x, rst_server), 1);
		assert_int_equal(COUNT(x, reset_server), served && servers);
		assert_int_equal(COUNT(x, unserved), !served && servers);
		assert_int_equal(fix_events(x, HOKM_EV_CLOSED, NULL), 1);
	}
}

/*
 * Docker's proxy listens for the port on the node. Nothing listens in the container, or a packet
 * filter in it bans the client: the RST does not tell.
 */
static void refusal_of_a_container_is_replayed(void **state)
{
	struct fix *x = *state;
	struct socks s;

	socks_listen(&s);
	x->forwarded = true;
	syn_is_replayed(x, &LINUX_SYN, PEER0_MAC);
	assert_int_equal(COUNT(x, rst_filter), 1);
	assert_int_equal(COUNT(x, replayed), 1);
	assert_int_equal(COUNT(x, refused) + COUNT(x, suspects), 0);
	assert_int_equal(fix_suspect_get(x, 0).until_ns, 0);
	assert_int_equal(fix_events(x, HOKM_EV_REFUSED, NULL), 0);
	assert_int_equal(fix_events(x, HOKM_EV_REPLAYED, NULL), 0);
	close(s.listener);
}

/* A container without such a proxy: no socket listens on the node. */
static void container_without_a_listener_is_suspicious(void **state)
{
	struct fix *x = *state;

	x->forwarded = true;
	syn_is_replayed(x, &LINUX_SYN, PEER0_MAC);
	assert_int_equal(COUNT(x, rst_filter), 0);
	assert_int_equal(COUNT(x, refused), 1);
	assert_int_equal(COUNT(x, replayed), 1);
	assert_int_equal(COUNT(x, suspects), 1);
	assert_int_equal(fix_events(x, HOKM_EV_REPLAYED, NULL), 1);
}

/* The kernel's answer to an MPTCP join whose token it does not know: RST with MP_TCPRST. */
static void join_refused(struct fix *x, const uint8_t option[4])
{
	struct frame f;

	frame_tcp(&f, SEG(.flags = RST | ACK, .ack = ISN + 1, .options = 1, .reply = true));
	memcpy(f.b + f.l4 + 20, option, 4);
	frame_tcp_checksum(&f);
	fix_egress(x, &f);
}

static void mptcp_join_is_replayed_without_suspicion(void **state)
{
	static const uint8_t mptcp[4] = {30, 4, 0x80, 1}, other[4] = {30, 4, 0x60, 1};
	struct fix *x = *state;
	struct socks s;

	socks_listen(&s);
	in_syn(x, &LINUX_SYN);
	join_refused(x, mptcp);
	expect_syn_left(x, &LINUX_SYN, PEER0_MAC);
	assert_int_equal(COUNT(x, rst_join), 1);
	assert_int_equal(COUNT(x, replayed), 1);
	assert_int_equal(COUNT(x, refused) + COUNT(x, suspects), 0);
	assert_int_equal(fix_suspect_get(x, 0).until_ns, 0);
	assert_int_equal(fix_events(x, HOKM_EV_REPLAYED, NULL), 0);
	/* Another option of MPTCP proves nothing. */
	fix_reset(state);
	in_syn(x, &LINUX_SYN);
	join_refused(x, other);
	assert_int_equal(COUNT(x, rst_filter), 1);
	assert_int_equal(COUNT(x, replayed), 0);
	close(s.listener);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(banned_client_is_neither_replayed_nor_suspicious),
		HOKM_TEST(ban_of_an_established_connection_is_no_reset),
		HOKM_TEST(refusal_of_a_container_is_replayed),
		HOKM_TEST(container_without_a_listener_is_suspicious),
		HOKM_TEST(mptcp_join_is_replayed_without_suspicion),
	};

	return cmocka_run_group_tests_name("rst_filter", tests, fix_open, fix_close);
}
