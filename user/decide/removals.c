/* SPDX-License-Identifier: GPL-2.0-only */
/* See removals.h. */
#include "decide/removals.h"

/* While it goes on it is the same time. */
static void count_stay(struct removals *r, uint64_t now_ns)
{
	const uint64_t peace_ns = now_ns - r->often_ns;

	if (!r->stays || peace_ns >= REMOVALS_PEACE_NS)
		r->stays = 1;
	else if (peace_ns >= REMOVALS_NS && r->stays < REMOVALS_STAYS_MOST)
		r->stays++;
	r->often_ns = now_ns;
}

uint64_t removals_note(struct removals *r, uint64_t now_ns)
{
	uint64_t oldest_ns;

	r->at_ns[r->next] = now_ns;
	r->next = (r->next + 1) % REMOVALS_MANY;
	oldest_ns = r->at_ns[r->next];
	if (!oldest_ns || now_ns - oldest_ns > REMOVALS_NS)
		return 0;
	count_stay(r, now_ns);
	return r->stays * REMOVALS_STAY_NS;
}
