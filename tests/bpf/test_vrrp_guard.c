/* SPDX-License-Identifier: GPL-2.0-only */
/* The VRRP guard: which adverts reach the daemon, and that no other changes anything. */
#include <arpa/inet.h>
#include <string.h>

#include "fixture.h"

#define NODE(x, c) fix_count(x, HOKM_NODE_SLOT, HOKM_CTR_##c)
#define V2_LEN     20

static const struct eth_spec FROM_PEER0 = {.from = PEER0_MAC};
static const struct ip_spec DEFAULT_IP;

static void expect_stamped(struct fix *x, unsigned int slot, const uint8_t *mac)
{
	struct hokm_peer p = fix_peer(x, slot);

	assert_true(p.vrrp_ns && p.vrrp_ns <= fix_now());
	assert_memory_equal(p.vrrp_mac, mac, 6);
}

static void expect_guarded(struct fix *x, const struct frame *f, enum hokm_counter c)
{
	expect_drop_alone(x, f, c);
	assert_int_equal(NODE(x, vrrp_seen), 0);
}

static void adverts_of_peers_pass_and_are_stamped(void **state)
{
	struct fix *x = *state;
	struct eth_spec from_peer1 = {.from = PEER1_MAC, .tags = 1};
	struct ip_spec peer1 = {.src = PEER1_ADDR, .dst = OWN_ADDR, .options = 6};
	struct frame f;

	frame_vrrp(&f, &FROM_PEER0, &DEFAULT_IP, TEST_VRID, V2_LEN);
	expect_pass(x, &f);
	expect_stamped(x, 0, PEER0_MAC);
	assert_int_equal(fix_peer(x, 1).vrrp_ns, 0);
	frame_vrrp(&f, &from_peer1, &peer1, TEST_VRID, 8);
	expect_pass(x, &f);
	expect_stamped(x, 1, PEER1_MAC);
	assert_int_equal(NODE(x, vrrp_seen), 2);
}

static void advert_from_a_stranger_is_dropped(void **state)
{
	static const uint32_t strangers[] = {OTHER_ADDR, OWN_ADDR, VIP_ADDR, 0xffffffffu};
	struct fix *x = *state;
	struct frame f;

	for (unsigned int i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++) {
		struct ip_spec ip = {.src = strangers[i]};

		frame_vrrp(&f, &FROM_PEER0, &ip, TEST_VRID, V2_LEN);
		expect_guarded(x, &f, HOKM_CTR_drop_vrrp_source);
	}
}

static void advert_from_a_removed_peer_is_dropped(void **state)
{
	struct fix *x = *state;
	struct frame f;

	x->cfg.peer[0].used = 0;
	fix_cfg(x);
	frame_vrrp(&f, &FROM_PEER0, &DEFAULT_IP, TEST_VRID, V2_LEN);
	expect_guarded(x, &f, HOKM_CTR_drop_vrrp_source);
}

static void advert_that_was_routed_is_dropped(void **state)
{
	struct fix *x = *state;
	struct ip_spec ip = {.ttl = 254};
	struct frame f;

	frame_vrrp(&f, &FROM_PEER0, &ip, TEST_VRID, V2_LEN);
	expect_guarded(x, &f, HOKM_CTR_drop_vrrp_ttl);
}

static void advert_from_another_mac_than_the_pulses_is_dropped(void **state)
{
	struct fix *x = *state;
	struct eth_spec forged = {.from = OTHER_MAC};
	struct eth_spec other_peer = {.from = PEER1_MAC};
	struct frame f;

	frame_vrrp(&f, &forged, &DEFAULT_IP, TEST_VRID, V2_LEN);
	expect_guarded(x, &f, HOKM_CTR_drop_vrrp_mac);
	frame_vrrp(&f, &other_peer, &DEFAULT_IP, TEST_VRID, V2_LEN);
	expect_guarded(x, &f, HOKM_CTR_drop_vrrp_mac);
}

/* keepalived answers no pulses, and may use a virtual MAC address. */
static void any_mac_is_accepted_without_pulses(void **state)
{
	struct fix *x = *state;
	struct eth_spec other = {.from = OTHER_MAC};
	struct frame f;

	fix_peer_dead(x, 0);
	frame_vrrp(&f, &other, &DEFAULT_IP, TEST_VRID, V2_LEN);
	expect_pass(x, &f);
	expect_stamped(x, 0, OTHER_MAC);
}

static void short_advert_is_dropped(void **state)
{
	struct fix *x = *state;
	struct frame f;

	for (unsigned int len = 0; len < 8; len++) {
		frame_vrrp(&f, &FROM_PEER0, &DEFAULT_IP, TEST_VRID, len);
		expect_guarded(x, &f, HOKM_CTR_drop_vrrp_short);
	}
	frame_vrrp(&f, &FROM_PEER0, &DEFAULT_IP, TEST_VRID, V2_LEN);
	for (uint32_t len = f.l4; len < f.l4 + 8; len++) {
		struct frame cut = f;

		frame_cut(&cut, len);
		expect_guarded(x, &cut, HOKM_CTR_drop_vrrp_short);
	}
}

/* Padding is no part of the advert: the IP total length leaves 6 bytes. */
static void padding_does_not_lengthen_an_advert(void **state)
{
	struct fix *x = *state;
	struct ip_spec ip = {.cut = -14};
	struct frame f;

	frame_vrrp(&f, &FROM_PEER0, &ip, TEST_VRID, V2_LEN);
	expect_guarded(x, &f, HOKM_CTR_drop_vrrp_short);
}

static void fragmented_advert_is_dropped(void **state)
{
	static const uint16_t frags[] = {0x2000, 0x2001, 0x0001, 0x1fff};
	struct fix *x = *state;
	struct frame f;

	for (unsigned int i = 0; i < sizeof(frags) / sizeof(frags[0]); i++) {
		struct ip_spec ip = {.frag = frags[i]};

		frame_vrrp(&f, &FROM_PEER0, &ip, TEST_VRID, V2_LEN);
		expect_guarded(x, &f, HOKM_CTR_drop_vrrp_short);
	}
}

/* A later fragment has no VRID, so a byte that looks like another router's VRID means nothing. */
static void later_fragment_cannot_pose_as_another_router(void **state)
{
	struct fix *x = *state;
	struct ip_spec ip = {.frag = 0x0001};
	struct frame f;

	frame_vrrp(&f, &FROM_PEER0, &ip, TEST_VRID + 1, V2_LEN);
	expect_guarded(x, &f, HOKM_CTR_drop_vrrp_short);
}

static void other_routers_adverts_pass(void **state)
{
	struct fix *x = *state;
	struct ip_spec stranger = {.src = OTHER_ADDR, .ttl = 3};
	struct frame f;

	frame_vrrp(&f, &FROM_PEER0, &DEFAULT_IP, TEST_VRID + 1, V2_LEN);
	expect_pass(x, &f);
	frame_vrrp(&f, &FROM_PEER0, &stranger, TEST_VRID - 1, V2_LEN);
	expect_pass(x, &f);
	assert_int_equal(fix_count_all(x), 0);
	assert_int_equal(fix_peer(x, 0).vrrp_ns, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(adverts_of_peers_pass_and_are_stamped),
		HOKM_TEST(advert_from_a_stranger_is_dropped),
		HOKM_TEST(advert_from_a_removed_peer_is_dropped),
		HOKM_TEST(advert_that_was_routed_is_dropped),
		HOKM_TEST(advert_from_another_mac_than_the_pulses_is_dropped),
		HOKM_TEST(any_mac_is_accepted_without_pulses),
		HOKM_TEST(short_advert_is_dropped),
		HOKM_TEST(padding_does_not_lengthen_an_advert),
		HOKM_TEST(fragmented_advert_is_dropped),
		HOKM_TEST(later_fragment_cannot_pose_as_another_router),
		HOKM_TEST(other_routers_adverts_pass),
	};

	return cmocka_run_group_tests_name("vrrp_guard", tests, fix_open, fix_close);
}
