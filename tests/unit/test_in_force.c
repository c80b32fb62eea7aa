/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * By which members a node counts while a reload changes them (decide/in_force.h), and that the
 * packet path counts no others (hokm/grant_count.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "decide/in_force.h"
#include "hokm/grant_count.h"

/* Slots of the other members. */
#define PEER 0x01u
#define OLD  0x80u
#define NEW  0x40u

struct change {
	const char *what;
	struct in_force former, wanted;
	bool owner, granted;
	struct in_force becomes;
};

static const struct change changes[] = {
	{"nothing", {2, PEER | OLD}, {2, PEER | OLD}, true, true, {2, PEER | OLD}},
	{"a backup", {2, PEER | OLD}, {3, PEER | OLD | NEW}, false, false, {3, PEER | OLD | NEW}},
	{"granted", {2, PEER | OLD}, {3, PEER | OLD | NEW}, true, true, {3, PEER | OLD | NEW}},
	{"one more", {2, PEER | OLD}, {3, PEER | OLD | NEW}, true, false, {2, PEER | OLD}},
	{"one less", {3, PEER | OLD | NEW}, {2, PEER | NEW}, true, true, {2, PEER | NEW}},
	{"one less waits", {3, PEER | OLD | NEW}, {2, PEER | NEW}, true, false, {3, PEER | NEW}},
	{"the same number", {3, 0xc1}, {3, 0xe1}, true, false, {3, 0xe1}},
	{"and back", {3, 0xe1}, {3, 0xc1}, true, false, {3, 0xc1}},
	{"grants come", {0, 0}, {2, PEER | OLD}, true, false, {0, 0}},
	{"grants go", {2, PEER | OLD}, {0, PEER}, true, true, {0, PEER}},
	{"grants go later", {2, PEER | OLD}, {0, PEER}, true, false, {2, PEER}},
};

static void number_and_members_change_together(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		const struct change *c = &changes[i];
		struct in_force f = c->former;

		in_force_step(&f, &c->wanted, c->owner, c->granted);
		if (f.majority != c->becomes.majority || f.slots != c->becomes.slots)
			fail_msg("%s: %u of 0x%x", c->what, f.majority, f.slots);
	}
}

/* This node has its own promise until 90 us. */
static struct hokm_grants owner_by(unsigned int majority, uint32_t slots)
{
	struct hokm_grants g = {.wish = HOKM_WISH_OWN, .wish_epoch = 4};

	g.own.word = hokm_grant_word(HOKM_GRANT_SELF, 90000);
	g.own.epoch = 4;
	hokm_grants_set_members(&g, majority, slots);
	return g;
}

static void a_new_member_counts_with_the_new_number(void **state)
{
	struct hokm_grants g = owner_by(2, PEER | OLD);

	(void)state;
	hokm_grants_note(&g, 6, 4, 70000);
	assert_int_equal(hokm_grants_end_ns(&g), 0);
	hokm_grants_note(&g, 7, 4, 50000);
	assert_int_equal(hokm_grants_end_ns(&g), 50000);
	hokm_grants_set_members(&g, 3, PEER | OLD | NEW);
	assert_int_equal(hokm_grants_end_ns(&g), 50000);
	hokm_grants_note(&g, 0, 4, 60000);
	assert_int_equal(hokm_grants_end_ns(&g), 60000);
}

static void a_member_that_is_removed_counts_no_more(void **state)
{
	struct hokm_grants g = owner_by(3, PEER | OLD | NEW);

	(void)state;
	hokm_grants_note(&g, 0, 4, 40000);
	hokm_grants_note(&g, 7, 4, 70000);
	assert_int_equal(hokm_grants_end_ns(&g), 40000);
	hokm_grants_set_members(&g, 2, PEER | NEW);
	assert_int_equal(hokm_grants_end_ns(&g), 40000);
	hokm_grants_note(&g, 7, 4, 80000);
	assert_int_equal(hokm_grants_end_ns(&g), 40000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(number_and_members_change_together),
		cmocka_unit_test(a_new_member_counts_with_the_new_number),
		cmocka_unit_test(a_member_that_is_removed_counts_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
