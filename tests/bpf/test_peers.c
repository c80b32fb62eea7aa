/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The packet path and the daemon agree on which peers are alive: each case of
 * tests/unit/peer_cases.h is put into the maps, and the programs' steering is compared with
 * decide/peer_sight.
 *
 *   by pulse       an advert with the peer's address and another MAC is dropped
 *   fresh          a new connection is steered to it, as the service is DOWN here
 *   players dead   a packet of a connection that the peer holds is not steered to it
 */
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <string.h>

#include "../unit/peer_cases.h"
#include "pulse_spec.h"

#define DATA1 SEG(.flags = ACK | PSH, .seq = 1001, .ack = 5001, .payload = 10)
#define LATER (3600 * 1000 * MS)
/* Attempts at a run that is so short that the answer does not change meanwhile. */
#define ATTEMPTS 100

/* The world: this node owns, its service is DOWN, peer 0 is the one of the case, peer 1 is dead. */
static void put_case(struct fix *x, const struct peer_signs *s, uint64_t now_ns)
{
	struct hokm_peer peer = fix_alive_peer(0);
	struct hokm_own own = {
		.lease_until_ns = now_ns + LATER,
		.state = HOKM_VRRP_MASTER,
		.successor = HOKM_NO_PEER,
		.daemon_ns = s->tick_ns,
		.asking_ns = s->asking_ns,
		.asked_ns = s->asked_ns,
	};

	peer.seen_ns = s->seen_ns;
	peer.alive_ns = s->alive_ns;
	peer.daemon_seen_ns = s->daemon_seen_ns;
	fix_peer_set(x, 0, &peer);
	fix_own(x, &own);
}

static void put_world(struct fix *x)
{
	const struct hokm_peer none = {0};
	struct hokm_conn c = conn_known(0);

	x->cfg.peer_dead_ns = DEAD * MS;
	x->cfg.players_dead_ns = PLAYERS * MS;
	x->cfg.daemon_stale_ns = STALE * MS;
	fix_cfg(x);
	fix_service(x, 0, SERVICE_TAG, HOKM_SVC_DOWN);
	fix_peer_set(x, 1, &none);
	fix_conn_put(x, &c);
}

static bool steered_to_peer0(const struct fix *x)
{
	return x->verdict == XDP_TX && !memcmp(x->out.b, PEER0_MAC, 6);
}

static bool same_sight(const struct peer_sight *a, const struct peer_sight *b)
{
	return a->by == b->by && a->fresh == b->fresh && a->players_dead == b->players_dead;
}

/* The VRRP guard asks whether the peer answers pulses. */
static bool advert_of_another_is_dropped(struct fix *x)
{
	struct frame f;

	frame_vrrp(&f, &(struct eth_spec){.from = OTHER_MAC},
		   &(struct ip_spec){.src = PEER0_ADDR, .ttl = 255}, TEST_VRID, 20);
	fix_ingress(x, &f);
	return x->verdict == XDP_DROP;
}

/* One run. False: it took so long that the right answer changed meanwhile. */
static bool try_case(struct fix *x, const struct sight_case *c)
{
	uint64_t now_ns = fix_now();
	struct peer_signs signs = sight_signs(c, now_ns);
	struct peer_sight before = peer_sight(&signs, now_ns), after;
	/* A known connection reads the coarse clock. */
	struct peer_sight late = peer_sight(&signs, now_ns - HOKM_CLOCK_COARSE_NS);
	bool pulsing, fresh, holds;

	put_case(x, &signs, now_ns);
	fix_in(x, DATA1);
	holds = steered_to_peer0(x);
	pulsing = advert_of_another_is_dropped(x);
	fix_in(x, SEG(.flags = SYN, .seq = 1000, .sport = CLIENT_PORT + 1));
	fresh = steered_to_peer0(x);
	after = peer_sight(&signs, fix_now());
	if (!same_sight(&before, &after))
		return false;
	/* Without any sign nothing is known of the peer: no packet goes there. */
	if (pulsing != (after.by == PEER_BY_PULSE) || fresh != after.fresh ||
	    (holds != (signs.alive_ns && !after.players_dead) &&
	     holds != (signs.alive_ns && !late.players_dead)))
		fail_msg("%s: the packet path says pulsing %d, fresh %d, holds %d", c->what,
			 pulsing, fresh, holds);
	return true;
}

static void both_agree(void **state)
{
	struct fix *x = *state;

	for (unsigned int i = 0; i < SIGHT_CASES; i++) {
		bool done = false;

		for (int n = 0; !done && n < ATTEMPTS; n++) {
			fix_reset(state);
			put_world(x);
			done = try_case(x, &sight_cases[i]);
		}
		assert_true(done);
	}
}

/*
 * A packet cannot be steered to a peer without a known MAC address. The player may be alive, so it
 * is not reset: TCP sends the packet again.
 */
static void without_a_mac_address_no_player_is_reset(void **state)
{
	struct hokm_peer peer = fix_alive_peer(0);
	struct fix *x = *state;

	put_world(x);
	memset(peer.mac, 0, sizeof(peer.mac));
	fix_peer_set(x, 0, &peer);
	fix_in(x, DATA1);
	assert_int_equal(x->verdict, XDP_DROP);
	assert_int_equal(fix_count(x, 0, HOKM_CTR_drop_steer_fault), 1);
	assert_int_equal(fix_count(x, 0, HOKM_CTR_answered_dead), 0);
}

/* Sends a segment of a connection of this node from this MAC address: does it count as steered? */
static bool counts_as_steered(struct fix *x, const uint8_t mac[6])
{
	const struct hokm_conn c = conn_known(HOKM_LOCAL);
	uint64_t before = fix_count(x, 0, HOKM_CTR_steered_in);

	fix_conn_put(x, &c);
	fix_in(x, SEG(.eth.from = mac, .flags = ACK, .seq = 1001, .ack = 5001));
	return fix_count(x, 0, HOKM_CTR_steered_in) != before;
}

/* The next host with the old MAC address of a peer is a client, and its packets are not steered. */
static void old_mac_of_a_peer_is_no_peers_any_more(void **state)
{
	const struct eth_spec eth = {.from = OTHER_MAC};
	const struct ip_spec ip = {.src = PEER0_ADDR, .ttl = 255};
	struct fix *x = *state;
	struct hokm_pulse p = pulse_answer_of(x, 0, fix_now());
	struct frame f;

	assert_true(counts_as_steered(x, PEER0_MAC));
	assert_false(counts_as_steered(x, OTHER_MAC));
	memcpy(p.mac, OTHER_MAC, sizeof(p.mac));
	pulse_sign(x, 0, &p);
	frame_udp(&f, &eth, &ip, PULSE_PORT, &p, sizeof(p));
	fix_ingress(x, &f);
	assert_true(counts_as_steered(x, OTHER_MAC));
	assert_false(counts_as_steered(x, PEER0_MAC));
	assert_true(counts_as_steered(x, PEER1_MAC));
}

static void mac_of_an_unused_slot_is_no_peers(void **state)
{
	struct fix *x = *state;

	x->cfg.peer[0].used = 0;
	fix_cfg(x);
	assert_false(counts_as_steered(x, PEER0_MAC));
	assert_true(counts_as_steered(x, PEER1_MAC));
	x->cfg.n_peers = 1;
	fix_cfg(x);
	assert_false(counts_as_steered(x, PEER1_MAC));
}

static void unknown_mac_of_a_peer_matches_no_frame(void **state)
{
	static const uint8_t zero[6];
	struct fix *x = *state;
	struct hokm_peer peer = fix_alive_peer(0);

	memset(peer.mac, 0, sizeof(peer.mac));
	fix_peer_set(x, 0, &peer);
	assert_false(counts_as_steered(x, zero));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(both_agree),
		HOKM_TEST(without_a_mac_address_no_player_is_reset),
		HOKM_TEST(old_mac_of_a_peer_is_no_peers_any_more),
		HOKM_TEST(mac_of_an_unused_slot_is_no_peers),
		HOKM_TEST(unknown_mac_of_a_peer_matches_no_frame),
	};

	return cmocka_run_group_tests_name("peers", tests, fix_open, fix_close);
}
