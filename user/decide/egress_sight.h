/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Does the egress filter see what leaves? A filter of another program that runs before ours and
 * ends the chain hides every packet from it, although it is attached. Then no refused SYN is
 * replayed, and no connection of this node is tracked.
 *
 * The proof is the node's own probes. The filter counts those that it sees, and a peer's answer
 * over the segment shows that its probe left there. An answered probe that left after the last one
 * that was seen: the filter is blind. Without such answers nothing is known, and what was known
 * stays. Answers over another path prove nothing: the probes over the segment may have waited for
 * the peer's MAC address, and then none of them left. Pure; time comes in.
 */
#ifndef HOKM_DECIDE_EGRESS_SIGHT_H
#define HOKM_DECIDE_EGRESS_SIGHT_H

#include <stdbool.h>
#include <stdint.h>

/* So long after the look at which the last probe was seen to have been. */
#define EGRESS_SIGHT_NS 1000000000ULL

/* Zeroed at the start. */
struct egress_sight {
	uint64_t seen;     /* how many probes were seen */
	uint64_t since_ns; /* the first step with this number; 0: there was none */
	bool blind;
};

/*
 * Takes how many probes were seen until now, and when the newest one left that a peer answered over
 * the segment; 0: none.
 */
void egress_sight_step(struct egress_sight *s, uint64_t answered_ns, uint64_t seen,
		       uint64_t now_ns);

#endif
