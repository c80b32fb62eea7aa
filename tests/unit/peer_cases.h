/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is known of a peer, and whether it is alive then: one table for decide/peer_sight
 * (tests/unit) and for the packet path (tests/bpf). No time lies further back than a machine runs
 * that has just started.
 */
#ifndef TEST_PEER_CASES_H
#define TEST_PEER_CASES_H

#include "decide/peer_sight.h"

/* Most cases end before the last column. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#define MS      1000000ULL
#define NOW     (100000 * MS)
#define AGO(ms) (NOW - (ms)*MS)

#define DEAD    100 /* ms */
#define PLAYERS 300
#define STALE   500
#define DOWN    300

struct sight_case {
	const char *what;
	struct peer_signs signs; /* alive_ns: as seen_ns, unless given */
	enum peer_sign by;
	bool fresh;
	uint64_t silent_since_ns;
	bool players_dead;
};

/* Probes have gone out without a break for a second, the newest one just now. */
#define ASKING .asking_ns = AGO(1000), .tick_ns = NOW
/* This node sent probes until 1.5 s ago, and again since 50 ms ago. */
#define BREAK .asked_ns = AGO(1500), .asking_ns = AGO(50), .tick_ns = NOW

static const struct sight_case sight_cases[] = {
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
	 {.asking_ns = AGO(2000),
	  .tick_ns = AGO(1000),
	  .seen_ns = AGO(1050),
	  .daemon_seen_ns = AGO(1050)},
	 PEER_BY_PULSE,
	 false,
	 AGO(1050)},
	{"it was dead already when the probes ended",
	 {.asking_ns = AGO(2000),
	  .tick_ns = AGO(1000),
	  .seen_ns = AGO(1200),
	  .daemon_seen_ns = AGO(1200)},
	 PEER_SILENT,
	 false,
	 AGO(1200)},
	{"alive before a break: the limit begins again with the first probe",
	 {BREAK, .seen_ns = AGO(1510), .daemon_seen_ns = AGO(1510)},
	 PEER_BY_PULSE,
	 false,
	 AGO(50)},
	{"alive before a break, silent for the whole limit after it",
	 {.asked_ns = AGO(1500), .asking_ns = AGO(100), .tick_ns = NOW, .seen_ns = AGO(1510)},
	 PEER_SILENT,
	 false,
	 AGO(100)},
	{"dead before a break stays dead",
	 {BREAK, .seen_ns = AGO(1600), .daemon_seen_ns = AGO(1600)},
	 PEER_SILENT,
	 false,
	 AGO(1600)},
	{"answered again since the break",
	 {BREAK, .seen_ns = AGO(10), .daemon_seen_ns = AGO(10)},
	 PEER_BY_PULSE,
	 true,
	 AGO(10)},
	{"the end of the probes before the break is unknown: counts as alive then",
	 {.asking_ns = AGO(50), .tick_ns = NOW, .seen_ns = AGO(2500)},
	 PEER_BY_PULSE,
	 false,
	 AGO(50)},

	{"an advert within Master_Down_Interval",
	 {ASKING, .advert_ns = AGO(299)},
	 PEER_BY_ADVERT,
	 false,
	 0},
	{"the advert has expired", {ASKING, .advert_ns = AGO(300)}, PEER_SILENT, false, 0},
	{"this node owned meanwhile: the advert counts from then on",
	 {ASKING, .advert_ns = AGO(2000), .owned_ns = AGO(100)},
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

	{"silent, and its connections are nearly over",
	 {ASKING, .seen_ns = AGO(299)},
	 PEER_SILENT,
	 false,
	 AGO(299)},
	{"silent, and its connections are over",
	 {ASKING, .seen_ns = AGO(300)},
	 PEER_SILENT,
	 false,
	 AGO(300),
	 true},
	{"its pulses ended, other signs go on",
	 {ASKING, .seen_ns = AGO(1000), .alive_ns = AGO(299)},
	 PEER_SILENT,
	 false,
	 AGO(1000)},
	{"all signs ended",
	 {ASKING, .seen_ns = AGO(1000), .alive_ns = AGO(300)},
	 PEER_SILENT,
	 false,
	 AGO(1000),
	 true},
	{"its probes come, its answers never came",
	 {ASKING, .alive_ns = AGO(10)},
	 PEER_SILENT,
	 false,
	 0},
	{"this node asks no more, and had not asked long enough",
	 {.asking_ns = AGO(3000), .tick_ns = AGO(1000), .seen_ns = AGO(1299)},
	 PEER_SILENT,
	 false,
	 AGO(1299)},
	{"this node asks no more, and had asked long enough",
	 {.asking_ns = AGO(3000), .tick_ns = AGO(1000), .seen_ns = AGO(1300)},
	 PEER_SILENT,
	 false,
	 AGO(1300),
	 true},
	{"a break in the questions: its connections have the whole limit again",
	 {BREAK, .seen_ns = AGO(1799)},
	 PEER_SILENT,
	 false,
	 AGO(1799)},
	{"its connections were over before the break",
	 {BREAK, .seen_ns = AGO(1800)},
	 PEER_SILENT,
	 false,
	 AGO(1800),
	 true},
	{"silent for the whole limit after the break",
	 {.asked_ns = AGO(1500), .asking_ns = AGO(300), .tick_ns = NOW, .seen_ns = AGO(1510)},
	 PEER_SILENT,
	 false,
	 AGO(300),
	 true},
};

#define SIGHT_CASES (sizeof(sight_cases) / sizeof(sight_cases[0]))

/* Moves a time of the table to another moment that is now; 0 stays "never". */
static inline uint64_t sight_move(uint64_t ns, uint64_t now_ns)
{
	return ns ? ns - NOW + now_ns : 0;
}

/* The case as of now_ns, with its limits. */
static inline struct peer_signs sight_signs(const struct sight_case *c, uint64_t now_ns)
{
	uint64_t alive_ns = c->signs.alive_ns ? c->signs.alive_ns : c->signs.seen_ns;

	return (struct peer_signs){
		.seen_ns = sight_move(c->signs.seen_ns, now_ns),
		.alive_ns = sight_move(alive_ns, now_ns),
		.daemon_seen_ns = sight_move(c->signs.daemon_seen_ns, now_ns),
		.advert_ns = sight_move(c->signs.advert_ns, now_ns),
		.asking_ns = sight_move(c->signs.asking_ns, now_ns),
		.asked_ns = sight_move(c->signs.asked_ns, now_ns),
		.tick_ns = sight_move(c->signs.tick_ns, now_ns),
		.owned_ns = sight_move(c->signs.owned_ns, now_ns),
		.dead_ns = DEAD * MS,
		.players_dead_ns = PLAYERS * MS,
		.stale_ns = STALE * MS,
		.master_down_ns = DOWN * MS,
	};
}

#endif
