/* SPDX-License-Identifier: GPL-2.0-only */
/* Is a peer alive, and how does this node know: one table of cases (decide/peer_sight). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include "decide/peer_sight.h"

#define MS      1000000ULL
#define NOW     (100000 * MS)
#define AGO(ms) (NOW - (ms)*MS)

#define DEAD  100 /* ms */
#define STALE 500
#define DOWN  3000

struct sight_case {
	const char *what;
	struct peer_signs signs;
	enum peer_sign by;
	bool fresh;
	uint64_t silent_since_ns;
};

/* Probes have gone out without a break for a second, the newest one just now. */
#define ASKING .asking_ns = AGO(1000), .tick_ns = NOW
/* This node sent probes until 5 s ago, and again since 50 ms ago. */
#define BREAK .asked_ns = AGO(5000), .asking_ns = AGO(50), .tick_ns = NOW

static const struct sight_case cases[] = {
	{"never answered", {ASKING}, PEER_SILENT, false, 0},
	{"answered just now",
	 {ASKING, .seen_ns = NOW, .daemon_seen_ns = NOW},
	 PEER_BY_PULSE,
	 true,
	 NOW},
	{"answered within the limit",
	 {ASKING, .seen_ns = AGO(99), .daemon_seen_ns = AGO(99)},
	 PEER_BY_PULSE,
	 true,
	 AGO(99)},
	{"silent for exactly the limit",
	 {ASKING, .seen_ns = AGO(100), .daemon_seen_ns = AGO(100)},
	 PEER_SILENT,
	 false,
	 AGO(100)},
	{"the answer is newer than the clock reading",
	 {ASKING, .seen_ns = NOW + 1, .daemon_seen_ns = NOW + 1},
	 PEER_BY_PULSE,
	 true,
	 NOW + 1},
	{"its daemon is within its limit",
	 {ASKING, .seen_ns = NOW, .daemon_seen_ns = AGO(499)},
	 PEER_BY_PULSE,
	 true,
	 NOW},
	{"its daemon is silent for the limit",
	 {ASKING, .seen_ns = NOW, .daemon_seen_ns = AGO(500)},
	 PEER_BY_PULSE,
	 false,
	 NOW},
	{"its daemon never showed life", {ASKING, .seen_ns = NOW}, PEER_BY_PULSE, false, NOW},

	{"this node sends no probes any more: silence proves nothing",
	 {.asking_ns = AGO(9000),
	  .tick_ns = AGO(3000),
	  .seen_ns = AGO(3050),
	  .daemon_seen_ns = AGO(3050)},
	 PEER_BY_PULSE,
	 false,
	 AGO(3050)},
	{"it was dead already when the probes ended",
	 {.asking_ns = AGO(9000),
	  .tick_ns = AGO(3000),
	  .seen_ns = AGO(3200),
	  .daemon_seen_ns = AGO(3200)},
	 PEER_SILENT,
	 false,
	 AGO(3200)},
	{"alive before a break: the limit begins again with the first probe",
	 {BREAK, .seen_ns = AGO(5010), .daemon_seen_ns = AGO(5010)},
	 PEER_BY_PULSE,
	 false,
	 AGO(50)},
	{"alive before a break, silent for the whole limit after it",
	 {.asked_ns = AGO(5000), .asking_ns = AGO(100), .tick_ns = NOW, .seen_ns = AGO(5010)},
	 PEER_SILENT,
	 false,
	 AGO(100)},
	{"dead before a break stays dead",
	 {BREAK, .seen_ns = AGO(5100), .daemon_seen_ns = AGO(5100)},
	 PEER_SILENT,
	 false,
	 AGO(5100)},
	{"answered again since the break",
	 {BREAK, .seen_ns = AGO(10), .daemon_seen_ns = AGO(10)},
	 PEER_BY_PULSE,
	 true,
	 AGO(10)},
	{"the end of the probes before the break is unknown: counts as alive then",
	 {.asking_ns = AGO(50), .tick_ns = NOW, .seen_ns = AGO(60000)},
	 PEER_BY_PULSE,
	 false,
	 AGO(50)},

	{"an advert within Master_Down_Interval",
	 {ASKING, .advert_ns = AGO(2999)},
	 PEER_BY_ADVERT,
	 false,
	 0},
	{"the advert has expired", {ASKING, .advert_ns = AGO(3000)}, PEER_SILENT, false, 0},
	{"this node owned meanwhile: the advert counts from then on",
	 {ASKING, .advert_ns = AGO(60000), .owned_ns = AGO(100)},
	 PEER_BY_ADVERT,
	 false,
	 0},
	{"this node owned, but the peer never sent an advert",
	 {ASKING, .owned_ns = NOW},
	 PEER_SILENT,
	 false,
	 0},
	{"answers and adverts: the answers count",
	 {ASKING, .seen_ns = NOW, .daemon_seen_ns = NOW, .advert_ns = NOW},
	 PEER_BY_PULSE,
	 true,
	 NOW},
	{"adverts after its answers ended",
	 {ASKING, .seen_ns = AGO(200), .daemon_seen_ns = AGO(200), .advert_ns = AGO(10)},
	 PEER_BY_ADVERT,
	 false,
	 AGO(200)},
};

static void each_case(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct sight_case *c = &cases[i];
		struct peer_signs signs = c->signs;
		struct peer_sight sight;

		signs.dead_ns = DEAD * MS;
		signs.stale_ns = STALE * MS;
		signs.master_down_ns = DOWN * MS;
		sight = peer_sight(&signs, NOW);
		if (sight.by != c->by || sight.fresh != c->fresh ||
		    sight.silent_since_ns != c->silent_since_ns)
			fail_msg("%s: by %u, fresh %d, silent for %lld ms", c->what, sight.by,
				 sight.fresh, (long long)(NOW - sight.silent_since_ns) / 1000000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(each_case)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
