/* SPDX-License-Identifier: GPL-2.0-only */
/* See egress_sight.h. */
#include "decide/egress_sight.h"

void egress_sight_step(struct egress_sight *s, uint64_t answered_ns, uint64_t seen, uint64_t now_ns)
{
	if (!s->since_ns || seen != s->seen) {
		*s = (struct egress_sight){.seen = seen, .since_ns = now_ns};
		return;
	}
	if (answered_ns >= s->since_ns + EGRESS_SIGHT_NS)
		s->blind = true;
}
