/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How often a node sends its probes, and looks at what the packet path has noted of the others. As
 * long as anything is going on, and always with profile fast, it does so each `pulse.interval`. In
 * a calm group so many probes say nothing new, and a wake-up is most of what a node costs at rest.
 * So a node wakes up each `pulse.calm_interval` then.
 *
 * The calm interval is at most a third of `grant`, and each probe of an owner asks for a whole
 * grant. An answer that is missing at the next look ends the calm, and the owner asks at the
 * shorter interval for the rest of its grants.
 *
 * Adverts, a lost link, replication messages and requests wake the node as ever. What it learns by
 * looking alone is a silence, or another word of a peer. A silence is seen before anything could
 * follow from it: what was heard of another node at a look is not older than one calm interval and
 * a half, so it is not older than two and a half at the next look, and the calm interval is at most
 * a third of `pulse.dead` and of `grant`. The node asks and looks at the
 * shorter interval from then on. What cannot wait at all is in the packet path, which reads the
 * grants and the peers' answers itself.
 *
 * A pace is calm only if for PULSE_PACE_NS at each look
 *   - nothing is under way but routine, as a check of a service that is up;
 *   - every other member, nodes and witnesses, has answered the last probe: within the calm
 *     interval and half of it, or two pulses and a half if that is less;
 *   - the owner, if it is another node, has sent a probe within that time. Its probes come no
 *     longer than its process asks: its kernel answers this node's probes also when the process
 *     has ended;
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
	bool steady;       /* nothing but routine is under way */
	bool replicates;   /* a connection of this node has changed */
	uint64_t heard_ns; /* the oldest of the last signs; 0: one of them never came */
};

/* All zero at the start: not calm. */
struct pulse_pace {
	uint64_t calm_since_ns; /* 0: not calm */
};

/* The node has looked. Returns the time until the next probe, and look. */
uint64_t pulse_pace_step(struct pulse_pace *p, const struct pulse_pace_conf *c,
			 const struct pulse_pace_seen *seen, uint64_t now_ns);
/* Something is going on: the next probes follow each other at the shorter interval. */
void pulse_pace_disturb(struct pulse_pace *p);

#endif
