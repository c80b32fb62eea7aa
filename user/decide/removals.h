/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Does another program remove the same thing again and again? Each time it is put back soon, but
 * between two times it is away. A node that lacks it most of the time is no good owner, although
 * nothing ever fails.
 *
 * It is too often when it was removed REMOVALS_MANY times within REMOVALS_NS. Then the node stays
 * away for REMOVALS_STAY_NS. Who removes it may do so only on the owner, and begins again when the
 * node owns again: so the node stays away longer each time, up to REMOVALS_STAYS_MOST times as
 * long, until there was peace for REMOVALS_PEACE_NS. Pure; time comes in.
 */
#ifndef HOKM_DECIDE_REMOVALS_H
#define HOKM_DECIDE_REMOVALS_H

#include <stdint.h>

#define REMOVALS_MANY       5
#define REMOVALS_NS         10000000000ULL
#define REMOVALS_STAY_NS    30000000000ULL
#define REMOVALS_STAYS_MOST 10
/* Longer than the longest stay, or that one would be forgotten at its end. */
#define REMOVALS_PEACE_NS 600000000000ULL

/* Zeroed at the start. */
struct removals {
	uint64_t at_ns[REMOVALS_MANY]; /* the last ones; 0: there were fewer */
	unsigned int next;             /* the place of the next one, which is that of the oldest */
	unsigned int stays;            /* how many times in a row it was too often */
	uint64_t often_ns;             /* when it was too often the last time */
};

/* It was removed once more. Returns 0, or how long to stay away: it is too often. */
uint64_t removals_note(struct removals *r, uint64_t now_ns);

#endif
