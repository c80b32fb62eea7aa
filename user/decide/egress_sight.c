/* SPDX-License-Identifier: GPL-2.0-only */
/* See egress_sight.h. */
#include "decide/egress_sight.h"

void egress_sight_step(struct egress_sight *s, uint64_t answers, uint64_t seen, uint64_t now_ns)
{
	/* Counters that became smaller began anew. */
	if (!s->since_ns || seen != s->seen || answers < s->answers) {
		*s = (struct egress_sight){.answers = answers, .seen = seen, .since_ns = now_ns};
		return;
	}
	if (answers - s->answers >= EGRESS_SIGHT_ANSWERS && now_ns - s->since_ns >= EGRESS_SIGHT_NS)
		s->blind = true;
}
