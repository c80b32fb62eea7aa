/* SPDX-License-Identifier: GPL-2.0-only */
/* Until when the packet path may guess who holds a connection (decide/guess_time.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "decide/guess_time.h"

#define SECOND 1000000000ull
#define A      0x0a000001u
#define B      0x0a000002u

static void no_guess_while_all_is_known(void **state)
{
	struct guess g = {.owner = A};

	(void)state;
	for (uint64_t now = SECOND; now < 10 * SECOND; now += SECOND / 100)
		guess_step(&g, true, A, now);
	assert_int_equal(g.until_ns, 0);
}

static void guesses_while_a_replica_is_not_complete(void **state)
{
	struct guess g = {.owner = A};

	(void)state;
	for (uint64_t now = SECOND; now < 5 * SECOND; now += SECOND / 100) {
		guess_step(&g, false, A, now);
		assert_int_equal(g.until_ns, now + SECOND);
	}
	guess_step(&g, true, A, 5 * SECOND);
	assert_true(g.until_ns > 5 * SECOND && g.until_ns < 6 * SECOND);
}

/* A connection opened just before a move keeps its second chance for a second. */
static void guesses_for_a_second_after_each_change_of_owner(void **state)
{
	static const uint32_t owners[] = {A, 0, B, A};
	struct guess g = {0};
	uint64_t now = SECOND;

	(void)state;
	for (unsigned int i = 0; i < sizeof(owners) / sizeof(owners[0]); i++) {
		guess_step(&g, true, owners[i], now);
		assert_int_equal(g.until_ns, now + SECOND);
		guess_step(&g, true, owners[i], now + SECOND / 2);
		assert_int_equal(g.until_ns, now + SECOND);
		now += 2 * SECOND;
	}
	guess_note_change(&g, now);
	guess_step(&g, true, A, now + 1);
	assert_int_equal(g.until_ns, now + SECOND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_guess_while_all_is_known),
		cmocka_unit_test(guesses_while_a_replica_is_not_complete),
		cmocka_unit_test(guesses_for_a_second_after_each_change_of_owner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
