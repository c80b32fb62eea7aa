/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Genuine pulses in the wrong place: reflected to their sender, presented as another node's,
 * relayed under another MAC address, held back. An attacker between the nodes needs no key for any
 * of them. Each is dropped by its reason, and nothing that is known of a peer changes.
 */
#include "pulse_spec.h"

#define XDP_VERDICT_TX 3

#define PEER_NONCE 0xabcdefull

/* A pulse of this node to the peer of this slot, as an attacker can read it on the wire. */
static struct hokm_pulse own_pulse(const struct fix *x, unsigned int slot, unsigned int kind)
{
	struct hokm_pulse p = pulse_answer_of(x, slot, fix_now());

	p.kind = (uint8_t)kind;
	memcpy(p.mac, OWN_MAC, sizeof(p.mac));
	p.tag = htobe64(pulse_own_tag(x, slot, &p));
	return p;
}

static void expect_refused(struct fix *x, unsigned int slot, const struct hokm_pulse *p,
			   enum hokm_counter c)
{
	struct frame f;

	pulse_frame_of(&f, slot, p);
	expect_drop_alone(x, &f, c);
}

/* The same with the attacker's choice of MAC: that of the field, so that only the tag is left. */
static void expect_tag_refused(struct fix *x, unsigned int slot, const struct hokm_pulse *p)
{
	const struct eth_spec eth = {.from = p->mac};
	const struct ip_spec ip = {.src = pulse_peer_addr(slot), .ttl = 255};
	struct frame f;

	expect_refused(x, slot, p, HOKM_CTR_drop_pulse_tag);
	frame_udp(&f, &eth, &ip, PULSE_PORT, p, sizeof(*p));
	expect_drop_alone(x, &f, HOKM_CTR_drop_pulse_tag);
}

/* ---- reflected ---- */

static void own_probe_is_not_answered(void **state)
{
	struct fix *x = *state;

	for (unsigned int slot = 0; slot < 2; slot++) {
		struct hokm_pulse p = own_pulse(x, slot, HOKM_PULSE_PROBE);

		expect_tag_refused(x, slot, &p);
		expect_tag_refused(x, !slot, &p);
	}
	assert_int_equal(fix_count(x, HOKM_NODE_SLOT, HOKM_CTR_pulse_probes), 0);
}

static void own_answer_is_not_taken_for_a_peers(void **state)
{
	struct fix *x = *state;

	for (unsigned int slot = 0; slot < 2; slot++) {
		struct hokm_pulse p = own_pulse(x, slot, HOKM_PULSE_ANSWER);

		expect_tag_refused(x, slot, &p);
		expect_tag_refused(x, !slot, &p);
	}
	assert_int_equal(fix_count(x, HOKM_NODE_SLOT, HOKM_CTR_pulse_answers), 0);
}

/*
 * In two steps: the node's own probe goes back to it as the peer's. What it answers, if it does,
 * goes back to it again as the peer's answer. It must not believe what it says of itself.
 */
static void two_reflections_make_no_peer_alive(void **state)
{
	struct fix *x = *state;
	struct hokm_pulse p = own_pulse(x, 0, HOKM_PULSE_PROBE), got;
	struct hokm_peer before, after;
	struct frame f;

	fix_peer_dead(x, 0);
	before = fix_peer(x, 0);
	p.nonce = htobe64(TEST_NONCE);
	p.tag = htobe64(pulse_own_tag(x, 0, &p));
	pulse_frame_of(&f, 0, &p);
	fix_ingress(x, &f);
	got = x->verdict == XDP_VERDICT_TX ? pulse_out(x) : own_pulse(x, 0, HOKM_PULSE_ANSWER);
	pulse_frame_of(&f, 0, &got);
	fix_ingress(x, &f);
	after = fix_peer(x, 0);
	after.wrong_tag_ns = before.wrong_tag_ns;
	assert_memory_equal(&after, &before, sizeof(after));
	assert_int_equal(fix_count(x, HOKM_NODE_SLOT, HOKM_CTR_pulse_answers), 0);
}

/* A probe that became an answer by its kind alone, and an answer that became a probe. */
static void kinds_are_not_exchanged(void **state)
{
	struct fix *x = *state;
	struct hokm_pulse p = pulse_probe_of(x, 0, TEST_NONCE, fix_now());

	p.kind = HOKM_PULSE_ANSWER;
	expect_refused(x, 0, &p, HOKM_CTR_drop_pulse_tag);
	p = pulse_answer_of(x, 0, fix_now());
	p.kind = HOKM_PULSE_PROBE;
	expect_refused(x, 0, &p, HOKM_CTR_drop_pulse_tag);
}

/* ---- three nodes ---- */

static void one_peers_pulse_is_not_taken_for_anothers(void **state)
{
	struct fix *x = *state;

	for (unsigned int slot = 0; slot < 2; slot++) {
		struct hokm_pulse p = pulse_answer_of(x, slot, fix_now());

		expect_tag_refused(x, !slot, &p);
		p = pulse_probe_of(x, slot, PEER_NONCE, 1);
		expect_tag_refused(x, !slot, &p);
	}
}

/* What one peer signs for the other is not for this node, under either peer's address. */
static void pulse_between_two_peers_is_not_taken(void **state)
{
	struct fix *x = *state;
	const __u64 other[2] = {0x1234, 0x5678};
	struct hokm_pulse p = pulse_answer_of(x, 0, fix_now());

	p.tag = htobe64(hokm_pulse_tag(&p, htonl(PEER0_ADDR), htonl(PEER1_ADDR), other));
	expect_tag_refused(x, 0, &p);
	expect_tag_refused(x, 1, &p);
}

/* The addresses are under the tag, whatever the keys are. */
static void address_is_under_the_tag(void **state)
{
	struct fix *x = *state;
	struct hokm_pulse p = pulse_answer_of(x, 0, fix_now());

	p.tag = htobe64(hokm_pulse_tag(&p, htonl(PEER1_ADDR), htonl(OWN_ADDR), x->keys.from[0][0]));
	expect_refused(x, 0, &p, HOKM_CTR_drop_pulse_tag);
	p.tag = htobe64(
		hokm_pulse_tag(&p, htonl(PEER0_ADDR), htonl(OTHER_ADDR), x->keys.from[0][0]));
	expect_refused(x, 0, &p, HOKM_CTR_drop_pulse_tag);
}

/* ---- relayed ---- */

/* Taken for the peer's MAC, the relay's would get the players. */
static void relayed_pulse_is_refused(void **state)
{
	struct fix *x = *state;
	const struct eth_spec relay = {.from = OTHER_MAC}, other = {.from = PEER1_MAC};
	const struct ip_spec ip = {.src = PEER0_ADDR, .ttl = 255};
	struct hokm_pulse p[2] = {pulse_answer_of(x, 0, fix_now()),
				  pulse_probe_of(x, 0, PEER_NONCE, 1)};
	struct frame f;

	for (unsigned int i = 0; i < 2; i++) {
		frame_udp(&f, &relay, &ip, PULSE_PORT, &p[i], sizeof(p[i]));
		expect_drop_alone(x, &f, HOKM_CTR_drop_pulse_mac);
		frame_udp(&f, &other, &ip, PULSE_PORT, &p[i], sizeof(p[i]));
		expect_drop_alone(x, &f, HOKM_CTR_drop_pulse_mac);
		memcpy(p[i].mac, OTHER_MAC, sizeof(p[i].mac));
		frame_udp(&f, &relay, &ip, PULSE_PORT, &p[i], sizeof(p[i]));
		expect_drop_alone(x, &f, HOKM_CTR_drop_pulse_tag);
	}
}

/* A peer whose interface got another MAC signs it: it is followed at the first answer. */
static void new_mac_of_a_peer_is_followed(void **state)
{
	struct fix *x = *state;
	const struct eth_spec eth = {.from = OTHER_MAC};
	const struct ip_spec ip = {.src = PEER0_ADDR, .ttl = 255};
	struct hokm_pulse p = pulse_answer_of(x, 0, fix_now());
	struct frame f;

	memcpy(p.mac, OTHER_MAC, sizeof(p.mac));
	pulse_sign(x, 0, &p);
	frame_udp(&f, &eth, &ip, PULSE_PORT, &p, sizeof(p));
	fix_ingress(x, &f);
	assert_int_equal(fix_count_drops(x), 0);
	assert_memory_equal(fix_peer(x, 0).mac, OTHER_MAC, 6);
}

/* ---- held back ---- */

static void late_answer_is_refused(void **state)
{
	struct fix *x = *state;
	struct hokm_pulse p;

	fix_peer_dead(x, 0);
	p = pulse_answer_of(x, 0, fix_now() - LIMIT_NS);
	expect_refused(x, 0, &p, HOKM_CTR_drop_pulse_late);
	p = pulse_answer_of(x, 0, fix_now() - 10 * LIMIT_NS);
	expect_refused(x, 0, &p, HOKM_CTR_drop_pulse_late);
	p = pulse_answer_of(x, 0, 0);
	expect_refused(x, 0, &p, HOKM_CTR_drop_pulse_replay);
}

static void answer_within_the_limit_counts(void **state)
{
	struct fix *x = *state;
	struct hokm_pulse p;
	struct frame f;

	x->cfg.peer_dead_ns = LONG_NS;
	fix_cfg(x);
	p = pulse_answer_of(x, 0, fix_now() - 3 * LIMIT_NS);
	pulse_frame_of(&f, 0, &p);
	fix_ingress(x, &f);
	assert_int_equal(fix_count_drops(x), 0);
	assert_int_equal(fix_count(x, HOKM_NODE_SLOT, HOKM_CTR_pulse_answers), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(own_probe_is_not_answered),
		HOKM_TEST(own_answer_is_not_taken_for_a_peers),
		HOKM_TEST(two_reflections_make_no_peer_alive),
		HOKM_TEST(kinds_are_not_exchanged),
		HOKM_TEST(one_peers_pulse_is_not_taken_for_anothers),
		HOKM_TEST(pulse_between_two_peers_is_not_taken),
		HOKM_TEST(address_is_under_the_tag),
		HOKM_TEST(relayed_pulse_is_refused),
		HOKM_TEST(new_mac_of_a_peer_is_followed),
		HOKM_TEST(late_answer_is_refused),
		HOKM_TEST(answer_within_the_limit_counts),
	};

	return cmocka_run_group_tests_name("pulse forged", tests, fix_open, fix_close);
}
