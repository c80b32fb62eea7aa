/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Policy; policy.h has the rules. policy_decide() goes through them in this order:
 *
 *   1  the state each service shows: checks, then drain (hides UP) and maintenance (hides all)
 *   2  the view of the peers for the VRRP machine
 *   3  whether a cold replica delays preempting
 *   4  whether this node may own the VIP, and whether it offers the VIP to a mute peer
 *   5  its successor
 *
 * A lease counts whether or not its holder answers pulses: a node that is cut off from us keeps its
 * lease until the lease ends.
 */
#include <arpa/inet.h>
#include <string.h>

#include "decide/policy.h"

static unsigned int n_services(const struct policy_input *in)
{
	return in->n_services < HOKM_MAX_SERVICES ? in->n_services : HOKM_MAX_SERVICES;
}

static enum hokm_svc_state shown(const struct policy_input *in, enum hokm_svc_state health)
{
	if (in->maint)
		return HOKM_SVC_MAINT;
	if (in->drain && health == HOKM_SVC_UP)
		return HOKM_SVC_DRAIN;
	return health;
}

/* How many services are in state `which`. */
static unsigned int count(const struct policy_input *in, const enum hokm_svc_state *states,
			  enum hokm_svc_state which)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < n_services(in); i++)
		n += states[i] == which;
	return n;
}

/* ---- peers ---- */

/* The peer could own the VIP. */
static bool is_alive(const struct policy_peer *p)
{
	if (!p->used || !p->pulsing)
		return p->used && p->adverts;
	return p->daemon_fresh && p->state != HOKM_VRRP_INIT && !p->refuses;
}

/* How many of our services are UP there. */
static unsigned int n_up(const struct policy_input *in, const struct policy_peer *p)
{
	return p->pulsing ? p->n_up : n_services(in);
}

static bool in_fault(const struct policy_peer *p)
{
	return p->state == HOKM_VRRP_FAULT;
}

/* It would take the VIP: one in FAULT, as one that its arbiter bars, has reasons of its own. */
static bool is_fit(const struct policy_peer *p)
{
	return is_alive(p) && !in_fault(p);
}

static bool any_alive(const struct policy_input *in)
{
	for (unsigned int i = 0; i < HOKM_MAX_PEERS; i++)
		if (is_alive(&in->peers[i]))
			return true;
	return false;
}

/*
 * The peer would take the VIP from this node. An owner waits for one that can be granted nothing
 * yet, for it has something to lose.
 */
static bool takes_over(const struct policy_input *in, const struct policy_peer *p)
{
	return is_fit(p) && !(in->state == HOKM_VRRP_MASTER && p->silent);
}

/* The greatest number of services UP on a peer that would take the VIP. */
static unsigned int best_peer(const struct policy_input *in)
{
	unsigned int best = 0;

	for (unsigned int i = 0; i < HOKM_MAX_PEERS; i++) {
		const struct policy_peer *p = &in->peers[i];

		if (takes_over(in, p) && n_up(in, p) > best)
			best = n_up(in, p);
	}
	return best;
}

static const struct policy_peer *find(const struct policy_input *in, struct in_addr addr)
{
	for (unsigned int i = 0; addr.s_addr && i < HOKM_MAX_PEERS; i++)
		if (in->peers[i].used && in->peers[i].addr.s_addr == addr.s_addr)
			return &in->peers[i];
	return NULL;
}

/* ---- the view ---- */

static void fill_leases(const struct policy_input *in, struct vrrp_view *v)
{
	for (unsigned int i = 0; i < HOKM_MAX_PEERS; i++) {
		const struct policy_peer *p = &in->peers[i];

		if (!p->used)
			continue;
		if (p->lease_until_ns > v->lease_until_ns)
			v->lease_until_ns = p->lease_until_ns;
		if (p->lease_until_ns <= in->now_ns)
			continue;
		if (!v->peer_holds ||
		    vrrp_beats(p->priority, p->addr, v->holder_priority, v->holder)) {
			v->holder = p->addr;
			v->holder_priority = p->priority;
			v->holder_seen_ns = p->seen_ns;
			v->rival_deaf = p->deaf;
		}
		v->peer_holds = true;
	}
}

/* Peers that see the VIP free as this node does, and whose daemons could take it meanwhile. */
static void fill_rivals(const struct policy_input *in, struct vrrp_view *v)
{
	for (unsigned int i = 0; i < HOKM_MAX_PEERS; i++) {
		const struct policy_peer *p = &in->peers[i];

		if (!p->used || !p->pulsing || !p->daemon_fresh)
			continue;
		if (!v->contested || p->seen_ns < v->asked_ns)
			v->asked_ns = p->seen_ns;
		v->contested = true;
		/* A node that was refused may announce still: it does not become owner. */
		if (!p->announces || p->refuses)
			continue;
		if (vrrp_beats(p->priority, p->addr, in->own_priority, in->own_addr))
			v->better_announces = true;
		else
			v->lesser_announces = true;
	}
}

/* The peer can be named as successor. keepalived has no successors, so pulses are needed. */
static bool candidate(const struct policy_peer *p)
{
	return is_alive(p) && p->pulsing && p->n_up > 0 && !p->silent;
}

/* No peer but the owner comes before us in the order in which successor() chooses. */
static bool best_successor(const struct policy_input *in, unsigned int own_up)
{
	if (!own_up)
		return false;
	for (unsigned int i = 0; i < HOKM_MAX_PEERS; i++) {
		const struct policy_peer *p = &in->peers[i];

		if (!candidate(p) || in_fault(p) || p->addr.s_addr == in->owner.s_addr)
			continue;
		if (p->n_up > own_up ||
		    (p->n_up == own_up &&
		     vrrp_beats(p->priority, p->addr, in->own_priority, in->own_addr)))
			return false;
	}
	return true;
}

static uint8_t mute_priority(const struct policy_input *in)
{
	uint8_t greatest = 0;

	for (unsigned int i = 0; i < HOKM_MAX_PEERS; i++)
		if (in->peers[i].used && in->peers[i].mute && in->peers[i].priority > greatest)
			greatest = in->peers[i].priority;
	return greatest;
}

/* The configuration names one other node, and that is no hokm-xdp as far as is known. */
static bool uncontested(const struct policy_input *in)
{
	unsigned int used = 0, mute = 0;

	for (unsigned int i = 0; i < HOKM_MAX_PEERS; i++) {
		used += in->peers[i].used;
		mute += in->peers[i].used && in->peers[i].mute;
	}
	return used == 1 && mute == 1;
}

/*
 * The owner is hokm-xdp, and answers no pulses now: a filter drops them, or the packet path
 * of one of both is being put back. It discards the adverts of a peer that it does not see, so it
 * would not give way, and its lease, which we know from its pulses, may have been renewed since.
 * A node that has just started knows it by its replication, or by its adverts, which are firm.
 */
static bool is_lost(const struct policy_peer *owner)
{
	return !owner->pulsing && (!owner->mute || owner->replicates || owner->firm);
}

static void fill_view(const struct policy_input *in, unsigned int own_up, struct vrrp_view *v)
{
	const struct policy_peer *owner = find(in, in->owner);
	const struct policy_peer *rival;

	fill_leases(in, v);
	fill_rivals(in, v);
	v->deaf = !in->link_up || in->silent || in->barred;
	v->mute_priority = mute_priority(in);
	v->uncontested = uncontested(in);
	v->owner_pulses = owner && owner->pulsing;
	v->owner_seen_ns = owner ? owner->seen_ns : 0;
	v->best_successor = best_successor(in, own_up);
	rival = owner ? owner : find(in, v->holder);
	v->may_preempt = own_up > 0 && !in->standby && !in->relapsed && !in->drain && !in->maint &&
			 (!rival || (!is_lost(rival) && own_up >= n_up(in, rival)));
}

/* ---- may this node own the VIP ---- */

/* A peer can take the VIP from a node that is no good owner, or has it already. */
static bool any_fit(const struct policy_input *in)
{
	for (unsigned int i = 0; i < HOKM_MAX_PEERS; i++) {
		const struct policy_peer *p = &in->peers[i];

		if ((takes_over(in, p) && n_up(in, p)) || p->owns_unseen)
			return true;
	}
	return false;
}

/*
 * A node that has lost its XDP program sees no pulses. That a peer is alive it knows by replication
 * then, and that the peer can serve by its last pulse.
 */
static bool unseen_serves(const struct policy_input *in)
{
	for (unsigned int i = 0; i < HOKM_MAX_PEERS; i++) {
		const struct policy_peer *p = &in->peers[i];

		if (p->used && !p->pulsing && p->replicates && p->last_up)
			return true;
	}
	return false;
}

static bool another_owns(const struct policy_input *in)
{
	for (unsigned int i = 0; i < HOKM_MAX_PEERS; i++)
		if (in->peers[i].used &&
		    (in->peers[i].advertises || in->peers[i].lease_until_ns > in->now_ns))
			return true;
	return false;
}

/*
 * What is gone in the kernel makes this node no good owner, and it is better than none: the same
 * may be gone at the peer. So it stays away while a peer is fit, or owns; as owner it leaves to
 * another owner, whose adverts it has no better sign than. To a peer that it does not see it gives
 * the VIP up once, for as long as that peer needs to take it, and once more when that peer was
 * away.
 */
static bool path_keeps_away(const struct policy_input *in)
{
	bool just_now = in->gave_up_ns && in->now_ns - in->gave_up_ns < in->offer_ns;

	if (any_fit(in) || just_now || another_owns(in))
		return true;
	return in->state == HOKM_VRRP_MASTER && !in->gave_up_ns && unseen_serves(in);
}

static uint64_t gave_up_ns(const struct policy_input *in, enum hokm_reason no)
{
	bool owner = in->state == HOKM_VRRP_MASTER;

	if (owner && in->path_lost && no == HOKM_R_PATH_LOST)
		return in->gave_up_ns ? in->gave_up_ns : in->now_ns;
	return in->path_lost && !(owner && !unseen_serves(in)) ? in->gave_up_ns : 0;
}

/* The VIP is in good hands. A keepalived that is owner is known by its adverts. */
static bool peer_serves(const struct policy_input *in, unsigned int own_up)
{
	for (unsigned int i = 0; in->state != HOKM_VRRP_MASTER && i < HOKM_MAX_PEERS; i++) {
		const struct policy_peer *p = &in->peers[i];

		if (is_alive(p) && n_up(in, p) >= own_up &&
		    (p->pulsing ? p->lease_until_ns > in->now_ns
				: p->addr.s_addr == in->owner.s_addr))
			return true;
	}
	return false;
}

/* A peer that would take the VIP now, and serve no less of it. */
static bool is_no_worse(const struct policy_peer *p, unsigned int own_up)
{
	return is_fit(p) && p->pulsing && !p->silent && p->n_up && p->n_up >= own_up;
}

/*
 * Without pins nothing is worse now, but the end of the daemon would end its programs. So a move
 * must cost nothing: an owner leaves only to a peer that is no worse, and that steers its players
 * here. It leaves once, for as long as that peer needs to take the VIP: a peer whose game fails
 * again and again would get the players of each turn, and lose them. A backup takes no part while
 * the owner serves no less than it would: nobody hands over to it without need, and it is there
 * when the owner gets worse. In FAULT it also waits for a peer that is about to take the VIP.
 */
static bool unpinned_keeps_away(const struct policy_input *in, unsigned int own_up)
{
	bool owner = in->state == HOKM_VRRP_MASTER;

	if (peer_serves(in, own_up))
		return true;
	if (owner && in->left_unpinned_ns && in->now_ns - in->left_unpinned_ns >= in->offer_ns)
		return false;
	for (unsigned int i = 0; i < HOKM_MAX_PEERS; i++) {
		const struct policy_peer *p = &in->peers[i];

		if (is_no_worse(p, own_up) && (owner ? p->steers : in->state == HOKM_VRRP_FAULT))
			return true;
	}
	return false;
}

/* An owner whose path is lost as well leaves for that: the same peers are fit. */
static uint64_t left_unpinned_ns(const struct policy_input *in, enum hokm_reason no)
{
	if (in->unpinned && !in->left_unpinned_ns && !in->path_lost &&
	    in->state == HOKM_VRRP_MASTER && no == HOKM_R_PATH_LOST)
		return in->now_ns;
	return in->unpinned ? in->left_unpinned_ns : 0;
}

/* A node that owns as well, and would yield to this one by the election. */
static bool lesser_owns_unseen(const struct policy_input *in)
{
	for (unsigned int i = 0; i < HOKM_MAX_PEERS; i++) {
		const struct policy_peer *p = &in->peers[i];

		if (p->used && p->owns_unseen &&
		    !vrrp_beats(p->priority, p->addr, in->own_priority, in->own_addr))
			return true;
	}
	return false;
}

static enum hokm_reason why_not(const struct policy_input *in, const struct policy_output *out)
{
	bool owner = in->state == HOKM_VRRP_MASTER;
	unsigned int up = count(in, out->svc, HOKM_SVC_UP);
	unsigned int unknown = count(in, in->health, HOKM_SVC_INIT);

	if (!in->link_up)
		return HOKM_R_LINK_DOWN;
	if (in->silent)
		return HOKM_R_SEGMENT_SILENT;
	if (in->barred != HOKM_R_NONE)
		return in->barred;
	if (in->path_lost && path_keeps_away(in))
		return HOKM_R_PATH_LOST;
	if (in->unpinned && unpinned_keeps_away(in, up))
		return HOKM_R_PATH_LOST;
	if (in->maint && any_fit(in))
		return HOKM_R_MAINT;
	if (in->drain && any_fit(in))
		return HOKM_R_OPERATOR;
	if (in->maint || in->drain)
		return HOKM_R_NONE;
	if (unknown && any_alive(in) && !owner)
		return HOKM_R_STARTED;
	if (up + (owner ? unknown : 0) < best_peer(in))
		return HOKM_R_SERVICE_DOWN;
	if (!up && !unknown && lesser_owns_unseen(in))
		return HOKM_R_SERVICE_DOWN;
	return HOKM_R_NONE;
}

/* A peer of which nothing is known: it may be a keepalived that is backup. */
static bool any_unknown(const struct policy_input *in)
{
	for (unsigned int i = 0; i < HOKM_MAX_PEERS; i++)
		if (in->peers[i].used && in->peers[i].mute && !is_alive(&in->peers[i]))
			return true;
	return false;
}

/*
 * An owner with no service UP offers the VIP once. The answer to why_not() is NONE or SERVICE_DOWN;
 * in both cases a hand-over is the offer.
 */
static enum hokm_reason offer(const struct policy_input *in, struct policy_output *out,
			      enum hokm_reason no)
{
	bool owner = in->state == HOKM_VRRP_MASTER;

	out->offered_ns = in->offered_ns;
	if (count(in, in->health, HOKM_SVC_UP)) {
		/* A peer that never showed life took nothing: it is offered nothing again. */
		if (!any_unknown(in))
			out->offered_ns = 0;
		return no;
	}
	if (count(in, in->health, HOKM_SVC_INIT) || in->maint || in->drain)
		return no;
	if (no == HOKM_R_NONE && in->offered_ns && !owner && any_unknown(in) &&
	    in->now_ns - in->offered_ns < in->offer_ns)
		return HOKM_R_SERVICE_DOWN;
	if (no == HOKM_R_NONE && owner && !in->offered_ns && any_unknown(in))
		no = HOKM_R_SERVICE_DOWN;
	if (no == HOKM_R_SERVICE_DOWN && owner)
		out->offered_ns = in->now_ns;
	return no;
}

/* Of two candidates. One in FAULT is the last resort: it may leave FAULT when this node stops. */
static bool is_better(const struct policy_peer *p, const struct policy_peer *b)
{
	if (in_fault(p) != in_fault(b))
		return in_fault(b);
	if (p->n_up != b->n_up)
		return p->n_up > b->n_up;
	return vrrp_beats(p->priority, p->addr, b->priority, b->addr);
}

/* Slot of the best peer that is at least as healthy as this node, or HOKM_NO_PEER. */
static uint8_t successor(const struct policy_input *in, unsigned int own_up)
{
	uint8_t best = HOKM_NO_PEER;

	for (uint8_t i = 0; i < HOKM_MAX_PEERS; i++) {
		const struct policy_peer *p = &in->peers[i];
		const struct policy_peer *b = best == HOKM_NO_PEER ? NULL : &in->peers[best];

		if (!candidate(p) || p->n_up < own_up)
			continue;
		if (!b || is_better(p, b))
			best = i;
	}
	return best;
}

/*
 * A node that preempts with a cold replica does not know which peer holds which connection, and
 * could notify no client if a peer died meanwhile. But a replica that never gets warm, as with a
 * blocked port, must not keep the preferred node from owning: the delay is bounded by warm_ns.
 */
static void wait_for_replica(const struct policy_input *in, struct policy_output *out)
{
	if (!out->view.may_preempt || !in->replica_cold || in->state == HOKM_VRRP_MASTER)
		return;
	out->waits_ns = in->waits_ns ? in->waits_ns : in->now_ns;
	out->waits = in->now_ns - out->waits_ns < in->warm_ns;
	if (out->waits)
		out->view.may_preempt = false;
}

/*
 * Since when no node is healthy. A peer may be in FAULT only while this node is healthier,
 * and leaves it when it hears that this node is not: that is no panic.
 */
static uint64_t panic_ns(const struct policy_input *in, unsigned int own_up, bool eligible)
{
	if (!eligible || in->state != HOKM_VRRP_MASTER || own_up || best_peer(in) ||
	    count(in, in->health, HOKM_SVC_INIT))
		return 0;
	return in->panic_ns ? in->panic_ns : in->now_ns;
}

void policy_decide(const struct policy_input *in, struct policy_output *out)
{
	enum hokm_reason no;
	unsigned int up;

	memset(out, 0, sizeof(*out));
	for (unsigned int i = 0; i < n_services(in); i++)
		out->svc[i] = shown(in, in->health[i]);
	up = count(in, out->svc, HOKM_SVC_UP);
	fill_view(in, up, &out->view);
	wait_for_replica(in, out);

	no = offer(in, out, why_not(in, out));
	out->eligible = no == HOKM_R_NONE;
	out->gave_up_ns = gave_up_ns(in, no);
	out->left_unpinned_ns = left_unpinned_ns(in, no);
	out->panic_ns = panic_ns(in, up, out->eligible);
	out->panic = out->panic_ns && in->now_ns - out->panic_ns >= in->panic_after_ns;
	if (!out->eligible)
		out->reason = no;
	else
		out->reason = out->panic ? HOKM_R_PANIC_HOLD : HOKM_R_SERVICE_UP;
	out->may_preempt = out->view.may_preempt;
	out->peer_serves = peer_serves(in, up);
	out->successor = successor(in, up);
}
