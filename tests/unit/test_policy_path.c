/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An owner that has lost its XDP program sees no pulses of its peer. It gives the VIP up to it
 * once, and takes it back when the peer has not taken it, because its program may be gone as well.
 *
 * A node whose pins cannot be put back works. It owns where a move would cost players or services.
 * It leaves once to a peer where a move costs nothing, and not again when that peer failed there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "decide/policy.h"

#define NOW      1000000000000ULL
#define OFFER_NS 3000000000ULL

enum peer { WAITS, OWNS, AWAY };

struct step {
	const char *words;
	uint64_t after_ns; /* the step before */
	enum hokm_vrrp_state state;
	bool has_path;
	enum peer peer;
	bool eligible; /* expected */
};

static const struct step steps[] = {
	{"owner, and all is there", 0, HOKM_VRRP_MASTER, true, WAITS, true},
	{"its path is lost", 1, HOKM_VRRP_MASTER, false, WAITS, false},
	{"it has not left yet", OFFER_NS / 2, HOKM_VRRP_MASTER, false, WAITS, false},
	{"it waits for its peer", OFFER_NS / 2 - 1, HOKM_VRRP_FAULT, false, WAITS, false},
	{"the peer owns", OFFER_NS, HOKM_VRRP_FAULT, false, OWNS, false},
	{"nobody owns", OFFER_NS, HOKM_VRRP_FAULT, false, WAITS, true},
	{"it stays owner", 1, HOKM_VRRP_MASTER, false, WAITS, true},
	{"for long", 100 * OFFER_NS, HOKM_VRRP_MASTER, false, WAITS, true},
	{"another owner is heard, as after a cut", 1, HOKM_VRRP_MASTER, false, OWNS, false},
	{"that one stays", 2 * OFFER_NS, HOKM_VRRP_FAULT, false, OWNS, false},
	{"it is gone", 1, HOKM_VRRP_FAULT, false, AWAY, true},
	{"nobody else is there", 1, HOKM_VRRP_MASTER, false, AWAY, true},
	{"the peer was booted", 1, HOKM_VRRP_MASTER, false, WAITS, false},
	{"it takes nothing", OFFER_NS, HOKM_VRRP_FAULT, false, WAITS, true},
	{"the path is back", 1, HOKM_VRRP_MASTER, true, WAITS, true},
	{"and is lost another time", 1, HOKM_VRRP_MASTER, false, WAITS, false},
};

static void an_unseen_peer_gets_the_vip_once(void **state)
{
	struct policy_output out = {0};
	struct policy_input in = {0};

	(void)state;
	in.now_ns = NOW;
	in.n_services = 1;
	in.health[0] = HOKM_SVC_UP;
	in.link_up = true;
	in.offer_ns = OFFER_NS;
	in.peers[0].used = true;
	in.peers[0].last_up = 1;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		in.now_ns += steps[i].after_ns;
		in.state = steps[i].state;
		in.path_lost = !steps[i].has_path;
		in.peers[0].advertises = steps[i].peer == OWNS;
		in.peers[0].replicates = steps[i].peer != AWAY;
		in.gave_up_ns = out.gave_up_ns;
		policy_decide(&in, &out);
		if (out.eligible != steps[i].eligible)
			fail_msg("%s: eligible %d", steps[i].words, out.eligible);
		if (!out.eligible)
			assert_int_equal(out.reason, HOKM_R_PATH_LOST);
	}
}

enum { STEERS = 1 << 0, FAULT = 1 << 1, SILENT = 1 << 2, LEASE = 1 << 3, NO_PULSE = 1 << 4 };

static const struct {
	const char *words;
	unsigned int own_up, peer_up; /* of two services */
	unsigned int peer;
	enum hokm_vrrp_state state;
	bool eligible;
} unpinned[] = {
	{"its players are steered back", 2, 2, STEERS, HOKM_VRRP_MASTER, false},
	{"they would be lost", 2, 2, 0, HOKM_VRRP_MASTER, true},
	{"a service would be lost", 2, 1, STEERS, HOKM_VRRP_MASTER, true},
	{"nothing is up anywhere", 0, 0, STEERS, HOKM_VRRP_MASTER, true},
	{"the peer takes nothing", 2, 2, STEERS | FAULT, HOKM_VRRP_MASTER, true},
	{"it can be granted nothing yet", 2, 2, STEERS | SILENT, HOKM_VRRP_MASTER, true},
	{"keepalived steers nothing", 2, 2, NO_PULSE, HOKM_VRRP_MASTER, true},
	{"the peer is healthier, whatever it steers", 1, 2, 0, HOKM_VRRP_MASTER, false},
	{"the peer owns, and serves as well", 2, 2, LEASE, HOKM_VRRP_BACKUP, false},
	{"for long", 2, 2, LEASE, HOKM_VRRP_FAULT, false},
	{"a service of the owner ended", 2, 1, LEASE, HOKM_VRRP_FAULT, true},
	{"its game ended", 2, 0, LEASE, HOKM_VRRP_FAULT, true},
	{"it left, and a peer will take it", 2, 2, 0, HOKM_VRRP_FAULT, false},
	{"two that are unpinned, and no owner", 2, 2, FAULT, HOKM_VRRP_FAULT, true},
	{"they have left FAULT at once", 2, 2, 0, HOKM_VRRP_BACKUP, true},
};

static void who_is_unpinned_is_needed_where_a_move_would_cost(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(unpinned) / sizeof(unpinned[0]); i++) {
		const unsigned int is = unpinned[i].peer;
		struct policy_output out = {0};
		struct policy_input in = {.now_ns = NOW,
					  .n_services = 2,
					  .link_up = true,
					  .unpinned = true,
					  .state = unpinned[i].state};

		for (unsigned int s = 0; s < 2; s++)
			in.health[s] = s < unpinned[i].own_up ? HOKM_SVC_UP : HOKM_SVC_DOWN;
		in.peers[0] = (struct policy_peer){
			.used = true,
			.pulsing = !(is & NO_PULSE),
			.daemon_fresh = !(is & NO_PULSE),
			.adverts = is & NO_PULSE,
			.steers = is & STEERS,
			.silent = is & SILENT,
			.state = is & FAULT ? HOKM_VRRP_FAULT : HOKM_VRRP_BACKUP,
			.lease_until_ns = is & LEASE ? NOW + 1 : 0,
			.n_up = unpinned[i].peer_up,
		};
		policy_decide(&in, &out);
		if (out.eligible != unpinned[i].eligible)
			fail_msg("%s: eligible %d", unpinned[i].words, out.eligible);
	}
}

static const struct {
	const char *words;
	uint64_t after_ns; /* the step before */
	enum hokm_vrrp_state state;
	unsigned int peer_up; /* of one service */
	bool has_pins, eligible;
} turns[] = {
	{"owner, and its peer is fit", 0, HOKM_VRRP_MASTER, 1, false, false},
	{"it has not left yet", OFFER_NS - 1, HOKM_VRRP_MASTER, 1, false, false},
	{"it has left", 1, HOKM_VRRP_FAULT, 1, false, false},
	{"the game of the peer ended", 20 * OFFER_NS, HOKM_VRRP_FAULT, 0, false, true},
	{"it is owner again", 1, HOKM_VRRP_MASTER, 0, false, true},
	{"that game is back, and may end again", 1, HOKM_VRRP_MASTER, 1, false, true},
	{"for long", 100 * OFFER_NS, HOKM_VRRP_MASTER, 1, false, true},
	{"the peer took the VIP by itself", 1, HOKM_VRRP_FAULT, 1, false, false},
	{"and failed", 1, HOKM_VRRP_FAULT, 0, false, true},
	{"the peer is up another time", 1, HOKM_VRRP_MASTER, 1, false, true},
	{"the pins are back", 1, HOKM_VRRP_MASTER, 1, true, true},
	{"and are lost another time", 1, HOKM_VRRP_MASTER, 1, false, false},
};

static void who_is_unpinned_leaves_once(void **state)
{
	struct policy_output out = {0};
	struct policy_input in = {
		.now_ns = NOW,
		.n_services = 1,
		.health = {HOKM_SVC_UP},
		.link_up = true,
		.offer_ns = OFFER_NS,
		.peers[0] = {.used = true,
			     .pulsing = true,
			     .daemon_fresh = true,
			     .steers = true,
			     .state = HOKM_VRRP_BACKUP},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(turns) / sizeof(turns[0]); i++) {
		in.now_ns += turns[i].after_ns;
		in.state = turns[i].state;
		in.unpinned = !turns[i].has_pins;
		in.peers[0].n_up = turns[i].peer_up;
		in.left_unpinned_ns = out.left_unpinned_ns;
		policy_decide(&in, &out);
		if (out.eligible != turns[i].eligible)
			fail_msg("%s: eligible %d", turns[i].words, out.eligible);
		if (!out.eligible)
			assert_int_equal(out.reason, HOKM_R_PATH_LOST);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_unseen_peer_gets_the_vip_once),
		cmocka_unit_test(who_is_unpinned_is_needed_where_a_move_would_cost),
		cmocka_unit_test(who_is_unpinned_leaves_once),
	};

	return cmocka_run_group_tests_name("policy_path", tests, NULL, NULL);
}
