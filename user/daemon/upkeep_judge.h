/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Should a node own, by what it lacks in the kernel? Only for the upkeep. What the rest of the
 * daemon asks is in upkeep.h.
 *
 * A vital part that fails for a second keeps the node away, and so does one that others remove
 * again and again (decide/removals.h), and an egress filter that is there and sees nothing
 * (decide/egress_sight.h). Pins that cannot be put back are another thing: nothing is worse yet, so
 * the policy asks for a peer first. Pins that are put back again and again are no matter.
 */
#ifndef HOKM_DAEMON_UPKEEP_JUDGE_H
#define HOKM_DAEMON_UPKEEP_JUDGE_H

#include "base/clock.h"
#include "daemon/upkeep.h"

/* A vital part that fails for so long is a reason to hand over. */
#define UPKEEP_PATIENCE_NS (NS_PER_S)

/* Is asked at each tick of the pulse. */
void upkeep_judge(struct upkeep *u, uint64_t now_ns);

/*
 * Another program removed this part, and it is back: put back by the daemon, or by itself after it
 * had failed.
 */
void upkeep_judge_removal(struct upkeep *u, enum keep_part part, uint64_t now_ns);

/*
 * Who gives the node's own address another mask removes it and adds it again. So it counts as gone
 * when it is not there for 0.2 s. The routes to the clients are set after it, by another program,
 * so they have a second. n: of this part, as the keeper found it. True: it may be back soon, and is
 * to be looked for again.
 */
bool upkeep_is_passing(struct upkeep *u, enum keep_part part, int n, uint64_t now_ns);

/* How many probes of this node the egress filter saw. 0 or -errno. */
int upkeep_sight_read(const struct upkeep *u, uint64_t *seen);

#endif
