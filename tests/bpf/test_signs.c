/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Signs of life that are no signed message: an advert, a replication message, ARP. Each of them
 * keeps the players of a peer whose pulses are silent, if it comes from the peer's address and MAC.
 * Before the first pulse the MAC is not known, and the daemon's word must do: it verifies messages.
 * Those of pulses are in test_pulse.c.
 */
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <string.h>

#include "fixture.h"

#define COUNT(x, c) fix_count(x, 0, HOKM_CTR_##c)
#define DATA        SEG(.flags = ACK | PSH, .seq = 1001, .ack = 5001, .payload = 10)

enum sign { ADVERT, REPLICATION, ARP_REQUEST, ARP_REPLY, SIGNS };

static const char *const sign_names[SIGNS] = {"advert", "replication", "ARP request", "ARP reply"};

static void sign_frame(struct frame *f, enum sign sign, const uint8_t *mac, uint32_t addr)
{
	const struct eth_spec eth = {.from = mac};
	const struct ip_spec ip = {.src = addr, .ttl = 255};
	uint8_t payload[HOKM_REPL_MIN] = {0};

	switch (sign) {
	case ADVERT:
		frame_vrrp(f, &eth, &ip, TEST_VRID, 20);
		break;
	case REPLICATION:
		frame_udp(f, &eth, &ip, REPL_PORT, payload, sizeof(payload));
		break;
	default:
		frame_arp(f, &eth, sign == ARP_REPLY ? 2 : 1, addr, OWN_ADDR);
	}
}

/* A player on peer 0, which is dead by all that is known. */
static void player_of_a_dead_peer(struct fix *x)
{
	struct hokm_conn c = conn_known(0);

	x->cfg.repl_port = htons(REPL_PORT);
	fix_cfg(x);
	fix_peer_dead(x, 0);
	fix_conn_put(x, &c);
}

static void each_sign_keeps_the_players(void **state)
{
	struct fix *x = *state;
	struct frame f;

	for (enum sign sign = ADVERT; sign < SIGNS; sign++) {
		fix_reset(state);
		player_of_a_dead_peer(x);
		sign_frame(&f, sign, PEER0_MAC, PEER0_ADDR);
		expect_pass(x, &f);
		fix_in(x, DATA);
		if (COUNT(x, answered_dead) || memcmp(x->out.b, PEER0_MAC, 6) != 0)
			fail_msg("%s: the player was notified", sign_names[sign]);
		assert_int_equal(COUNT(x, steered_conn), 1);
	}
}

static void expect_no_sign(struct fix *x, enum sign sign, const uint8_t *mac, uint32_t addr)
{
	struct frame f;

	player_of_a_dead_peer(x);
	sign_frame(&f, sign, mac, addr);
	fix_ingress(x, &f);
	fix_in(x, DATA);
	if (COUNT(x, answered_dead) != 1)
		fail_msg("%s: counted as a sign of the peer", sign_names[sign]);
}

static void others_are_no_sign(void **state)
{
	for (enum sign sign = ADVERT; sign < SIGNS; sign++) {
		fix_reset(state);
		expect_no_sign(*state, sign, OTHER_MAC, PEER0_ADDR);
		fix_reset(state);
		expect_no_sign(*state, sign, PEER0_MAC, OTHER_ADDR);
		fix_reset(state);
		expect_no_sign(*state, sign, PEER1_MAC, PEER1_ADDR);
		/* Its gratuitous ARP names the VIP: another node may have sent it in its name. */
		fix_reset(state);
		expect_no_sign(*state, sign, PEER0_MAC, VIP_ADDR);
	}
}

/* A guard that drops a message does not take it for a sign. */
static void what_is_dropped_is_no_sign(void **state)
{
	const struct eth_spec eth = {.from = PEER0_MAC};
	const struct ip_spec far_away = {.src = PEER0_ADDR, .ttl = 254};
	uint8_t payload[HOKM_REPL_MIN] = {0};
	struct fix *x = *state;
	struct frame f;

	player_of_a_dead_peer(x);
	frame_vrrp(&f, &eth, &far_away, TEST_VRID, 20);
	expect_drop(x, &f, HOKM_NODE_SLOT, HOKM_CTR_drop_vrrp_ttl);
	frame_udp(&f, &eth, &far_away, REPL_PORT, payload, sizeof(payload));
	expect_drop(x, &f, HOKM_NODE_SLOT, HOKM_CTR_drop_repl_ttl);
	frame_arp(&f, &eth, 1, PEER0_ADDR, OWN_ADDR);
	f.b[f.l3 + 4] = 8; /* malformed */
	expect_pass(x, &f);
	fix_in(x, DATA);
	assert_int_equal(COUNT(x, answered_dead), 1);
}

/* A player on peer 0, which never answered a pulse, so that its MAC address is not known. */
static void player_of_a_peer_without_pulses(struct fix *x, uint64_t alive_ns)
{
	struct hokm_peer peer = {.alive_ns = alive_ns};

	player_of_a_dead_peer(x);
	fix_peer_set(x, 0, &peer);
}

/* Its packet is dropped, so that TCP repeats it. */
static void expect_unbroken(struct fix *x, const char *what)
{
	fix_in(x, DATA);
	if (x->verdict != XDP_DROP || COUNT(x, answered_dead) || !COUNT(x, drop_steer_fault))
		fail_msg("%s: the player was notified", what);
}

static void before_the_first_pulse_no_player_of_a_living_peer_is_reset(void **state)
{
	struct fix *x = *state;
	struct frame f;

	for (enum sign sign = ADVERT; sign < SIGNS; sign++) {
		fix_reset(state);
		player_of_a_peer_without_pulses(x, fix_now() - 10 * LIMIT_NS);
		sign_frame(&f, sign, PEER0_MAC, PEER0_ADDR);
		expect_pass(x, &f);
		expect_unbroken(x, sign_names[sign]);
	}
	fix_reset(state);
	player_of_a_peer_without_pulses(x, fix_now() - 10 * LIMIT_NS);
	sign_frame(&f, ARP_REPLY, PEER0_MAC, PEER1_ADDR);
	fix_ingress(x, &f);
	fix_in(x, DATA);
	assert_int_equal(COUNT(x, answered_dead), 1);
}

/* Without any sign the silence is as old as the questions of this node. */
static void before_a_peer_can_be_judged_no_player_is_reset(void **state)
{
	struct hokm_own own = {.lease_until_ns = fix_now() + LONG_NS, .state = HOKM_VRRP_MASTER};
	struct fix *x = *state;

	own.daemon_ns = own.lease_until_ns;
	own.asking_ns = fix_now();
	fix_own(x, &own);
	player_of_a_peer_without_pulses(x, 0);
	expect_unbroken(x, "asked a moment ago");
	own.asking_ns = fix_now() - 2 * LIMIT_NS;
	fix_own(x, &own);
	fix_in(x, DATA);
	assert_int_equal(COUNT(x, answered_dead), 1);
}

/* A peer that runs keepalived signs nothing: nothing that is unsigned makes it one of hokm-xdp. */
static void without_a_signed_word_nothing_is_a_sign(void **state)
{
	struct fix *x = *state;
	struct frame f;

	for (enum sign sign = ADVERT; sign < SIGNS; sign++) {
		fix_reset(state);
		player_of_a_peer_without_pulses(x, 0);
		sign_frame(&f, sign, PEER0_MAC, PEER0_ADDR);
		expect_pass(x, &f);
		assert_int_equal(fix_peer(x, 0).alive_ns, 0);
		fix_in(x, DATA);
		assert_int_equal(COUNT(x, answered_dead), 1);
	}
}

/* A peer that answers no pulses gets no new connection, whatever other signs it shows. */
static void no_new_connection_without_pulses(void **state)
{
	struct fix *x = *state;

	fix_service(x, 0, SERVICE_TAG, HOKM_SVC_DOWN);
	fix_peer_silent(x, 0);
	expect_in_steer(x, SEG(.flags = SYN, .seq = 1), PEER1_MAC);
}

/* What the replica and the second chance know of a silent peer is as good as an entry. */
static void a_silent_holder_gets_its_packets(void **state)
{
	struct fix *x = *state;

	fix_replica_put(x, 1);
	fix_peer_silent(x, 1);
	expect_in_steer(x, DATA, PEER1_MAC);
	assert_int_equal(COUNT(x, steered_holder), 1);
	fix_reset(state);
	fix_peer_dead(x, 0);
	fix_peer_silent(x, 1);
	expect_in_steer(x, DATA, PEER1_MAC);
	assert_int_equal(COUNT(x, second_chance), 1);
	fix_reset(state);
	fix_peer_silent(x, 0);
	expect_in_steer(x, DATA, PEER1_MAC); /* one that answers comes first */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(each_sign_keeps_the_players),
		HOKM_TEST(others_are_no_sign),
		HOKM_TEST(what_is_dropped_is_no_sign),
		HOKM_TEST(before_the_first_pulse_no_player_of_a_living_peer_is_reset),
		HOKM_TEST(before_a_peer_can_be_judged_no_player_is_reset),
		HOKM_TEST(without_a_signed_word_nothing_is_a_sign),
		HOKM_TEST(no_new_connection_without_pulses),
		HOKM_TEST(a_silent_holder_gets_its_packets),
	};

	return cmocka_run_group_tests_name("signs", tests, fix_open, fix_close);
}
