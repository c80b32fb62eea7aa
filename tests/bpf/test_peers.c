/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The packet path and the daemon agree on which peers are alive: each case of
 * tests/unit/peer_cases.h is put into the maps, and the programs' steering is compared with
 * decide/peer_sight.
 *
 *   alive   a packet of a connection that the peer holds is steered to it
 *   fresh   a new connection is steered to it, as the service is DOWN here
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
	peer.daemon_seen_ns = s->daemon_seen_ns;
	fix_peer_set(x, 0, &peer);
	fix_own(x, &own);
}

static void put_world(struct fix *x)
{
	const struct hokm_peer none = {0};
	struct hokm_conn c = conn_known(0);

	x->cfg.peer_dead_ns = DEAD * MS;
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
	return a->by == b->by && a->fresh == b->fresh;
}

/* One run. False: it took so long that the right answer changed meanwhile. */
static bool try_case(struct fix *x, const struct sight_case *c)
{
	uint64_t now_ns = fix_now();
	struct peer_signs signs = sight_signs(c, now_ns);
	struct peer_sight before = peer_sight(&signs, now_ns), after;
	bool alive, fresh;

	put_case(x, &signs, now_ns);
	fix_in(x, DATA1);
	alive = steered_to_peer0(x);
	fix_in(x, SEG(.flags = SYN, .seq = 1000, .sport = CLIENT_PORT + 1));
	fresh = steered_to_peer0(x);
	after = peer_sight(&signs, fix_now());
	if (!same_sight(&before, &after))
		return false;
	if (alive != (after.by == PEER_BY_PULSE) || fresh != after.fresh)
		fail_msg("%s: the packet path says alive %d, fresh %d", c->what, alive, fresh);
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

/* Only the packet path needs the address: a peer that it cannot steer to counts as dead there. */
static void without_a_mac_address_it_is_dead(void **state)
{
	struct hokm_peer peer = fix_alive_peer(0);
	struct fix *x = *state;

	put_world(x);
	memset(peer.mac, 0, sizeof(peer.mac));
	fix_peer_set(x, 0, &peer);
	fix_in(x, DATA1);
	assert_false(steered_to_peer0(x));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(both_agree),
		HOKM_TEST(without_a_mac_address_it_is_dead),
	};

	return cmocka_run_group_tests_name("peers", tests, fix_open, fix_close);
}
