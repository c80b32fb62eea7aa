/* SPDX-License-Identifier: GPL-2.0-only */
/* See unanswered.h. */
#include "decide/unanswered.h"

static enum unanswered_news begin_anew(struct unanswered *u, uint64_t syns, uint64_t answered)
{
	const bool ended = u->reported;

	*u = (struct unanswered){.known = true, .answered = answered, .syns = syns};
	return ended ? UNANSWERED_ENDED : UNANSWERED_NONE;
}

enum unanswered_news unanswered_step(struct unanswered *u, uint64_t syns, uint64_t answered,
				     bool doubtful, uint64_t now_ns)
{
	if (!u->known || answered != u->answered || syns < u->syns)
		return begin_anew(u, syns, answered);
	if (doubtful && !u->reported)
		return begin_anew(u, syns, answered);
	if (!u->since_ns && syns > u->syns)
		u->since_ns = now_ns;
	if (u->reported || !u->since_ns || syns - u->syns < UNANSWERED_SYNS ||
	    now_ns - u->since_ns < UNANSWERED_NS)
		return UNANSWERED_NONE;
	u->reported = true;
	return UNANSWERED_BEGAN;
}
