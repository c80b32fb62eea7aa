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
#include "fixture.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(both_agree),
		HOKM_TEST(without_a_mac_address_no_player_is_reset),
	};

	return cmocka_run_group_tests_name("peers", tests, fix_open, fix_close);
}
