/* SPDX-License-Identifier: GPL-2.0-only */
/* What one client of the control socket may cost (decide/budget). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "decide/budget.h"

#define MS 1000000ULL
#define S  (1000 * MS)

/* Requests of this cost, each as soon as the bucket allows. Returns the CPU time in the period. */
static uint64_t flood(uint64_t cost_ns, uint64_t period_ns)
{
	uint64_t now_ns = 7 * S, end_ns = now_ns + period_ns, spent_ns = 0;
	struct budget b;

	budget_init(&b, now_ns);
	while (now_ns < end_ns) {
		uint64_t wait_ns = budget_wait_ns(&b, now_ns);

		now_ns += wait_ns;
		assert_int_equal(budget_wait_ns(&b, now_ns), 0);
		if (now_ns >= end_ns)
			break;
		now_ns += cost_ns;
		spent_ns += cost_ns + BUDGET_REQUEST_NS;
		budget_spend(&b, cost_ns, now_ns);
	}
	return spent_ns;
}

static void a_flood_costs_under_one_percent(void **state)
{
	static const uint64_t costs[] = {0, 1000, 50000, 1 * MS, 20 * MS, 3 * S};

	(void)state;
	for (unsigned int i = 0; i < sizeof(costs) / sizeof(costs[0]); i++) {
		uint64_t spent = flood(costs[i], 600 * S);

		assert_true(spent <= 6 * S + costs[i]);
		assert_true(spent >= 3 * S);
	}
}

static void an_operator_does_not_wait(void **state)
{
	uint64_t now_ns = S;
	struct budget b;

	(void)state;
	budget_init(&b, now_ns);
	/* Forty requests at once, then one of 2 ms each second. */
	for (unsigned int i = 0; i < 40; i++) {
		assert_int_equal(budget_wait_ns(&b, now_ns), 0);
		budget_spend(&b, 1 * MS, now_ns);
	}
	for (unsigned int i = 0; i < 1000; i++) {
		now_ns += S;
		assert_int_equal(budget_wait_ns(&b, now_ns), 0);
		budget_spend(&b, 2 * MS, now_ns);
	}
}

static void no_time_overflows(void **state)
{
	struct budget b;

	(void)state;
	budget_init(&b, 0);
	budget_spend(&b, UINT64_MAX, UINT64_MAX);
	assert_int_equal(budget_wait_ns(&b, 0) > 0, 1);
	budget_init(&b, UINT64_MAX);
	assert_int_equal(budget_wait_ns(&b, 0), 0);
	budget_spend(&b, 0, 0);
	assert_int_equal(budget_wait_ns(&b, UINT64_MAX), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flood_costs_under_one_percent),
		cmocka_unit_test(an_operator_does_not_wait),
		cmocka_unit_test(no_time_overflows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
