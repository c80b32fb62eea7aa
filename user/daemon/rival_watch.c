/* SPDX-License-Identifier: GPL-2.0-only */
/* See rival_watch.h. */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/node.h"
#include "daemon/rival_watch.h"

static void report(const struct node *n, const char *name, const struct rival *r, uint64_t now_ns)
{
	const enum hokm_reason why = r->on ? HOKM_R_TWO_OWNERS : HOKM_R_ONE_OWNER;
	const unsigned long long ms = rival_lasted_ns(r, now_ns) / NS_PER_MS;

	log_line(r->on ? LOG_LVL_ERROR : LOG_LVL_WARN,
		 "peer %s reason=%s (%s): %s for %llu.%03llu s at most%s", name,
		 hokm_reason_name(why), hokm_reason_text(why), r->on ? "they have" : "they did",
		 ms / 1000, ms % 1000, r->on ? "; the one with the lower priority gives way" : "");
	events_add(n->events, "peer", why, "%s: %s, %s for %llu.%03llu s at most", name,
		   hokm_reason_text(why), r->on ? "they have" : "they did", ms / 1000, ms % 1000);
}

void rival_watch_run(struct rival_watch *w, const struct node *n, uint64_t since_ns)
{
	const uint64_t now_ns = clock_now_ns();
	const bool owns = since_ns && node_owner_until(n) > now_ns;

	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++) {
		const struct peer *p = &n->peers.list[slot];
		struct rival *r = &w->rivals[slot];
		const struct rival_seen seen = {
			.owner_since_ns = owns ? since_ns : 0,
			.answer_ns = p->map.newest_sent_ns,
			.lease_until_ns = p->map.lease_until_ns,
		};

		if (!p->used)
			memset(r, 0, sizeof(*r));
		else if (rival_step(r, &seen, now_ns) != RIVAL_NOTHING)
			report(n, p->name, r, now_ns);
	}
}
