/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets of clients at a node that is not owner. The daemon takes them for misdirected by two
 * counters, packets_in and steered_in: what a peer steered here, for whatever reason, raises both.
 * The answers to pulses tell the owner what the daemon found.
 */
#include "fixture.h"
#include "pulse_spec.h"

#define XDP_VERDICT_TX 3
#define NONCE          77

static uint64_t direct(struct fix *x)
{
	return fix_count(x, 0, HOKM_CTR_packets_in) - fix_count(x, 0, HOKM_CTR_steered_in);
}

/* A connection from its SYN to its end, and packets of connections that nobody knows. */
static unsigned int send_life(struct fix *x, const uint8_t *from)
{
	const struct tcp_spec life[] = {
		{.flags = SYN, .seq = 1000},
		{.flags = SYN, .seq = 1000},
		{.flags = ACK, .seq = 1001, .ack = 1},
		{.flags = ACK, .seq = 1001, .ack = 5001},
		{.flags = ACK, .seq = 1001, .ack = 5001, .payload = 5},
		{.flags = FIN | ACK, .seq = 1006, .ack = 5001},
		{.flags = RST, .seq = 1007},
		{.sport = 41000, .flags = ACK, .seq = 9, .ack = 9},
		{.sport = 41001, .flags = RST, .seq = 9},
	};
	unsigned int n = sizeof(life) / sizeof(life[0]);

	for (unsigned int i = 0; i < n; i++) {
		struct tcp_spec spec = life[i];
		struct frame f;

		spec.eth.from = from;
		frame_tcp(&f, &spec);
		fix_ingress(x, &f);
	}
	return n;
}

static void steered_packets_are_not_misdirected(void **state)
{
	struct fix *x = *state;
	uint64_t before = fix_count(x, 0, HOKM_CTR_packets_in);

	fix_owner(x, false);
	assert_true(send_life(x, PEER0_MAC) > 0);
	assert_true(fix_count(x, 0, HOKM_CTR_packets_in) > before);
	assert_int_equal(direct(x), 0);
}

static void each_packet_of_a_client_counts(void **state)
{
	struct fix *x = *state;

	fix_owner(x, false);
	assert_int_equal(direct(x), send_life(x, CLIENT_MAC));
}

static uint8_t answered_flags(struct fix *x, uint64_t sent)
{
	struct hokm_pulse p = pulse_probe_of(x, 0, NONCE, sent);
	struct frame f;

	pulse_frame_of(&f, 0, &p);
	fix_ingress(x, &f);
	assert_int_equal(x->verdict, XDP_VERDICT_TX);
	return pulse_out(x).flags;
}

static void answers_tell_the_owner(void **state)
{
	struct hokm_own own = {.state = HOKM_VRRP_BACKUP, .successor = HOKM_NO_PEER};
	struct fix *x = *state;
	struct hokm_pulse answer;

	fix_own(x, &own);
	assert_false(answered_flags(x, 1) & HOKM_PULSE_MISDIRECTED);
	own.misdirected = 1;
	fix_own(x, &own);
	assert_true(answered_flags(x, 2) & HOKM_PULSE_MISDIRECTED);
	answer = pulse_out(x);
	assert_int_equal(answer.tag, htobe64(pulse_own_tag(x, 0, &answer)));
	own.misdirected = 0;
	fix_own(x, &own);
	assert_false(answered_flags(x, 3) & HOKM_PULSE_MISDIRECTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(steered_packets_are_not_misdirected),
		HOKM_TEST(each_packet_of_a_client_counts),
		HOKM_TEST(answers_tell_the_owner),
	};

	return cmocka_run_group_tests_name("misdirected", tests, fix_open, fix_close);
}
