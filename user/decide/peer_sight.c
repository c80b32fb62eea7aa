/* SPDX-License-Identifier: GPL-2.0-only */
/* See peer_sight.h. */
#include "decide/peer_sight.h"

/* A stamp may be a little newer than the clock reading: the kernel writes them meanwhile. */
static bool within(uint64_t stamp_ns, uint64_t now_ns, uint64_t limit_ns)
{
	return stamp_ns && (int64_t)(now_ns - stamp_ns) < (int64_t)limit_ns;
}

/* From when on the silence after this sign counts. */
static uint64_t silent_since(const struct peer_signs *s, uint64_t seen_ns, uint64_t limit_ns)
{
	if (seen_ns && seen_ns < s->asking_ns && within(seen_ns, s->asked_ns, limit_ns))
		return s->asking_ns;
	return seen_ns;
}

static bool advert_counts(const struct peer_signs *s, uint64_t now_ns)
{
	uint64_t since_ns = s->advert_ns > s->owned_ns ? s->advert_ns : s->owned_ns;

	return s->advert_ns && now_ns < since_ns + s->master_down_ns;
}

struct peer_sight peer_sight(const struct peer_signs *s, uint64_t now_ns)
{
	/* Without newer probes no newer answers can come. */
	uint64_t asked_ns = s->tick_ns && s->tick_ns < now_ns ? s->tick_ns : now_ns;
	uint64_t alive_ns = silent_since(s, s->alive_ns, s->players_dead_ns);
	struct peer_sight sight = {.silent_since_ns = silent_since(s, s->seen_ns, s->dead_ns)};

	if (within(sight.silent_since_ns, asked_ns, s->dead_ns))
		sight.by = PEER_BY_PULSE;
	else if (advert_counts(s, now_ns))
		sight.by = PEER_BY_ADVERT;
	sight.players_dead = alive_ns && !within(alive_ns, asked_ns, s->players_dead_ns);
	sight.secrets_differ = sight.by != PEER_BY_PULSE &&
			       within(s->wrong_tag_ns, now_ns, PEER_WRONG_TAG_NS);
	sight.unseen = sight.by != PEER_BY_PULSE && s->advert_mac_known &&
		       s->repl_ns > sight.silent_since_ns + s->dead_ns &&
		       within(s->repl_ns, now_ns, PEER_UNSEEN_NS);
	sight.fresh = sight.by == PEER_BY_PULSE && within(s->daemon_seen_ns, now_ns, s->stale_ns);
	return sight;
}
