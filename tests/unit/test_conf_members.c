/* SPDX-License-Identifier: GPL-2.0-only */
/* When a majority decides, how large it is, and what the operator reads of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "conf_rig.h"

#define NODES                                                      \
	"secret = 0123456789abcdef node a { address = 10.0.0.1 } " \
	"node b { address = 10.0.0.2 } "
#define NODE3    "node c { address = 10.0.0.3 } "
#define WIT1     "witness v { address = 10.0.0.4 } "
#define WIT2     "witness w { address = 10.0.0.5 } "
#define MAJORITY "arbiter = majority "
#define FIVE     "node d { address = 10.0.0.6 } node e { address = 10.0.0.7 } "

static struct conf *load(const char *text)
{
	char *errors;
	struct conf *c = rig_load(text, &errors);

	if (!c)
		fail_msg("%s: %s", text, errors);
	free(errors);
	return c;
}

/* Two majorities always share a member: else both could grant at once. */
static void two_owners_never_have_a_majority_each(void **state)
{
	static const struct {
		const char *text;
		unsigned int majority;
		const char *words;
	} rows[] = {
		/* Two nodes stay as they are. */
		{NODES, 0, "all become owner (there is no witness: add one)"},
		{"arbiter = none " NODES WIT1, 0, "all become owner (arbiter = none)"},
		{NODES WIT1, 2, "needs the grants of 2 of 3 members; any 1 of them may fail"},
		{"arbiter = witness " NODES WIT1, 2, "of 2 of 3 members"},
		{"arbiter = etcd etcd { endpoints = \"http://e\" } " NODES, 0,
		 "cut from each other while the cluster does not answer, nobody owns"},
		{"arbiter = gateway " NODES, 2,
		 "nodes that reach the gateway and not each other all become owner"},
		{"gateway = 10.0.0.9 " NODES, 2, "nodes that reach the gateway and not each"},
		{"gateway = 10.0.0.9 arbiter = none " NODES, 0, "(there is no witness"},
		{"gateway = 10.0.0.9 " NODES NODE3, 0, "or write arbiter = majority)"},
		{"gateway = 10.0.0.9 " NODES WIT1, 2, "needs the grants of 2 of 3 members"},
		{"gateway = 10.0.0.9 " NODES "node c { address = 10.0.0.3 peer = vrrp }", 0,
		 "all become owner"},
		{"arbiter = gateway on_isolation = keep " NODES, 0, "reach the gateway"},
		{"arbiter = gateway " NODES NODE3, 0, "reach the gateway"},
		{NODES NODE3, 0, "(there is no witness: add one, or write arbiter = majority)"},
		{"arbiter = none " NODES NODE3, 0, "(there is no witness: add one)"},
		{MAJORITY NODES NODE3, 2, "of 2 of 3 members; any 1 of them"},
		{MAJORITY NODES NODE3 FIVE, 3, "of 3 of 5 members; any 2 of them"},
		{MAJORITY NODES NODE3 WIT1, 3, "of 3 of 4 members; any 1 of them"},
		{MAJORITY NODES WIT1, 2, "of 2 of 3 members; any 1 of them"},
		{NODES NODE3 WIT1, 3, "of 3 of 4 members; any 1 of them"},
		{NODES WIT1 WIT2, 3, "of 3 of 4 members; any 1 of them"},
		{NODES NODE3 WIT1 WIT2, 3, "of 3 of 5 members; any 2 of them"},
		{NODES NODE3 FIVE WIT1 WIT2, 4, "of 4 of 7 members; any 3 of them"},
		{NODES "node c { address = 10.0.0.3 peer = vrrp } " WIT1, 0,
		 "a node with peer = vrrp grants nothing"},
	};
	char words[CONF_ARRANGEMENT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct conf *c = load(rows[i].text);
		const unsigned int majority = conf_majority(c);

		if (majority != rows[i].majority)
			fail_msg("%s: majority %u", rows[i].text, majority);
		if (majority)
			assert_true(2 * majority > c->n_nodes + c->n_witnesses);
		if (!strstr(conf_arrangement(c, words), rows[i].words))
			fail_msg("%s: %s", rows[i].text, words);
		assert_true(strlen(words) + 1 < sizeof(words));
		conf_free(c);
	}
}

/*
 * While a file with other members is read on one node after the other, both files are in force: a
 * majority of each must have a member in common, so that it grants one owner only.
 */
static void a_file_whose_majority_may_miss_the_former_one_is_known(void **state)
{
	static const struct {
		const char *before, *after;
		unsigned int differ;
		bool meet;
	} rows[] = {
		{NODES WIT1, NODES WIT1, 0, true},
		{NODES WIT1, NODES WIT1 WIT2, 1, true},
		{NODES WIT1 WIT2, NODES WIT2, 1, true},
		{NODES WIT1, NODES NODE3 WIT1, 1, true},
		/* One owner with the former witness, another one with the new one. */
		{NODES WIT1, NODES WIT2, 2, false},
		{NODES WIT1 WIT2, NODES NODE3 WIT1, 2, true},
		{NODES WIT1, NODES NODE3 WIT1 WIT2, 2, false},
		{NODES WIT1, NODES FIVE WIT1, 2, false},
		{NODES NODE3 WIT1, NODES "witness c { address = 10.0.0.3 } " WIT1, 2, true},
		{MAJORITY NODES NODE3, NODES NODE3 WIT1, 1, true},
		{MAJORITY NODES NODE3, MAJORITY NODES NODE3 FIVE, 2, false},
		{MAJORITY NODES NODE3, NODES WIT1, 2, false},
		/* VRRP's timers on one of the sides. */
		{NODES NODE3, MAJORITY NODES NODE3, 0, true},
		{NODES, NODES WIT1 WIT2, 2, true},
		{NODES WIT1, NODES, 1, true},
		/* The gateway makes no promise. */
		{"gateway = 10.0.0.9 " NODES, NODES WIT1, 1, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct conf *a = load(rows[i].before), *b = load(rows[i].after);

		if (conf_members_differ(a, b) != rows[i].differ ||
		    conf_members_differ(b, a) != rows[i].differ)
			fail_msg("row %zu: %u members differ", i, conf_members_differ(a, b));
		if (conf_majorities_meet(a, b) != rows[i].meet ||
		    conf_majorities_meet(b, a) != rows[i].meet)
			fail_msg("row %zu: the majorities", i);
		conf_free(a);
		conf_free(b);
	}
}

static void a_grant_outlives_a_lost_pulse(void **state)
{
	static const struct {
		const char *text;
		uint64_t grant_ms;
	} rows[] = {
		{NODES, 100},
		{"profile = fast " NODES, 30},
		{NODES "pulse { interval = 100ms }", 300},
		{"grant = 200ms " NODES, 200},
		{"grant = 300ms " NODES "pulse { interval = 100ms }", 300},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct conf *c = load(rows[i].text);

		assert_int_equal(c->grant_ns, rows[i].grant_ms * NS_PER_MS);
		assert_true(c->grant_ns >= 3 * c->pulse_ns);
		conf_free(c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_owners_never_have_a_majority_each),
		cmocka_unit_test(a_file_whose_majority_may_miss_the_former_one_is_known),
		cmocka_unit_test(a_grant_outlives_a_lost_pulse),
	};

	return cmocka_run_group_tests_name("conf_members", tests, NULL, NULL);
}
