/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sense: what map peers, the checks and the operator say, as the policy's input. Peers are named by
 * their slots, as in the maps.
 */
#include <endian.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/daemon.h"
#include "daemon/replication.h"

unsigned int daemon_peer_up(const struct daemon *d, const struct hokm_peer *p)
{
	unsigned int up = 0;

	for (unsigned int s = 0; s < d->conf->n_services; s++)
		for (unsigned int i = 0; i < HOKM_MAX_SERVICES; i++)
			if (be32toh(p->svc[i].tag) == d->services[s].tag) {
				up += p->svc[i].state == HOKM_SVC_UP;
				break;
			}
	return up;
}

/*
 * Does a peer without pulses (keepalived) live? Its adverts tell, while it owns. As backup it is
 * silent, so while this node owns, and for as long after as it may take the peer to follow, its
 * last word counts; and only once.
 */
static bool by_adverts(struct daemon *d, unsigned int slot, bool pulsing, uint64_t now_ns)
{
	const struct conf *c = d->conf;
	uint64_t down_ns = vrrp_master_down_ns(
		(uint8_t)c->vrrp_version, c->nodes[c->self].priority, d->vrrp.owner_adver_ns);
	uint64_t *advert_ns = &d->advert_ns[slot];
	uint64_t since_ns = *advert_ns > d->owned_ns ? *advert_ns : d->owned_ns;

	if (pulsing || now_ns >= since_ns + down_ns)
		*advert_ns = 0;
	return *advert_ns != 0;
}

uint64_t daemon_silent_since_ns(const struct daemon *d, const struct hokm_peer *p)
{
	/* Who had been dead before the break is dead. */
	if (p->seen_ns >= d->asking_ns ||
	    (d->asked_ns && d->asked_ns >= p->seen_ns + d->conf->peer_dead_ns))
		return p->seen_ns;
	return d->asking_ns;
}

bool daemon_peer_answers(const struct daemon *d, const struct hokm_peer *p, uint64_t now_ns)
{
	return p->seen_ns && now_ns < daemon_silent_since_ns(d, p) + d->conf->peer_dead_ns;
}

static void sense_peer(const struct daemon *d, const struct conf_node *n, const struct hokm_peer *p,
		       uint64_t now_ns, struct policy_peer *out)
{
	const struct conf *c = d->conf;

	out->used = true;
	out->addr = n->addr;
	out->pulsing = daemon_peer_answers(d, p, now_ns);
	out->daemon_fresh = out->pulsing && now_ns < p->daemon_seen_ns + c->daemon_stale_ns;
	out->priority = out->pulsing ? p->priority : n->priority;
	out->state = out->pulsing ? p->state : HOKM_VRRP_INIT;
	/* Valid on its own: a peer that is cut off keeps its lease until it ends. */
	out->lease_until_ns = p->lease_until_ns;
	/* As new as the question it answers: the answer may have been long on its way. */
	out->seen_ns = p->answer_sent_ns;
	out->n_up = out->pulsing ? daemon_peer_up(d, p) : 0;
}

static void announce_peer(struct daemon *d, unsigned int node, bool pulsing)
{
	const struct conf_node *n = &d->conf->nodes[node];
	enum hokm_reason why = pulsing ? HOKM_R_PEER_ALIVE : HOKM_R_PEER_SILENT;

	if (d->nodes[node].pulsing == pulsing)
		return;
	d->nodes[node].pulsing = pulsing;
	if (pulsing)
		log_info("peer %s reason=%s (%s)", n->name, hokm_reason_name(why),
			 hokm_reason_text(why));
	else
		log_warn("peer %s reason=%s (%s)", n->name, hokm_reason_name(why),
			 hokm_reason_text(why));
	events_add(d->events, "peer", why, "%s: %s", n->name, hokm_reason_text(why));
}

void daemon_sense(struct daemon *d, struct policy_input *in)
{
	const struct conf *c = d->conf;

	memset(in, 0, sizeof(*in));
	if (d->vrrp.state == HOKM_VRRP_MASTER)
		d->owned_ns = clock_now_ns();
	for (unsigned int i = 0; i < c->n_nodes; i++) {
		uint8_t slot = d->nodes[i].slot;
		int err;

		if (i == c->self || slot >= HOKM_MAX_PEERS)
			continue;
		err = hokm_bpf_get_peer(d->bpf, slot, &d->peers[slot]);
		if (err) {
			log_error("could not read map peers: %s", strerror(-err));
			continue;
		}
		/*
		 * The clock is read after the map: an answer taken in between is not of the future.
		 */
		in->now_ns = clock_now_ns();
		sense_peer(d, &c->nodes[i], &d->peers[slot], in->now_ns, &in->peers[slot]);
		in->peers[slot].adverts = by_adverts(d, slot, in->peers[slot].pulsing, in->now_ns);
		announce_peer(d, i, in->peers[slot].pulsing);
	}
	in->now_ns = clock_now_ns();
	in->n_services = c->n_services;
	for (unsigned int s = 0; s < c->n_services; s++) {
		const struct daemon_service *svc = &d->services[s];

		in->health[s] = svc->health != HOKM_SVC_INIT ? svc->health : svc->adopted;
		in->health_reason[s] = svc->reason;
	}
	in->drain = d->drain;
	in->maint = d->maint;
	in->standby = d->standby;
	in->link_up = d->link_up;
	in->replica_cold = daemon_repl_cold(d);
	in->warm_ns = c->warm_ns;
	in->waits_ns = d->policy.waits_ns;
	in->state = d->vrrp.state;
	in->owner = d->vrrp.owner;
	in->own_priority = c->nodes[c->self].priority;
	in->own_addr = c->nodes[c->self].addr;
}
