/* SPDX-License-Identifier: GPL-2.0-only */
/* Does the egress filter see what leaves? Counters come in once a second. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "decide/egress_sight.h"

#define MS 1000000ULL

static void answers_without_a_probe_that_was_seen(void **state)
{
	static const struct {
		uint64_t ms, answers, seen;
		bool blind;
	} steps[] = {
		{5000, 700, 700, false},   {6000, 800, 800, false}, /* as usual */
		{7000, 900, 850, false}, /* a filter comes within this second */
		{7500, 950, 850, false},   {8000, 1000, 850, true},
		{9000, 1000, 850, true}, /* the peer is gone: nothing new is known */
		{10000, 1100, 851, false}, {11000, 1109, 851, false}, /* too few */
		{12000, 1110, 851, true},  {14000, 3, 851, false},    /* the maps are new */
		{15000, 100, 851, true},   {16000, 200, 1, false},
		{17000, 200, 1, false}, /* no peer answers */
		{99000, 200, 1, false},
	};
	struct egress_sight s = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		egress_sight_step(&s, steps[i].answers, steps[i].seen, steps[i].ms * MS);
		if (s.blind != steps[i].blind)
			fail_msg("step %zu", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_without_a_probe_that_was_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
