/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An owner that has lost its XDP program sees no pulses of its peer. It gives the VIP up to it
 * once, and takes it back when the peer has not taken it, because its program may be gone as well.
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_unseen_peer_gets_the_vip_once),
	};

	return cmocka_run_group_tests_name("policy_path", tests, NULL, NULL);
}
