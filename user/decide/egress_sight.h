/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Does the egress filter see what leaves? A filter of another program that runs before ours and
 * ends the chain hides every packet from it, although it is attached. Then no refused SYN is
 * replayed, and no connection of this node is tracked.
 *
 * The proof is the node's own probes. The filter counts those that it sees, and the peers' answers
 * show that they left. Answers without a probe that was seen: the filter is blind. Without answers
 * nothing is known, and what was known stays. Pure; time comes in.
 */
#ifndef HOKM_DECIDE_EGRESS_SIGHT_H
#define HOKM_DECIDE_EGRESS_SIGHT_H

#include <stdbool.h>
#include <stdint.h>

/* So many answers, over at least so long. Those to probes before the hiding filter came are few. */
#define EGRESS_SIGHT_ANSWERS 10
#define EGRESS_SIGHT_NS      1000000000ULL

/* Zeroed at the start. */
struct egress_sight {
	uint64_t answers, seen; /* when a probe was seen the last time */
	uint64_t since_ns;      /* the same as a time; 0: before the first step */
	bool blind;
};

/* Takes the counters of now: answers of peers to this node's probes, and probes that were seen. */
void egress_sight_step(struct egress_sight *s, uint64_t answers, uint64_t seen, uint64_t now_ns);

#endif
