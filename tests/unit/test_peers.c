/* SPDX-License-Identifier: GPL-2.0-only */
/* Is a peer alive, and how does this node know (decide/peer_sight)? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include "peer_cases.h"

static void each_case(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < SIGHT_CASES; i++) {
		const struct sight_case *c = &sight_cases[i];
		struct peer_signs signs = sight_signs(c, NOW);
		struct peer_sight sight = peer_sight(&signs, NOW);

		if (sight.by != c->by || sight.fresh != c->fresh ||
		    sight.silent_since_ns != c->silent_since_ns ||
		    sight.players_dead != c->players_dead)
			fail_msg("%s: by %u, fresh %d, silent for %lld ms, players dead %d",
				 c->what, sight.by, sight.fresh,
				 (long long)(NOW - sight.silent_since_ns) / 1000000,
				 sight.players_dead);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(each_case)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
