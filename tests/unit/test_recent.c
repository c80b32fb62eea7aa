/* SPDX-License-Identifier: GPL-2.0-only */
/* The median of the answers of the last minute, from a histogram that only grows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "decide/recent.h"

#define T0 (1000 * RECENT_NS)
#define US 1000ULL

static void median_lies_in_the_place_of_the_middle_answer(void **state)
{
	__u64 places[HOKM_LATENCY_PLACES] = {0};
	struct recent r;

	(void)state;
	recent_init(&r, T0);
	assert_true(r.median_ns == RECENT_UNKNOWN);
	places[10] = RECENT_LEAST - 1;
	recent_take(&r, places, T0);
	assert_true(r.median_ns == RECENT_UNKNOWN);
	places[10] = 10;
	recent_take(&r, places, T0);
	assert_int_equal(r.median_ns, (1024 + 512) * US);
	/* A few slow ones move nothing; as many as the others make the border. */
	places[20] = 4;
	recent_take(&r, places, T0);
	assert_in_range(r.median_ns, 1024 * US, 2048 * US);
	places[20] = 10;
	recent_take(&r, places, T0);
	assert_int_equal(r.median_ns, 2048 * US);
	places[20] = 30;
	recent_take(&r, places, T0);
	assert_in_range(r.median_ns, 1048576 * US, 2097152 * US);
}

static void old_answers_are_forgotten(void **state)
{
	__u64 places[HOKM_LATENCY_PLACES] = {0};
	struct recent r;

	(void)state;
	recent_init(&r, T0);
	places[20] = 1000;
	recent_take(&r, places, T0);
	for (unsigned int i = 1; i <= 3; i++) {
		places[10] += 10;
		recent_take(&r, places, T0 + i * RECENT_NS);
	}
	assert_in_range(r.median_ns, 1024 * US, 2048 * US);
	/* Nobody comes: the median stays. Counters that began anew are no answers. */
	for (unsigned int i = 4; i <= 8; i++)
		recent_take(&r, places, T0 + i * RECENT_NS);
	assert_in_range(r.median_ns, 1024 * US, 2048 * US);
	places[10] = places[20] = 0;
	recent_take(&r, places, T0 + 9 * RECENT_NS);
	assert_in_range(r.median_ns, 1024 * US, 2048 * US);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(median_lies_in_the_place_of_the_middle_answer),
		cmocka_unit_test(old_answers_are_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
