/* SPDX-License-Identifier: GPL-2.0-only */
/* See notify_ends.h. */
#include <stdio.h>
#include <string.h>

#include "daemon/agreement.h"
#include "daemon/etcd_watch.h"
#include "daemon/gateway_watch.h"
#include "daemon/node.h"
#include "daemon/notify_ends.h"
#include "daemon/notify_feed.h"
#include "daemon/quorum.h"
#include "daemon/rival_watch.h"
#include "daemon/steering.h"
#include "decide/policy.h"

#define LOOK_NS NS_PER_S

/* `well` for the first time: what there was is over. `name` is the subject, "" for the node. */
static void end(struct notify_ends *e, bool *told, bool well, const char *what,
		enum hokm_reason why, const char *name)
{
	char text[NOTIFY_LINE_MAX];

	if (*told || !well)
		return;
	*told = true;
	snprintf(text, sizeof(text), "%s%s%s", name, name[0] ? ": " : "", hokm_reason_text(why));
	notify_feed_end(e->of.feed, what, why, text);
}

/* A service of the group is up, so no problem of all nodes can go on. */
static bool any_up(const struct notify_ends_of *of, uint64_t now_ns)
{
	const struct services *s = &of->node->services;

	for (unsigned int i = 0; i < s->n; i++)
		if (of->policy->svc[i] == HOKM_SVC_UP ||
		    peers_serve(&of->node->peers, s->list[i].tag, now_ns))
			return true;
	return false;
}

/* A peer answers over a path, or over the segment. */
static bool path_is_well(const struct peers *p, unsigned int slot, unsigned int path,
			 uint64_t now_ns)
{
	if (path == HOKM_PATH_SEGMENT)
		return peers_on_segment(p, slot, now_ns);
	return p->list[slot].path[path - 1].seen_ns + p->dead_ns > now_ns;
}

/* Only where there are several paths the silence of one is a problem of its own. */
static void look_at_paths(struct notify_ends *e, unsigned int slot, uint64_t now_ns)
{
	const struct peers *p = &e->of.node->peers;

	for (unsigned int path = 0; p->n_paths && path <= p->n_paths; path++) {
		char name[CONF_NAME_MAX + PULSE_PATH_NAME_LEN + 2], of[PULSE_PATH_NAME_LEN];

		pulse_path_name(path, of);
		snprintf(name, sizeof(name), "%s %s", p->list[slot].name, of);
		end(e, &e->paths[slot][path], path_is_well(p, slot, path, now_ns), "peer",
		    HOKM_R_PATH_ANSWERS, name);
	}
}

/*
 * Its settings agree, and it takes part where members grant. Of a witness nothing else is known.
 * Without replication a peer's settings are not known, and a daemon must be there to have any.
 */
static bool settings_are_well(const struct notify_ends_of *of, unsigned int slot, uint64_t now_ns)
{
	if (of->quorum->unwilling[slot])
		return false;
	if (of->node->peers.witnesses[slot].used)
		return of->quorum->answered[slot] && !of->quorum->silent[slot];
	if (of->agreement->told[slot][0])
		return false;
	return of->agreement->replication ? agreement_there(of->agreement, slot, now_ns) != NULL
					  : peers_sight(&of->node->peers, slot, now_ns).fresh;
}

/* By its own answers: of a peer that is silent nobody knows whether it owns the VIP. */
static bool is_no_rival(const struct notify_ends_of *of, unsigned int slot, uint64_t now_ns)
{
	return peers_sight(&of->node->peers, slot, now_ns).by == PEER_BY_PULSE &&
	       !of->rivals->rivals[slot].on;
}

static void look_at_peers(struct notify_ends *e, uint64_t now_ns)
{
	const struct notify_ends_of *of = &e->of;

	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++) {
		const char *name = peers_name(&of->node->peers, slot);

		if (!name)
			continue;
		if (of->node->peers.list[slot].used) {
			look_at_paths(e, slot, now_ns);
			end(e, &e->one_owner[slot], is_no_rival(of, slot, now_ns), "peer",
			    HOKM_R_ONE_OWNER, name);
		}
		end(e, &e->settings[slot], settings_are_well(of, slot, now_ns), "peer",
		    HOKM_R_SETTINGS_AGREE, name);
		end(e, &e->steerable[slot], of->steering->peers[slot].test.state == STEER_GOOD,
		    "peer", HOKM_R_STEERABLE, name);
	}
}

static void look(void *arg)
{
	struct notify_ends *e = arg;
	const struct notify_ends_of *of = &e->of;
	const struct services *s = &of->node->services;
	enum gateway_phase gateway = of->gateway->gateway.phase;
	enum tie_phase etcd = of->etcd->tie.phase;
	uint64_t now_ns = clock_now_ns();

	if (now_ns < e->look_ns)
		return;
	e->look_ns = now_ns + LOOK_NS;
	end(e, &e->link, *of->link_up, "link", HOKM_R_LINK_UP, "");
	end(e, &e->panic, !of->policy->panic && any_up(of, now_ns), "state", HOKM_R_SERVICE_UP, "");
	end(e, &e->majority,
	    !of->quorum->in_force.majority || of->quorum->news.reported == MAJORITY_THERE, "state",
	    HOKM_R_MAJORITY, "");
	end(e, &e->gateway, gateway == GATEWAY_PEER || gateway == GATEWAY_ANSWERS, "state",
	    HOKM_R_GATEWAY_ANSWERS, "gateway");
	end(e, &e->etcd, etcd == TIE_PEER || etcd == TIE_HOLDS || etcd == TIE_OTHER, "state",
	    HOKM_R_ETCD_ANSWERS, "etcd");
	for (unsigned int i = 0; i < s->n; i++)
		end(e, &e->passive[i],
		    of->policy->svc[i] == HOKM_SVC_UP && !s->list[i].observe.suspect, "passive",
		    HOKM_R_PASSIVE_CLEAR, s->list[i].conf->name);
	look_at_peers(e, now_ns);
}

void notify_ends_open(struct notify_ends *e, const struct notify_ends_of *of)
{
	*e = (struct notify_ends){.of = *of, .look_ns = clock_now_ns() + NOTIFY_ENDS_NS};
	notify_feed_each_turn(of->feed, look, e);
}

void notify_ends_reconf(struct notify_ends *e)
{
	memset(e->passive, 0, sizeof(e->passive));
	memset(e->paths, 0, sizeof(e->paths));
	memset(e->settings, 0, sizeof(e->settings));
	memset(e->steerable, 0, sizeof(e->steerable));
	memset(e->one_owner, 0, sizeof(e->one_owner));
	e->look_ns = clock_now_ns() + NOTIFY_ENDS_NS;
}
