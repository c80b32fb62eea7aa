/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How often a node looks at what the packet path has noted of the others, and how often a backup
 * sends its probes. As long as anything is going on, and always with profile fast, both are done
 * each `pulse.interval`. In a calm group nothing new is seen by so many looks, and each costs more
 * than a probe. So a node looks each `pulse.calm_interval` then. An owner goes on to send its
 * probes each `pulse.interval`, because its grants last by them. A backup sends its probes as
 * rarely as it looks, and wakes up no more often.
 *
 * Adverts, a lost link, replication messages and requests wake the node as ever. What it learns by
 * looking alone is a silence, or another word of a peer. A silence is seen before anything could
 * follow from it: what was heard of another node at a look is not older than one calm interval and
 * a few pulses, so it is not older than two of them and these at the next look, and the calm
 * interval is at most a third of `pulse.dead` and of `grant`. The node asks and looks at the
 * shorter interval from then on. What cannot wait at all is in the packet path, which reads the
 * grants and the peers' answers itself.
 *
 * A pace is calm only if for PULSE_PACE_NS at each look
 *   - nothing is under way but routine, as a check of a service that is up;
 *   - every other member, nodes and witnesses, has answered within the calm interval and two
 *     pulses and a half: the last probe of a backup, one of the last five of an owner;
 *   - the owner, if it is another node, has sent a probe within that time. Its probes come each
 *     `pulse.interval`, whatever this node sends, and no longer than its process asks: its kernel
 *     answers this node's probes also when the process has ended;
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

/* The node has looked. Returns the time until the next look. */
uint64_t pulse_pace_step(struct pulse_pace *p, const struct pulse_pace_conf *c,
			 const struct pulse_pace_seen *seen, uint64_t now_ns);
/* Something is going on: the next looks follow each other at the shorter interval. */
void pulse_pace_disturb(struct pulse_pace *p);

#endif
