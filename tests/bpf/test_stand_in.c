/* SPDX-License-Identifier: GPL-2.0-only */
/* The gateway as third member: for what its ARP answer counts (arp_gate.h, struct hokm_gateway). */
#include <arpa/inet.h>
#include <string.h>

#include "fixture.h"
#include "grant_spec.h"

#define GATEWAY_SLOT 7
#define GATEWAY_ADDR CLIENT_ADDR
#define REQUEST      1
#define REPLY        2

static const struct eth_spec FROM_OTHER = {.from = OTHER_MAC};

static uint64_t mac_word(const uint8_t mac[6])
{
	uint64_t word = 0;

	memcpy(&word, mac, 6);
	return word;
}

/* This node wishes to own, has promised itself, and has asked the gateway just now. */
static struct hokm_grants asking(enum hokm_stand_in counts)
{
	struct hokm_grants g = grants_claimant(2);

	g.gateway = (struct hokm_gateway){
		.addr = htonl(GATEWAY_ADDR),
		.mac = mac_word(OTHER_MAC),
		.stand_in = (uint8_t)counts,
		.member = GATEWAY_SLOT,
		.asked_ns = fix_now(),
		.used_ns = LENGTH_NS / 2};
	return g;
}

/* The gateway answers. Until when does this node own by grants? */
static uint64_t end_after_answer(struct fix *x, const struct hokm_grants *g)
{
	struct hokm_grants after;
	struct frame f;

	grants_put(x, g);
	frame_arp(&f, &FROM_OTHER, REPLY, GATEWAY_ADDR, OWN_ADDR);
	expect_pass(x, &f);
	after = grants_get(x);
	assert_int_equal(after.gateway.asked_ns, 0);
	assert_true(after.gateway.answered_ns);
	return hokm_grants_end_ns(&after);
}

static uint64_t counted(const struct hokm_grants *g)
{
	return (g->gateway.asked_ns + g->gateway.used_ns) / 1000 * 1000;
}

static void an_answer_makes_the_grants_of_an_owner_longer(void **state)
{
	struct fix *x = *state;
	struct hokm_grants g = asking(HOKM_STAND_IN_RENEWS);

	g.end = hokm_grant_end_word(EPOCH, fix_now() + LENGTH_NS / 4);
	assert_int_equal(end_after_answer(x, &g), counted(&g));
}

/* It was paused: the peer may own by now. */
static void an_answer_gives_back_no_grants_that_have_ended(void **state)
{
	struct fix *x = *state;
	struct hokm_grants g = asking(HOKM_STAND_IN_RENEWS);

	g.end = hokm_grant_end_word(EPOCH, fix_now() - 1000000);
	assert_true(end_after_answer(x, &g) < fix_now());
}

static void an_answer_counts_for_a_claim_while_the_peer_is_silent(void **state)
{
	struct fix *x = *state;
	struct hokm_grants g = asking(HOKM_STAND_IN_CLAIMS);
	struct hokm_peer p = fix_peer(x, 0);

	g.gateway.silent_ns = p.alive_ns;
	assert_int_equal(end_after_answer(x, &g), counted(&g));
	/* A sign of it came since the daemon decided. */
	p.alive_ns++;
	fix_peer_set(x, 0, &p);
	assert_int_equal(end_after_answer(x, &g), 0);
}

static void an_answer_counts_for_nothing_else(void **state)
{
	struct fix *x = *state;
	struct hokm_grants g = asking(HOKM_STAND_IN_NOTHING);

	assert_int_equal(end_after_answer(x, &g), 0);
	/* A node that does not wish to own gets nothing. */
	g = asking(HOKM_STAND_IN_CLAIMS);
	g.gateway.silent_ns = UINT64_MAX;
	g.wish = HOKM_WISH_RELEASE;
	assert_int_equal(end_after_answer(x, &g), 0);
	/* No question is open. */
	g = asking(HOKM_STAND_IN_CLAIMS);
	g.gateway.silent_ns = UINT64_MAX;
	g.gateway.asked_ns = 0;
	assert_int_equal(end_after_answer(x, &g), 0);
	/* This node has promised itself to another one. */
	g = asking(HOKM_STAND_IN_CLAIMS);
	g.gateway.silent_ns = UINT64_MAX;
	g.own.word = hokm_grant_word(HOKM_GRANT_PEER(0), fix_now() + LENGTH_NS);
	assert_int_equal(end_after_answer(x, &g), 0);
}

/* From another MAC address, or to another node: see test_arp.c too. */
static void what_is_no_answer_counts_for_nothing(void **state)
{
	struct fix *x = *state;
	struct hokm_grants g = asking(HOKM_STAND_IN_CLAIMS), after;
	struct frame f;

	g.gateway.silent_ns = UINT64_MAX;
	g.gateway.mac = mac_word(PEER0_MAC);
	grants_put(x, &g);
	frame_arp(&f, &FROM_OTHER, REPLY, GATEWAY_ADDR, OWN_ADDR);
	expect_pass(x, &f);
	after = grants_get(x);
	assert_int_equal(hokm_grants_end_ns(&after), 0);
	assert_int_equal(after.gateway.asked_ns, g.gateway.asked_ns);
	g.gateway.mac = mac_word(OTHER_MAC);
	grants_put(x, &g);
	frame_arp(&f, &FROM_OTHER, REQUEST, GATEWAY_ADDR, OWN_ADDR);
	expect_pass(x, &f);
	after = grants_get(x);
	assert_int_equal(hokm_grants_end_ns(&after), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(an_answer_makes_the_grants_of_an_owner_longer),
		HOKM_TEST(an_answer_gives_back_no_grants_that_have_ended),
		HOKM_TEST(an_answer_counts_for_a_claim_while_the_peer_is_silent),
		HOKM_TEST(an_answer_counts_for_nothing_else),
		HOKM_TEST(what_is_no_answer_counts_for_nothing),
	};

	return cmocka_run_group_tests_name("stand_in", tests, fix_open, fix_close);
}
