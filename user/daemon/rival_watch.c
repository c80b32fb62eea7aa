/* SPDX-License-Identifier: GPL-2.0-only */
/* See rival_watch.h. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/node.h"
#include "daemon/rival_watch.h"

#define END_MAX 384

/* How it ends: that depends on how the other owner is known. */
static void end_text(char dst[END_MAX], const struct conf *c, const char *name,
		     const struct rival *r)
{
	dst[0] = '\0';
	if (r->on && r->by_adverts)
		snprintf(dst, END_MAX,
			 "; its adverts come and its pulses do not: "
			 "let UDP port %u pass between the nodes; "
			 "while replication comes (UDP port %u), "
			 "the one with the lower priority gives way, "
			 "and to adverts alone none does; or an attacker forges them: "
			 "ask %s itself before you stop one",
			 c->pulse_port, c->repl_port, name);
	else if (r->on)
		snprintf(dst, END_MAX, "; the one with the lower priority gives way");
}

static void report(const struct node *n, const char *name, const struct rival *r, uint64_t now_ns)
{
	const enum hokm_reason why = r->on ? HOKM_R_TWO_OWNERS : HOKM_R_ONE_OWNER;
	const unsigned long long ms = rival_lasted_ns(r, now_ns) / NS_PER_MS;
	char end[END_MAX];

	end_text(end, n->conf, name, r);
	log_line(r->on && !r->by_adverts ? LOG_LVL_ERROR : LOG_LVL_WARN,
		 "peer %s reason=%s (%s): %s for %llu.%03llu s at most%s", name,
		 hokm_reason_name(why), hokm_reason_text(why), r->on ? "they have" : "they did",
		 ms / 1000, ms % 1000, end);
	events_add(n->events, "peer", why, "%s: %s, %s for %llu.%03llu s at most%s", name,
		   hokm_reason_text(why), r->on ? "they have" : "they did", ms / 1000, ms % 1000,
		   r->on && r->by_adverts ? "; or an attacker forges its adverts" : "");
}

/*
 * Its newest advert, if it should answer pulses and answers none. One from another MAC address than
 * its pulses came from is of another host.
 */
static uint64_t unseen_advert_ns(const struct peers *p, unsigned int slot, uint64_t now_ns)
{
	if (!peers_answers_pulses(p, slot) || peers_adverts_count(p, slot, now_ns) ||
	    !peers_advert_mac_known(p, slot))
		return 0;
	return p->list[slot].advert_ns;
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
			.advert_ns = unseen_advert_ns(&n->peers, slot, now_ns),
			.adver_ns = n->conf->advert_ns,
			.down_ns = n->peers.master_down_ns,
		};

		if (!p->used)
			memset(r, 0, sizeof(*r));
		else if (rival_step(r, &seen, now_ns) != RIVAL_NOTHING)
			report(n, p->name, r, now_ns);
	}
}
