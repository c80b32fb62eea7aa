/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What policy tells the VRRP machine of the peers as a whole: whether anybody competes for a VIP
 * that its owner gives up. test_policy.c has what it tells of each peer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "decide/policy.h"

#define NOW 1000000000000ULL

enum kind {
	NO_PEER,
	KEEPALIVED,  /* or a node that has never answered a pulse */
	HOKM_XDP,    /* answers pulses */
	HOKM_SILENT, /* did so before, and answers none now */
};

static void set_peer(struct policy_peer *p, enum kind kind)
{
	if (kind == NO_PEER)
		return;
	p->used = true;
	p->priority = 100;
	p->mute = p->adverts = p->advertises = kind == KEEPALIVED;
	p->pulsing = p->daemon_fresh = kind == HOKM_XDP;
}

/* The slots of the peers are not the first ones in each case. */
static void only_a_single_peer_without_pulses_is_uncontested(void **state)
{
	static const struct {
		enum kind peers[3];
		bool uncontested;
	} cases[] = {
		{{KEEPALIVED}, true},
		{{NO_PEER, NO_PEER, KEEPALIVED}, true},
		{{HOKM_XDP}, false},    /* its pulses say when its lease is free */
		{{HOKM_SILENT}, false}, /* so they did, and they may come again */
		{{KEEPALIVED, KEEPALIVED}, false},
		{{KEEPALIVED, HOKM_XDP}, false},
		{{HOKM_SILENT, KEEPALIVED}, false},
		{{NO_PEER}, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct policy_input in = {.now_ns = NOW, .link_up = true, .n_services = 1};
		struct policy_output out;

		for (unsigned int slot = 0; slot < 3; slot++)
			set_peer(&in.peers[slot], cases[i].peers[slot]);
		policy_decide(&in, &out);
		if (out.view.uncontested != cases[i].uncontested)
			fail_msg("case %zu: %d", i, out.view.uncontested);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_a_single_peer_without_pulses_is_uncontested),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
