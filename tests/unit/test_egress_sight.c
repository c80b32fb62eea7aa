/* SPDX-License-Identifier: GPL-2.0-only */
/* Does the egress filter see what leaves? Counters come in once a second. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "decide/egress_sight.h"

#define MS 1000000ULL

static void an_answered_probe_that_was_not_seen(void **state)
{
	static const struct {
		uint64_t ms, answered_ms, seen;
		bool blind;
	} steps[] = {
		{5000, 4990, 700, false},
		{6000, 5990, 800, false}, /* as usual */
		{7000, 6990, 850, false}, /* a filter comes within this second */
		{8000, 7990, 850, false}, /* 0.99 s: a look may come late */
		{9000, 8990, 850, true},
		{10000, 8990, 850, true}, /* the peer is gone: nothing new is known */
		{11000, 10990, 851, false},
		{12000, 10990, 851, false}, /* probes wait for the peer's MAC address */
		{99000, 10990, 851, false}, /* the peer answers over another path */
		{100000, 99990, 851, true},
		{101000, 100990, 3, false}, /* the maps are new */
		{102000, 0, 3, false},      /* no peer has ever answered */
		{199000, 0, 3, false},
	};
	struct egress_sight s = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		egress_sight_step(&s, steps[i].answered_ms * MS, steps[i].seen, steps[i].ms * MS);
		if (s.blind != steps[i].blind)
			fail_msg("step %zu", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answered_probe_that_was_not_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
