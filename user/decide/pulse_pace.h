/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How often a node sends its probes. An owner sends one each `pulse.interval`: its grants last by
 * them. So does every node as long as anything is going on. A backup of a healthy group learns
 * nothing new by so many, so it sends one each `pulse.calm_interval` then, and wakes up as rarely.
 *
 * Nothing is noticed later than with one interval, because the owner's own probes come to the
 * backup each `pulse.interval`, whatever the backup sends: their absence is seen when the backup
 * wakes up, and it asks at the shorter interval from then on. That must be before anything could
 * follow from the silence, so the calm interval is at most a third of `pulse.dead` and of `grant`.
 *
 * A pace is calm only if for PULSE_PACE_NS at each of this node's ticks
 *   - the node is a backup, and nothing is under way that has steps (decide/quiet.h);
 *   - every other member, nodes and witnesses, has answered the last probe;
 *   - the owner has shown a sign of life within two and a half of its intervals;
 *   - no change of this node's connections had to be replicated.
 * The first of them that is not true ends the calm at once.
 *
 * Pure.
 */
#ifndef HOKM_DECIDE_PULSE_PACE_H
#define HOKM_DECIDE_PULSE_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define PULSE_PACE_NS 1000000000ULL

struct pulse_pace_conf {
	uint64_t pulse_ns;
	uint64_t calm_ns; /* at least pulse_ns */
};

struct pulse_pace_seen {
	bool calm_backup;        /* and nothing is under way */
	bool all_answered;       /* the last probe */
	bool replicates;         /* a connection of this node has changed */
	uint64_t owner_alive_ns; /* the last sign of life of the owner; 0: none is known */
};

/* All zero at the start: not calm. */
struct pulse_pace {
	uint64_t calm_since_ns; /* 0: not calm */
};

/* At each tick. Returns the time until the next probe. */
uint64_t pulse_pace_step(struct pulse_pace *p, const struct pulse_pace_conf *c,
			 const struct pulse_pace_seen *seen, uint64_t now_ns);
/* Something is going on: the next probes follow each other at the shorter interval. */
void pulse_pace_disturb(struct pulse_pace *p);

#endif
