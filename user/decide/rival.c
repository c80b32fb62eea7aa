/* SPDX-License-Identifier: GPL-2.0-only */
/* See rival.h. */
#include "decide/rival.h"

static bool by_answer(const struct rival_seen *seen, uint64_t now_ns)
{
	return seen->owner_since_ns && seen->answer_ns > seen->owner_since_ns &&
	       seen->lease_until_ns > now_ns;
}

static bool by_adverts(struct rival *r, const struct rival_seen *seen, uint64_t now_ns)
{
	if (!seen->owner_since_ns || seen->advert_ns <= seen->owner_since_ns ||
	    now_ns - seen->advert_ns >= seen->down_ns) {
		r->first_ns = 0;
		return false;
	}
	if (!r->first_ns)
		r->first_ns = seen->advert_ns;
	return seen->advert_ns - r->first_ns >= seen->adver_ns / 2;
}

/* Adverts alone have just been reported, and no answer has come since. */
static bool reported(const struct rival *r, const struct rival_seen *seen, uint64_t now_ns)
{
	return !r->on && r->reported_ns && seen->answer_ns <= r->reported_ns &&
	       now_ns - r->reported_ns < RIVAL_GAP_NS;
}

enum rival_news rival_step(struct rival *r, const struct rival_seen *seen, uint64_t now_ns)
{
	const bool answers = by_answer(seen, now_ns), adverts = by_adverts(r, seen, now_ns);
	const bool both = answers || (adverts && !reported(r, seen, now_ns));

	if (!seen->lease_until_ns && seen->answer_ns > r->alone_ns)
		r->alone_ns = seen->answer_ns;
	if (both) {
		r->by_adverts = !answers;
		r->over_ns = 0;
	} else if (r->on && !r->over_ns) {
		r->over_ns = now_ns;
	}
	if (both == r->on || (!both && now_ns - r->over_ns < RIVAL_OVER_NS))
		return RIVAL_NOTHING;
	r->on = both;
	if (!both)
		return RIVAL_ENDED;
	r->n++;
	if (r->by_adverts)
		r->reported_ns = now_ns;
	r->since_ns = r->alone_ns > seen->owner_since_ns ? r->alone_ns : seen->owner_since_ns;
	return RIVAL_BEGAN;
}

uint64_t rival_lasted_ns(const struct rival *r, uint64_t now_ns)
{
	const uint64_t end_ns = r->over_ns ? r->over_ns : now_ns;

	return end_ns > r->since_ns ? end_ns - r->since_ns : 0;
}
