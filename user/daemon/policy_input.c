/* SPDX-License-Identifier: GPL-2.0-only */
/* See policy_input.h. */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/daemon.h"
#include "daemon/policy_input.h"

/* A peer that steers sends a probe each second. */
#define STEERS_NS (5 * NS_PER_S)

static unsigned int services_up(const struct daemon *d, unsigned int slot)
{
	unsigned int up = 0;

	for (unsigned int s = 0; s < d->node.services.n; s++)
		up += peers_says_up(&d->node.peers, slot, d->node.services.list[s].tag);
	return up;
}

/*
 * Do frames of players that the peer in this slot steers to this node arrive? Its probes do. And it
 * would steer, for steering from here to there is not refused, as for a MAC address that two have.
 */
static bool steers_here(const struct daemon *d, unsigned int slot, uint64_t now_ns)
{
	const uint64_t arrived_ns = d->node.peers.list[slot].map.steer_ns;

	return arrived_ns && now_ns < arrived_ns + STEERS_NS &&
	       !(d->node.want.own.unsteerable >> slot & 1);
}

static void peer_input(const struct daemon *d, unsigned int slot, uint64_t now_ns,
		       struct policy_peer *out)
{
	struct peer_sight sight = peers_sight(&d->node.peers, slot, now_ns);
	const struct repl_link *link = replication_link(d->replication, slot);
	const struct peer *p = &d->node.peers.list[slot];

	out->used = true;
	out->addr = p->addr;
	out->pulsing = sight.by == PEER_BY_PULSE;
	out->daemon_fresh = sight.fresh;
	out->deaf = peers_deaf(&d->node.peers, slot, now_ns);
	out->adverts = sight.by == PEER_BY_ADVERT &&
		       peers_adverts_count(&d->node.peers, slot, now_ns);
	out->advertises = sight.by == PEER_BY_ADVERT;
	out->mute = !peers_answers_pulses(&d->node.peers, slot);
	out->firm = sight.by == PEER_BY_ADVERT && p->advert_firm;
	out->replicates = link && repl_connected(link, now_ns);
	out->owns_unseen = sight.unseen && !out->mute && p->advert_ns &&
			   now_ns < p->advert_ns + d->node.peers.master_down_ns;
	out->refuses = out->pulsing && !p->map.priority;
	out->silent = quorum_peer_silent(&d->quorum, slot);
	out->steers = steers_here(d, slot, now_ns);
	out->announces = out->pulsing && p->map.flags & HOKM_PULSE_ANNOUNCES;
	out->priority = out->pulsing && !out->refuses ? p->map.priority : p->priority;
	/* keepalived's own configuration may name another priority than ours. */
	if (out->mute && p->advert_priority > out->priority)
		out->priority = p->advert_priority;
	out->state = out->pulsing ? p->map.state : HOKM_VRRP_INIT;
	/* Valid by itself: a peer that is cut off keeps its lease until the lease ends. */
	out->lease_until_ns = p->map.lease_until_ns;
	/* The answer is as new as the probe it answers: it may have been on its way for long. */
	out->seen_ns = p->map.newest_sent_ns;
	out->n_up = out->pulsing ? services_up(d, slot) : 0;
	if (p->map.priority &&
	    (p->map.state == HOKM_VRRP_BACKUP || p->map.state == HOKM_VRRP_MASTER))
		out->last_up = services_up(d, slot);
}

bool policy_peer_serves(const struct daemon *d, uint64_t now_ns)
{
	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++) {
		struct peer_sight sight;

		if (!d->node.peers.list[slot].used)
			continue;
		sight = peers_sight(&d->node.peers, slot, now_ns);
		if (sight.by == PEER_BY_PULSE && sight.fresh &&
		    services_up(d, slot) == d->node.services.n)
			return true;
	}
	return false;
}

bool policy_sole_owner(const struct daemon *d, uint64_t now_ns)
{
	/* Between two nodes that do not hear each other the gateway does not decide for sure. */
	const bool sure = d->quorum.in_force.majority && !conf_stand_in(d->node.conf);

	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS && !sure; slot++) {
		const struct peer *p = &d->node.peers.list[slot];
		struct peer_sight sight;

		if (!p->used)
			continue;
		sight = peers_sight(&d->node.peers, slot, now_ns);
		if (sight.by != PEER_BY_PULSE || !sight.fresh || p->map.state == HOKM_VRRP_MASTER ||
		    p->map.lease_until_ns > now_ns)
			return false;
	}
	return true;
}

static struct relapse_view relapse_view(const struct daemon *d)
{
	const struct services *services = &d->node.services;
	struct relapse_view v = {
		.up = true,
		.held = d->drain.on || operator_ordered(&d->operator, ORDER_MAINT),
		.preempt_delay_ns = d->node.conf->preempt_delay_ns,
	};

	for (unsigned int s = 0; s < services->n; s++) {
		v.up = v.up && services->list[s].health == HOKM_SVC_UP;
		v.down = v.down || services->list[s].health == HOKM_SVC_DOWN;
	}
	return v;
}

void policy_note_relapse(struct daemon *d)
{
	const struct relapse_view v = relapse_view(d);
	uint64_t now_ns = clock_now_ns();

	if (relapse_step(&d->relapse, &v, now_ns))
		log_warn("the services are up again after %u failures in a row, "
			 "each soon after the one before: "
			 "this node does not preempt for %llu s and the preempt delay; "
			 "`hokm-xdp ctl ready` ends that",
			 d->relapse.n + 1,
			 (unsigned long long)((d->relapse.until_ns - now_ns) / NS_PER_S));
}

void policy_input(const struct daemon *d, struct policy_input *in)
{
	const struct node *n = &d->node;
	const struct conf_node *self = &n->conf->nodes[n->conf->self];

	memset(in, 0, sizeof(*in));
	/* Read after the maps: no answer lies in the future. */
	in->now_ns = clock_now_ns();
	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++)
		if (n->peers.list[slot].used)
			peer_input(d, slot, in->now_ns, &in->peers[slot]);
	in->n_services = n->services.n;
	for (unsigned int s = 0; s < n->services.n; s++) {
		const struct service *svc = &n->services.list[s];

		in->health[s] = svc->health != HOKM_SVC_INIT ? svc->health : svc->adopted;
		in->health_reason[s] = svc->reason;
	}
	in->drain = d->drain.on;
	in->maint = operator_ordered(&d->operator, ORDER_MAINT);
	in->standby = operator_ordered(&d->operator, ORDER_STANDBY);
	in->relapsed = relapse_waits(&d->relapse, in->now_ns);
	in->link_up = d->link_up;
	in->silent = d->segment.waits;
	in->barred = d->gateway.out.bars ? HOKM_R_GATEWAY_SILENT : etcd_watch_bars(&d->etcd);
	in->path_lost = upkeep_broken(&d->upkeep, in->now_ns);
	in->unpinned = upkeep_unpinned(&d->upkeep, in->now_ns);
	in->replica_cold = replication_cold(d->replication);
	in->warm_ns = n->conf->warm_ns;
	in->waits_ns = d->policy.waits_ns;
	in->offered_ns = d->policy.offered_ns;
	in->gave_up_ns = d->policy.gave_up_ns;
	in->left_unpinned_ns = d->policy.left_unpinned_ns;
	in->panic_ns = d->policy.panic_ns;
	in->panic_after_ns = n->peers.dead_ns;
	in->offer_ns = n->peers.master_down_ns;
	in->state = d->vrrp.state;
	in->owner = d->vrrp.owner;
	in->own_priority = self->priority;
	in->own_addr = self->addr;
}
