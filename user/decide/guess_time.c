/* SPDX-License-Identifier: GPL-2.0-only */
/* See guess_time.h. */
#include "decide/guess_time.h"

void guess_note_change(struct guess *g, uint64_t now_ns)
{
	g->until_ns = now_ns + GUESS_NS;
}

void guess_step(struct guess *g, bool sure, uint32_t owner, uint64_t now_ns)
{
	if (!sure || owner != g->owner)
		guess_note_change(g, now_ns);
	g->owner = owner;
}
