/* SPDX-License-Identifier: GPL-2.0-only */
/* What others remove again and again, and for how long a node stays away because of that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "decide/removals.h"

#define MS    1000000ULL
#define S     (1000 * MS)
#define START (5000 * S)

/* So many, each so long after the one before. Returns what the last one says. */
static uint64_t removed(struct removals *r, unsigned int n, uint64_t gap_ns, uint64_t *now_ns)
{
	uint64_t stay_ns = 0;

	for (unsigned int i = 0; i < n; i++) {
		*now_ns += gap_ns;
		stay_ns = removals_note(r, *now_ns);
	}
	return stay_ns;
}

static void when_it_is_too_often(void **state)
{
	static const struct {
		unsigned int n;
		uint64_t gap_ns, stay_ns;
	} rows[] = {
		{1, MS, 0},
		{4, MS, 0},
		{5, MS, 30 * S},
		{12, 800 * MS, 30 * S},
		{5, 2500 * MS, 30 * S}, /* the first and the fifth are 10 s apart */
		{5, 2501 * MS, 0},
		{1000, 2501 * MS, 0}, /* an agent that looks every few seconds: it is back soon */
		{1000, 800 * MS, 30 * S}, /* it is one time, however long it lasts */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct removals r = {0};
		uint64_t now_ns = START;
		uint64_t stay_ns = removed(&r, rows[i].n, rows[i].gap_ns, &now_ns);

		if (stay_ns != rows[i].stay_ns)
			fail_msg("row %zu: %llu s", i, (unsigned long long)(stay_ns / S));
	}
}

/* Who removes it only on the owner begins again at each return. */
static void the_stays_get_longer(void **state)
{
	struct removals r = {0};
	uint64_t now_ns = START;

	(void)state;
	for (unsigned int i = 1; i <= 14; i++) {
		const uint64_t stay_ns = removed(&r, 6, 100 * MS, &now_ns);

		assert_int_equal(stay_ns / S, 30 * (i < 10 ? i : 10));
		now_ns += stay_ns + 20 * S;
	}
}

static void peace_is_forgiven(void **state)
{
	struct removals r = {0};
	uint64_t now_ns = START;

	(void)state;
	removed(&r, 5, 100 * MS, &now_ns);
	now_ns += 100 * S;
	assert_int_equal(removed(&r, 5, 100 * MS, &now_ns) / S, 60);
	now_ns += 599 * S;
	assert_int_equal(removed(&r, 5, 100 * MS, &now_ns) / S, 90);
	now_ns += 600 * S;
	assert_int_equal(removed(&r, 5, 100 * MS, &now_ns) / S, 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(when_it_is_too_often),
		cmocka_unit_test(the_stays_get_longer),
		cmocka_unit_test(peace_is_forgiven),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
