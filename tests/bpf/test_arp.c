/* SPDX-License-Identifier: GPL-2.0-only */
/* ARP in both directions: only the owner of a VIP answers requests for it or claims it. */
#include <arpa/inet.h>
#include <string.h>

#include "fixture.h"
#include "grant_spec.h"

#define REQUEST 1
#define REPLY   2

#define TC_OK   EGRESS_PASS
#define TC_SHOT 2

#define NODE(x, c) fix_count(x, HOKM_NODE_SLOT, HOKM_CTR_##c)

static const struct eth_spec PLAIN, FROM_PEER = {.from = PEER0_MAC}, FROM_OWN = {.from = OWN_MAC},
				    FROM_OTHER = {.from = OTHER_MAC};

static void request_to_the_owner_passes(void **state)
{
	struct fix *x = *state;
	struct frame f;

	frame_arp(&f, &PLAIN, REQUEST, CLIENT_ADDR, VIP_ADDR);
	expect_pass(x, &f);
	assert_int_equal(NODE(x, arp_answered), 1);
}

static void request_to_another_is_dropped(void **state)
{
	struct fix *x = *state;
	struct hokm_event ev;
	struct frame f;

	fix_owner(x, false);
	for (unsigned int tags = 0; tags <= 2; tags++) {
		struct eth_spec eth = {.tags = tags};

		frame_arp(&f, &eth, REQUEST, CLIENT_ADDR, VIP_ADDR);
		expect_drop(x, &f, HOKM_NODE_SLOT, HOKM_CTR_drop_arp_gate);
	}
	assert_int_equal(NODE(x, arp_answered), 0);
	assert_int_equal(fix_events(x, HOKM_EV_DROP, &ev), 3);
	assert_int_equal(ev.counter, HOKM_CTR_drop_arp_gate);
	assert_int_equal(ev.service, HOKM_NODE_SLOT);
	assert_int_equal(ev.client.w[3], htonl(CLIENT_ADDR));
}

/* A lease that is not renewed ends by itself; nothing is written. */
static void gate_shuts_when_the_lease_ends(void **state)
{
	struct fix *x = *state;
	struct hokm_own own = {.lease_until_ns = fix_now() + LIMIT_NS, .state = HOKM_VRRP_MASTER};
	uint64_t answered;
	struct frame f;

	frame_arp(&f, &PLAIN, REQUEST, CLIENT_ADDR, VIP_ADDR);
	fix_own(x, &own);
	while (fix_now() < own.lease_until_ns)
		fix_ingress(x, &f);
	answered = NODE(x, arp_answered);
	expect_drop(x, &f, HOKM_NODE_SLOT, HOKM_CTR_drop_arp_gate);
	assert_int_equal(NODE(x, arp_answered), answered);
}

static void every_vip_is_gated(void **state)
{
	struct fix *x = *state;
	struct frame f;

	x->cfg.n_vips = HOKM_MAX_VIPS;
	for (uint32_t i = 0; i < HOKM_MAX_VIPS; i++) {
		x->cfg.vip[i] = x->cfg.vip[0];
		x->cfg.vip[i].w[3] = htonl(VIP_ADDR + 100 + i);
	}
	fix_cfg(x);
	fix_owner(x, false);
	for (uint32_t i = 0; i < HOKM_MAX_VIPS; i++) {
		frame_arp(&f, &PLAIN, REQUEST, CLIENT_ADDR, VIP_ADDR + 100 + i);
		expect_drop(x, &f, HOKM_NODE_SLOT, HOKM_CTR_drop_arp_gate);
	}
	x->cfg.n_vips = 1;
	fix_cfg(x);
	expect_pass(x, &f);
}

static void other_arp_is_left_alone(void **state)
{
	struct fix *x = *state;
	struct frame f;

	fix_owner(x, false);
	frame_arp(&f, &PLAIN, REQUEST, CLIENT_ADDR, OWN_ADDR);
	expect_pass(x, &f);
	frame_arp(&f, &FROM_PEER, REPLY, VIP_ADDR, OWN_ADDR);
	expect_pass(x, &f);
	frame_arp(&f, &PLAIN, REPLY, CLIENT_ADDR, VIP_ADDR);
	expect_pass(x, &f);
	frame_arp(&f, &PLAIN, REQUEST, CLIENT_ADDR, VIP_ADDR);
	f.b[f.l3 + 2] = 0x86; /* not for IPv4 */
	expect_pass(x, &f);
	assert_int_equal(NODE(x, arp_seen), 3);
	assert_int_equal(fix_count_all(x), 3);
}

/* It would prove to a node on an island that other hosts are there. */
static void own_arp_that_comes_back_is_not_counted_as_seen(void **state)
{
	static const struct eth_spec own = {.from = OWN_MAC};
	struct fix *x = *state;
	struct frame f;

	frame_arp(&f, &own, REQUEST, OWN_ADDR, OTHER_ADDR);
	expect_pass(x, &f);
	frame_arp(&f, &own, REQUEST, VIP_ADDR, VIP_ADDR);
	fix_ingress(x, &f);
	assert_int_equal(NODE(x, arp_seen), 0);
	fix_owner(x, false);
	frame_arp(&f, &PLAIN, REQUEST, CLIENT_ADDR, VIP_ADDR);
	expect_drop(x, &f, HOKM_NODE_SLOT, HOKM_CTR_drop_arp_gate);
	assert_int_equal(NODE(x, arp_seen), 1);
}

/* The hardware type of IEEE 802: Linux answers it as it answers that of Ethernet. */
static void hardware_type_does_not_open_the_gate(void **state)
{
	struct fix *x = *state;
	struct frame f;

	fix_owner(x, false);
	frame_arp(&f, &PLAIN, REQUEST, CLIENT_ADDR, VIP_ADDR);
	f.b[f.l3 + 1] = 6;
	expect_drop(x, &f, HOKM_NODE_SLOT, HOKM_CTR_drop_arp_gate);
}

static void malformed_arp_is_counted_and_passes(void **state)
{
	struct fix *x = *state;
	struct frame f;

	fix_owner(x, false);
	frame_arp(&f, &PLAIN, REQUEST, CLIENT_ADDR, VIP_ADDR);
	for (uint32_t len = f.l3; len < f.l3 + 28; len++) {
		struct frame cut = f;

		frame_cut(&cut, len);
		expect_pass(x, &cut);
	}
	assert_int_equal(NODE(x, bad_arp), 28);
	f.b[f.l3 + 4] = 8;
	expect_pass(x, &f);
	f.b[f.l3 + 4] = 6;
	f.b[f.l3 + 5] = 16;
	expect_pass(x, &f);
	assert_int_equal(NODE(x, bad_arp), 30);
	assert_int_equal(fix_count_all(x), 30);
}

static void expect_claim(struct fix *x, unsigned int n, const uint8_t *mac, unsigned int vip)
{
	struct hokm_event ev;
	uint8_t its[6];

	assert_int_equal(NODE(x, arp_foreign), n);
	assert_int_equal(fix_events(x, HOKM_EV_VIP_CLAIM, &ev), n);
	hokm_event_mac(&ev, its);
	assert_memory_equal(its, mac, 6);
	assert_int_equal(ev.target, vip);
	assert_int_equal(ev.service, HOKM_NODE_SLOT);
}

static void a_vip_on_a_foreign_host_is_counted(void **state)
{
	struct fix *x = *state;
	struct frame f;

	x->cfg.n_vips = 2;
	x->cfg.vip[1] = x->cfg.vip[0];
	x->cfg.vip[1].w[3] = htonl(VIP_ADDR + 1);
	fix_cfg(x);
	frame_arp(&f, &FROM_OTHER, REPLY, VIP_ADDR, CLIENT_ADDR);
	expect_pass(x, &f);
	expect_claim(x, 1, OTHER_MAC, 0);
	frame_arp(&f, &PLAIN, REQUEST, VIP_ADDR + 1, VIP_ADDR + 1);
	expect_pass(x, &f);
	expect_claim(x, 2, CLIENT_MAC, 1);
	/* The gate works as before, and a claim that it drops is counted as a claim too. */
	fix_owner(x, false);
	fix_ingress(x, &f);
	assert_int_equal(NODE(x, drop_arp_gate), 1);
	expect_claim(x, 3, CLIENT_MAC, 1);
}

static void the_nodes_claim_rightly(void **state)
{
	struct hokm_peer keepalived = {0};
	struct fix *x = *state;
	struct frame f;

	frame_arp(&f, &FROM_PEER, REQUEST, VIP_ADDR, VIP_ADDR);
	fix_ingress(x, &f);
	frame_arp(&f, &FROM_OWN, REQUEST, VIP_ADDR, VIP_ADDR);
	fix_ingress(x, &f);
	memcpy(keepalived.vrrp_mac, OTHER_MAC, 6);
	fix_peer_set(x, 1, &keepalived);
	frame_arp(&f, &FROM_OTHER, REPLY, VIP_ADDR, CLIENT_ADDR);
	fix_ingress(x, &f);
	assert_int_equal(NODE(x, arp_foreign), 0);
	assert_int_equal(fix_events(x, HOKM_EV_VIP_CLAIM, NULL), 0);
	/* A host that asks whether the address is free (RFC 5227) claims nothing yet. */
	frame_arp(&f, &PLAIN, REQUEST, 0, VIP_ADDR);
	fix_ingress(x, &f);
	assert_int_equal(NODE(x, arp_foreign), 0);
}

static void expect_egress(struct fix *x, const struct frame *f, int verdict)
{
	uint64_t claims = NODE(x, drop_arp_claim);

	fix_egress(x, f);
	assert_int_equal(x->verdict, verdict);
	assert_int_equal(NODE(x, drop_arp_claim), claims + (verdict == TC_SHOT));
	assert_int_equal(fix_count_drops(x), claims + (verdict == TC_SHOT));
}

static void claims_leave_the_owner_only(void **state)
{
	static const uint16_t ops[] = {REQUEST, REPLY};
	struct fix *x = *state;
	struct hokm_event ev;
	struct frame f;

	for (int i = 0; i < 2; i++) {
		frame_arp(&f, &PLAIN, ops[i], VIP_ADDR, CLIENT_ADDR);
		fix_owner(x, true);
		expect_egress(x, &f, TC_OK);
		fix_owner(x, false);
		expect_egress(x, &f, TC_SHOT);
	}
	frame_arp(&f, &(struct eth_spec){.tags = 1}, REQUEST, VIP_ADDR, VIP_ADDR); /* gratuitous */
	expect_egress(x, &f, TC_SHOT);
	assert_int_equal(fix_events(x, HOKM_EV_DROP, &ev), 3);
	assert_int_equal(ev.counter, HOKM_CTR_drop_arp_claim);
}

static void own_arp_leaves_always(void **state)
{
	struct fix *x = *state;
	struct frame f;

	fix_owner(x, false);
	frame_arp(&f, &PLAIN, REQUEST, OWN_ADDR, CLIENT_ADDR);
	expect_egress(x, &f, TC_OK);
	frame_arp(&f, &PLAIN, REQUEST, OWN_ADDR, VIP_ADDR);
	expect_egress(x, &f, TC_OK);
	frame_arp(&f, &PLAIN, REQUEST, VIP_ADDR, CLIENT_ADDR);
	frame_cut(&f, f.l3 + 20);
	expect_egress(x, &f, TC_OK);
}

/* ---- the gateway as arbiter ---- */

#define GATEWAY_ADDR CLIENT_ADDR

static uint64_t mac_word(const uint8_t mac[6])
{
	uint64_t word = 0;

	memcpy(&word, mac, 6);
	return word;
}

static struct hokm_gateway after_arp(struct fix *x, const struct eth_spec *from, uint16_t op,
				     uint32_t sender, uint32_t target, uint64_t mac)
{
	struct hokm_grants g = {.gateway = {.addr = htonl(GATEWAY_ADDR), .mac = mac}};
	struct frame f;

	grants_put(x, &g);
	frame_arp(&f, from, op, sender, target);
	expect_pass(x, &f);
	return grants_get(x).gateway;
}

static void the_gateway_answers_with_its_addresses_only(void **state)
{
	const uint64_t its = mac_word(OTHER_MAC);
	struct fix *x = *state;
	uint64_t before_ns = fix_now();
	struct hokm_gateway g;

	g = after_arp(x, &FROM_OTHER, REPLY, GATEWAY_ADDR, OWN_ADDR, its);
	assert_true(g.answered_ns >= before_ns && g.answered_ns <= fix_now() && !g.other_ns);
	/* Not to this node, no answer, of another address. */
	g = after_arp(x, &FROM_OTHER, REPLY, GATEWAY_ADDR, VIP_ADDR, its);
	assert_true(!g.answered_ns && !g.other_ns);
	g = after_arp(x, &FROM_OTHER, REQUEST, GATEWAY_ADDR, OWN_ADDR, its);
	assert_true(!g.answered_ns && !g.other_ns);
	g = after_arp(x, &FROM_OTHER, REPLY, OTHER_ADDR, OWN_ADDR, its);
	assert_true(!g.answered_ns && !g.other_ns);
}

/* A forged answer hides none of the gateway. Before the first answer each MAC is another one. */
static void another_mac_address_is_noted_apart(void **state)
{
	struct fix *x = *state;
	struct hokm_gateway g;

	g = after_arp(x, &FROM_OTHER, REPLY, GATEWAY_ADDR, OWN_ADDR, mac_word(PEER0_MAC));
	assert_true(!g.answered_ns && g.other_ns && g.other_mac == mac_word(OTHER_MAC));
	g = after_arp(x, &FROM_OTHER, REPLY, GATEWAY_ADDR, OWN_ADDR, 0);
	assert_true(!g.answered_ns && g.other_ns && g.other_mac == mac_word(OTHER_MAC));
}

static void where_the_gateway_is_no_arbiter_nothing_is_noted(void **state)
{
	struct fix *x = *state;
	struct hokm_grants none = {0}, after;
	struct frame f;

	grants_put(x, &none);
	frame_arp(&f, &FROM_OTHER, REPLY, 0, OWN_ADDR);
	expect_pass(x, &f);
	after = grants_get(x);
	assert_memory_equal(&after.gateway, &none.gateway, sizeof(none.gateway));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(request_to_the_owner_passes),
		HOKM_TEST(request_to_another_is_dropped),
		HOKM_TEST(gate_shuts_when_the_lease_ends),
		HOKM_TEST(every_vip_is_gated),
		HOKM_TEST(other_arp_is_left_alone),
		HOKM_TEST(own_arp_that_comes_back_is_not_counted_as_seen),
		HOKM_TEST(hardware_type_does_not_open_the_gate),
		HOKM_TEST(malformed_arp_is_counted_and_passes),
		HOKM_TEST(a_vip_on_a_foreign_host_is_counted),
		HOKM_TEST(the_nodes_claim_rightly),
		HOKM_TEST(claims_leave_the_owner_only),
		HOKM_TEST(own_arp_leaves_always),
		HOKM_TEST(the_gateway_answers_with_its_addresses_only),
		HOKM_TEST(another_mac_address_is_noted_apart),
		HOKM_TEST(where_the_gateway_is_no_arbiter_nothing_is_noted),
	};

	return cmocka_run_group_tests_name("arp", tests, fix_open, fix_close);
}
