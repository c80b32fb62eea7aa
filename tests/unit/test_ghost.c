/* SPDX-License-Identifier: GPL-2.0-only */
/* Which connections end because a peer has notified their clients (decide/ghost). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include "decide/ghost.h"
#include "hokm/abi.h"

#define MS    1000000ULL
#define ENDED (5000 * MS)

static void each_case(void **state)
{
	static const struct {
		const char *what;
		uint8_t target;
		uint32_t isn;
		uint64_t last_ns, awake_ns;
		bool ghost;
	} rows[] = {
		{"silent since", HOKM_LOCAL, 7, ENDED - 900 * MS, 1, true},
		{"on its way when the client was notified", HOKM_LOCAL, 7, ENDED + 100 * MS, 1,
		 true},
		{"the client plays on", HOKM_LOCAL, 7, ENDED + 101 * MS, 1, false},
		{"it arrived while this machine stood still", HOKM_LOCAL, 7, ENDED + 2000 * MS,
		 ENDED + 1990 * MS, true},
		{"the client plays on after the wake-up", HOKM_LOCAL, 7, ENDED + 2000 * MS,
		 ENDED + 1800 * MS, false},
		{"another connection with the same port", HOKM_LOCAL, 8, ENDED - 900 * MS, 1,
		 false},
		{"a peer holds it", 0, 7, ENDED - 900 * MS, 1, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct hokm_conn c = {.target = rows[i].target, .isn = rows[i].isn};

		c.c2s.last_ns = rows[i].last_ns;
		if (ghost_is(&c, 7, ENDED, rows[i].awake_ns) != rows[i].ghost)
			fail_msg("%s", rows[i].what);
	}
}

/* A peer has a connection of the same address and port, isn 8, since ENDED. */
static void each_case_of_a_later_one(void **state)
{
	static const struct {
		const char *what;
		uint8_t target, tcp_state;
		uint32_t isn;
		uint64_t created_ns, last_ns;
		bool ghost;
	} rows[] = {
		{"silent since before", HOKM_LOCAL, HOKM_TCP_ESTABLISHED, 7, 1000 * MS, 2000 * MS,
		 true},
		{"its last packet was on its way", HOKM_LOCAL, HOKM_TCP_ESTABLISHED, 7, 1000 * MS,
		 ENDED + 100 * MS, true},
		{"the client plays on here", HOKM_LOCAL, HOKM_TCP_ESTABLISHED, 7, 1000 * MS,
		 ENDED + 101 * MS, false},
		{"the one here is the later one", HOKM_LOCAL, HOKM_TCP_ESTABLISHED, 7,
		 ENDED + 1 * MS, ENDED + 2 * MS, false},
		{"which is later is not known so exactly", HOKM_LOCAL, HOKM_TCP_ESTABLISHED, 7,
		 ENDED - 3000 * MS, ENDED - 900 * MS, false},
		{"it is known", HOKM_LOCAL, HOKM_TCP_ESTABLISHED, 7, ENDED - 3001 * MS,
		 ENDED - 900 * MS, true},
		{"the same connection", HOKM_LOCAL, HOKM_TCP_ESTABLISHED, 8, 1000 * MS, 2000 * MS,
		 false},
		{"it has ended", HOKM_LOCAL, HOKM_TCP_CLOSED, 7, 1000 * MS, 2000 * MS, false},
		{"a peer holds it", 0, HOKM_TCP_ESTABLISHED, 7, 1000 * MS, 2000 * MS, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct hokm_conn c = {.target = rows[i].target,
				      .tcp_state = rows[i].tcp_state,
				      .isn = rows[i].isn,
				      .created_ns = rows[i].created_ns};

		c.c2s.last_ns = rows[i].last_ns;
		if (ghost_replaced(&c, 8, ENDED) != rows[i].ghost)
			fail_msg("%s", rows[i].what);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_case), cmocka_unit_test(each_case_of_a_later_one)};

	return cmocka_run_group_tests_name("ghost", tests, NULL, NULL);
}
