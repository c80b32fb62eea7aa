/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What policy tells the VRRP machine of the peers as a whole: whether anybody competes for a VIP
 * that its owner gives up, or that nobody has. test_policy.c has what it tells of each peer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

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

/* A peer that answers pulses, and whose daemon gets the CPU. */
#define FIT(...)                                                                 \
	{                                                                        \
		.used = true, .pulsing = true, .daemon_fresh = true, __VA_ARGS__ \
	}

static const struct {
	struct policy_peer peers[2];
	bool contested, better, lesser;
	uint64_t asked_ns;
} rivals[] = {
	{{{0}}, false, false, false, 0},
	{{{.used = true, .seen_ns = 5}}, false, false, false, 0},
	{{{.used = true, .pulsing = true, .announces = true}}, false, false, false, 0},
	{{FIT(.seen_ns = 5)}, true, false, false, 5},
	{{FIT(.seen_ns = 5), FIT(.seen_ns = 3)}, true, false, false, 3},
	{{FIT(.seen_ns = 3), FIT(.seen_ns = 5)}, true, false, false, 3},
	{{FIT(.seen_ns = 5, .announces = true, .priority = 110)}, true, true, false, 5},
	{{FIT(.seen_ns = 5, .announces = true, .priority = 90)}, true, false, true, 5},
	/* One that was refused does not become owner. */
	{{FIT(.seen_ns = 5, .announces = true, .refuses = true, .priority = 110)},
	 true,
	 false,
	 false,
	 5},
	{{FIT(.seen_ns = 5, .announces = true, .refuses = true, .priority = 90)},
	 true,
	 false,
	 false,
	 5},
	/* Of one priority, the address decides. */
	{{FIT(.seen_ns = 5, .announces = true, .priority = 100, .addr = {1})},
	 true,
	 true,
	 false,
	 5},
};

/*
 * The peers that could become owner at the same moment: the oldest of their newest answers counts,
 * and who wins the election.
 */
static void peers_that_could_become_owner_too(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rivals) / sizeof(rivals[0]); i++) {
		struct policy_input in = {.now_ns = NOW, .own_priority = 100};
		struct policy_output out;

		memcpy(in.peers, rivals[i].peers, sizeof(rivals[i].peers));
		policy_decide(&in, &out);
		if (out.view.contested != rivals[i].contested ||
		    out.view.better_announces != rivals[i].better ||
		    out.view.lesser_announces != rivals[i].lesser ||
		    out.view.asked_ns != rivals[i].asked_ns)
			fail_msg("row %zu", i);
	}
}

/* How new the word of the holder is: of several holders that of the best one. */
static void the_word_of_the_holder_is_as_new_as_its_pulse(void **state)
{
	static const struct {
		struct policy_peer peers[2];
		uint64_t seen_ns;
	} cases[] = {
		{{FIT(.seen_ns = 5)}, 0},
		{{FIT(.seen_ns = 5, .lease_until_ns = NOW)}, 0},
		{{FIT(.seen_ns = 5, .lease_until_ns = NOW + 1)}, 5},
		{{FIT(.seen_ns = 5, .lease_until_ns = NOW + 1, .priority = 90),
		  FIT(.seen_ns = 3, .lease_until_ns = NOW + 1, .priority = 110)},
		 3},
		{{FIT(.seen_ns = 3, .lease_until_ns = NOW + 1, .priority = 110),
		  FIT(.seen_ns = 5, .lease_until_ns = NOW + 1, .priority = 90)},
		 3},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct policy_input in = {.now_ns = NOW};
		struct policy_output out;

		memcpy(in.peers, cases[i].peers, sizeof(cases[i].peers));
		policy_decide(&in, &out);
		if (out.view.holder_seen_ns != cases[i].seen_ns)
			fail_msg("case %zu", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_a_single_peer_without_pulses_is_uncontested),
		cmocka_unit_test(peers_that_could_become_owner_too),
		cmocka_unit_test(the_word_of_the_holder_is_as_new_as_its_pulse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
