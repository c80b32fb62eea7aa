/* SPDX-License-Identifier: GPL-2.0-only */
/* See quiet_tick.h. */
#include <string.h>

#include "base/clock.h"
#include "daemon/gateway_watch.h"
#include "daemon/node.h"
#include "daemon/quiet_tick.h"
#include "daemon/quorum.h"
#include "daemon/replication.h"
#include "daemon/traffic_watch.h"
#include "sense/events.h"

/* ---- what is seen ---- */

static void see_peer(const struct peers *p, unsigned int slot, uint64_t now_ns,
		     struct quiet_peer *out)
{
	const struct hokm_peer *map = &p->list[slot].map;

	out->used = true;
	out->sight = peers_sight(p, slot, now_ns);
	out->path_dead = peers_path_sees_dead(p, slot, now_ns);
	out->on_segment = peers_on_segment(p, slot, now_ns);
	out->deaf = peers_deaf(p, slot, now_ns);
	out->holds = map->lease_until_ns > now_ns;
	out->epoch = map->epoch;
	out->since_ns = map->since_ns;
	memcpy(out->says, (const char *)map + offsetof(struct hokm_peer, mac), sizeof(out->says));
}

static void see(const struct node *n, const struct quorum *grants, const struct replication *r,
		struct quiet_seen *out)
{
	uint64_t now_ns = clock_now_ns();
	struct vrrp_view view = {0};

	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++) {
		out->peers[slot].used = false;
		if (n->peers.list[slot].used)
			see_peer(&n->peers, slot, now_ns, &out->peers[slot]);
	}
	quorum_view(grants, now_ns, &view);
	out->granted = view.granted;
	out->free = view.free;
	out->occupied = view.occupied;
	out->absent_holds = view.absent_holds;
	out->lapsed = view.lapsed;
	out->barred = view.barred;
	out->gateway_peer = n->conf->arbiter < CONF_ARBITER_GATEWAY ||
			    gateway_watch_peer(n, now_ns);
	out->pulses = peers_pulses_come(&n->peers, n->conf->pulse_ns, now_ns);
	out->replica_complete = replication_complete(r, now_ns);
}

/* ---- what goes on ---- */

static bool check_is_well(const struct health *h)
{
	return h->known && health_up(h) && h->reason == HOKM_R_CHECK_OK;
}

static bool service_is_well(const struct service *svc)
{
	if (svc->health != HOKM_SVC_UP || svc->observe.suspect)
		return false;
	for (unsigned int i = 0; i < svc->conf->n_checks; i++)
		if (!check_is_well(&svc->checks[i].health))
			return false;
	return true;
}

static bool a_check_runs(const struct service *svc)
{
	for (unsigned int i = 0; i < svc->conf->n_checks; i++)
		if (svc->checks[i].health.running)
			return true;
	return false;
}

/* The check of a doubt starts with a whole settle, and not by its timer. */
static bool a_doubt_is_due(const struct service *svc, uint64_t now_ns)
{
	for (unsigned int i = 0; i < svc->conf->n_checks; i++)
		if (svc->checks[i].health.doubt && now_ns >= svc->checks[i].health.next_ns)
			return true;
	return false;
}

bool quiet_tick_services_well(const struct node *n)
{
	for (unsigned int s = 0; s < n->services.n; s++)
		if (!service_is_well(&n->services.list[s]))
			return false;
	return true;
}

bool quiet_tick_all_well(const struct node *n)
{
	uint64_t now_ns = clock_now_ns();

	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++)
		if (n->peers.list[slot].used &&
		    peers_sight(&n->peers, slot, now_ns).by == PEER_SILENT)
			return false;
	for (unsigned int s = 0; s < n->services.n; s++)
		if (a_check_runs(&n->services.list[s]) ||
		    a_doubt_is_due(&n->services.list[s], now_ns))
			return false;
	return quiet_tick_services_well(n);
}

/*
 * Takes the samples that are due. True when they say nothing new: no service is in doubt, and
 * nothing was reported.
 */
static bool samples_are_well(struct quiet *q, struct node *n)
{
	uint64_t lines = events_lines(n->events), now_ns = clock_now_ns();

	traffic_watch(n, 0, 0, now_ns);
	quiet_sampled(q, traffic_watch_next_ns(n, now_ns));
	return quiet_tick_all_well(n) && events_lines(n->events) == lines;
}

/* ---- entry ---- */

bool quiet_tick_is(struct quiet *q, struct node *n, const struct quorum *grants,
		   struct replication *r)
{
	struct quiet_seen now;

	replication_run(r, n->peers.tick_ns);
	peers_read(&n->peers, n->bpf, &n->services, n->events);
	see(n, grants, r, &now);
	if (!quiet_is(q, &now))
		return false;
	/* A claim has a moment of its own, between two ticks: a whole settle sets its timer. */
	if (quorum_ends_by(grants, clock_now_ns() + n->peers.each_ns * 3 / 2))
		return false;
	if (quiet_samples(q, clock_now_ns()) && !samples_are_well(q, n))
		return false;
	q->count++;
	return true;
}

void quiet_tick_note(struct quiet *q, const struct node *n, const struct quorum *grants,
		     const struct replication *r)
{
	see(n, grants, r, &q->seen);
}
