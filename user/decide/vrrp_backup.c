/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * BACKUP of the VRRP machine: watches the owner, and has three ways to the lease.
 *
 *   wait      Master_Down, or Skew_Time after priority 0, ends and no lease of a peer runs.
 *             Where a peer answers pulses that could become owner at the same moment, this node
 *             announces it first, and asks each of them (announce).
 *             Skew_Time is there for several backups: a single one waits for 1/8 of the interval.
 *   release   An owner that answers pulses has sent priority 0. It is asked by pulse until an
 *             answer that is newer than this advert shows no lease.
 *   claim     An owner that answers pulses has a lower priority, and the preempt delay is over.
 *             Our advert, repeated every adver, asks it to release its lease. It is asked by pulse
 *             until an answer that is newer than the first claim shows no lease.
 *
 * By grants there is a fourth: the owner that is followed has no grants any more. And each way is
 * gone only when the members grant this node: until then `wants` names the way.
 *
 * None of them is gone while the operator's hook, or the arbiter, has not permitted it: each is
 * tried again soon. An owner that lets go because it was claimed from, with a permission, needs no
 * second permission. A node that is refused while nobody owns sends priority 0: the others need not
 * wait for it.
 *
 * Pulses only confirm, and are used in every event. That the owner is dead is concluded only in
 * VRRP_EV_TIMER, when the caller has read all adverts that were waiting.
 */
#include "decide/vrrp_int.h"

#define LOOK_FIRST_NS 1000000ULL /* from the first probe to the second; then it doubles */
#define LOOK_MOST_NS  16000000ULL
/*
 * The Skew_Time of a single backup is that of this priority: 1/8 of the interval. keepalived, which
 * has an ordinary priority, sends its priority 0 before it removes its addresses.
 */
#define PRIORITY_UNCONTESTED 224
#define UNCONTESTED_LEAST_NS 100000000ULL

static uint64_t grace_ns(const struct vrrp *v)
{
	return v->owner_adver_ns / 4;
}

/* When a lease that pulses have shown is over for sure, although its end was not seen. */
static uint64_t free_at_ns(const struct vrrp_step *s)
{
	if (!s->ev->view.lease_until_ns)
		return 0;
	return vrrp_add_ns(s->ev->view.lease_until_ns, grace_ns(s->v));
}

/* A lease of a peer runs, or may still run. */
static bool held(const struct vrrp_step *s)
{
	if (s->ev->view.by_grants)
		return s->ev->view.occupied || s->ev->view.absent_holds;
	return s->ev->view.peer_holds || s->now_ns < free_at_ns(s);
}

static bool preempting(const struct vrrp_step *s)
{
	/* An owner that yields to a node which cannot win leaves the VIP to nobody. */
	return s->v->conf.preempt && s->ev->view.may_preempt &&
	       (!s->v->unmoved || s->ev->view.owner_pulses) &&
	       !(s->ev->view.by_grants && s->ev->view.barred);
}

static void earliest(uint64_t *at_ns, uint64_t other_ns)
{
	if (other_ns < *at_ns)
		*at_ns = other_ns;
}

/* Sets the timer to the earliest of those that run. */
static void arm(struct vrrp_step *s)
{
	struct vrrp *v = s->v;

	v->timer_at_ns = v->master_down_at_ns;
	if (v->claiming || v->released_ns || v->announced_ns)
		earliest(&v->timer_at_ns, v->look_at_ns);
	if (v->preempt_at_ns && !v->claiming)
		earliest(&v->timer_at_ns, v->preempt_at_ns);
	if (v->ask_at_ns > s->now_ns)
		earliest(&v->timer_at_ns, v->ask_at_ns);
	/* By grants Master_Down only opens the way, and grants are awaited. */
	if (s->ev->view.by_grants && v->timer_at_ns <= s->now_ns)
		v->timer_at_ns = vrrp_add_ns(s->now_ns, LOOK_MOST_NS);
}

void vrrp_forget_ways(struct vrrp *v)
{
	v->preempt_at_ns = 0;
	v->claiming = false;
	v->released_ns = 0;
	v->claimed = false;
	v->announced_ns = 0;
	v->ask_at_ns = 0;
}

/*
 * By grants the members decide who may own next: a node that has heard nobody for a while, or was
 * just started, has no advert to wait for. One that let go waits for the node that is to follow it.
 * Master_Down goes on beside it: where a member stands in, it says more (stand_in.h).
 */
static bool members_know(const struct vrrp_step *s, enum hokm_reason reason)
{
	if (s->v->state == HOKM_VRRP_MASTER)
		return reason == HOKM_R_NO_MAJORITY || reason == HOKM_R_CLOCK_STOOD ||
		       reason == HOKM_R_LEASE_LOST;
	return true;
}

void vrrp_backup_enter(struct vrrp_step *s, enum hokm_reason reason)
{
	struct vrrp *v = s->v;

	vrrp_follow_nobody(s);
	vrrp_forget_ways(v);
	v->was_occupied = false;
	v->sending = VRRP_SENDING_NONE;
	/* Another one that wants the VIP has this time to claim it first. */
	if (s->ev->view.by_grants && members_know(s, reason))
		v->ask_at_ns = vrrp_add_ns(s->now_ns, v->conf.adver_ns / 4);
	vrrp_enter(s, HOKM_VRRP_BACKUP, reason);
	arm(s);
}

static void take(struct vrrp_step *s, enum hokm_reason reason)
{
	s->v->take_reason = reason;
	vrrp_send(s, VRRP_SENDING_TAKE);
}

/*
 * May this node become owner, as far as the arbiter and the operator's hook have a word in it?
 * Asked before the owner is asked to release its lease: once it has, nothing may delay the way to
 * the lease, also not that the permission has expired meanwhile.
 */
static bool permitted(struct vrrp_step *s, enum hokm_reason reason)
{
	if (s->ev->view.undecided) {
		s->v->undecided_ns = s->now_ns;
		return false;
	}
	if (!s->ev->view.unpermitted || s->v->claimed)
		return true;
	s->v->take_reason = reason;
	vrrp_act(s, VRRP_ACT_ASK);
	return false;
}

/* Asks the peers by pulse now, and sets the time of the next probe. */
static void look(struct vrrp_step *s)
{
	struct vrrp *v = s->v;

	vrrp_act(s, VRRP_ACT_PROBE);
	v->look_at_ns = vrrp_add_ns(s->now_ns, v->look_gap_ns);
	v->look_gap_ns = v->look_gap_ns * 2 < LOOK_MOST_NS ? v->look_gap_ns * 2 : LOOK_MOST_NS;
}

/* ---- announce ---- */

/*
 * Two nodes may find the VIP free at the same moment: after a cut, or when both start. Each of them
 * announces in its pulses that it becomes owner, and then asks the other one. So one of them sees
 * the announcement of the other. The better one waits until the lesser one has given up.
 */
static void announce(struct vrrp_step *s)
{
	struct vrrp *v = s->v;

	if (!v->announced_ns) {
		v->announced_ns = s->now_ns;
		v->look_gap_ns = LOOK_FIRST_NS;
	}
}

/* Each peer that could become owner has answered since the announcement, and not long ago. */
static bool asked_all(const struct vrrp_step *s)
{
	const struct vrrp *v = s->v;
	uint64_t asked_ns = s->ev->view.asked_ns;

	return v->announced_ns && asked_ns > v->announced_ns &&
	       s->now_ns < vrrp_add_ns(asked_ns, v->conf.adver_ns * 3 / 4);
}

/* No peer takes the VIP at the same moment. To a better one this node has given way before. */
static bool alone(const struct vrrp_step *s)
{
	const struct vrrp_view *view = &s->ev->view;

	if (!view->contested || view->by_grants)
		return true;
	return asked_all(s) && !view->lesser_announces;
}

/* A better node announces it, too: it has the time of an advert's interval to become owner. */
static void give_way(struct vrrp_step *s)
{
	struct vrrp *v = s->v;
	uint64_t next_ns = vrrp_add_ns(s->now_ns, v->conf.adver_ns);

	if (s->ev->view.by_grants || !s->ev->view.better_announces || !asked_all(s) ||
	    v->sending == VRRP_SENDING_TAKE)
		return;
	vrrp_end_claim(s, true);
	vrrp_forget_ways(v);
	if (v->master_down_at_ns < next_ns)
		v->master_down_at_ns = next_ns;
	arm(s);
}

/* ---- claim ---- */

static void claim(struct vrrp_step *s)
{
	struct vrrp *v = s->v;

	if (!v->claiming) {
		v->claiming = true;
		v->claim_ns = s->now_ns;
		v->claim_at_ns = s->now_ns;
		v->look_gap_ns = LOOK_FIRST_NS;
	}
	announce(s);
	if (s->now_ns >= v->claim_at_ns && permitted(s, HOKM_R_PREEMPT)) {
		v->claim_at_ns = vrrp_add_ns(s->now_ns, v->conf.adver_ns);
		vrrp_send(s, VRRP_SENDING_CLAIM);
	}
	look(s);
}

void vrrp_end_claim(struct vrrp_step *s, bool notify)
{
	struct vrrp *v = s->v;

	/* The owner may have released its lease for us: priority 0 spares it Master_Down. */
	if (v->claiming && notify)
		vrrp_send(s, VRRP_SENDING_NONE);
	v->claiming = false;
	v->preempt_at_ns = 0;
	if (!v->released_ns)
		v->announced_ns = 0;
}

static void preempt(struct vrrp_step *s)
{
	if (!s->v->claiming && !permitted(s, HOKM_R_PREEMPT))
		s->v->preempt_at_ns = vrrp_add_ns(s->now_ns, LOOK_MOST_NS);
	else if (s->ev->view.owner_pulses || held(s) || s->ev->view.by_grants)
		claim(s);
	else
		take(s, HOKM_R_PREEMPT);
}

static void begin_preempting(struct vrrp_step *s)
{
	struct vrrp *v = s->v;

	if (!v->preempt_at_ns)
		v->preempt_at_ns = vrrp_add_ns(s->now_ns, v->conf.preempt_delay_ns);
}

/* ---- adverts ---- */

/*
 * Skew_Time makes the best of several backups the first. A single one only leaves the former owner
 * the time to take its address away, so that no two nodes answer ARP: of 25 keepalived that stopped
 * on a busy machine one needed more than 8 ms.
 */
static uint64_t skew_after_zero_ns(const struct vrrp_step *s)
{
	const struct vrrp *v = s->v;
	uint64_t own_ns = vrrp_skew_ns(v->conf.version, v->conf.priority, v->owner_adver_ns);
	uint64_t ns = vrrp_skew_ns(v->conf.version, PRIORITY_UNCONTESTED, v->owner_adver_ns);

	if (ns < UNCONTESTED_LEAST_NS)
		ns = UNCONTESTED_LEAST_NS;
	return s->ev->view.uncontested && ns < own_ns ? ns : own_ns;
}

bool vrrp_hear_priority_zero(struct vrrp_step *s)
{
	const struct vrrp_advert *a = &s->ev->advert;
	struct vrrp *v = s->v;

	if (v->owner.s_addr && v->owner.s_addr != a->source.s_addr)
		return false;
	v->owner = a->source;
	v->owner_priority = 0;
	v->master_down_at_ns = vrrp_add_ns(s->now_ns, skew_after_zero_ns(s));
	v->down_reason = HOKM_R_PRIORITY_ZERO;
	return true;
}

static void backup_advert(struct vrrp_step *s)
{
	const struct vrrp_advert *a = &s->ev->advert;
	struct vrrp *v = s->v;

	/* An advert that was to make us MASTER is outdated by this one; the timers decide again. */
	v->sending = VRRP_SENDING_NONE;
	if (a->priority == 0) {
		if (!vrrp_hear_priority_zero(s))
			return;
		v->claimed = v->claiming;
		vrrp_end_claim(s, false);
		if (s->ev->view.owner_pulses && s->ev->view.best_successor) {
			v->released_ns = s->now_ns;
			v->look_gap_ns = LOOK_FIRST_NS;
			announce(s);
			look(s);
		}
	} else if (a->priority < v->conf.priority && preempting(s)) {
		vrrp_follow(s, a);
		begin_preempting(s);
	} else {
		vrrp_end_claim(s, a->priority < v->conf.priority);
		vrrp_follow(s, a);
	}
	arm(s);
}

/* ---- timers and pulses ---- */

/* No adverts come, but a lease runs: the owner is alive and its adverts are lost. */
static void owner_is_alive(struct vrrp_step *s)
{
	const struct vrrp_view *view = &s->ev->view;
	struct vrrp *v = s->v;
	uint64_t free_ns = free_at_ns(s);

	v->master_down_at_ns = vrrp_add_ns(s->now_ns, v->owner_adver_ns);
	if (free_ns > s->now_ns)
		earliest(&v->master_down_at_ns, free_ns);
	if (!v->claiming && !v->released_ns)
		v->announced_ns = 0;
	if (!view->peer_holds)
		return;
	v->owner = view->holder;
	v->owner_priority = view->holder_priority;
	if (view->holder_priority < v->conf.priority && preempting(s))
		begin_preempting(s);
}

/* The timer fired late. A node that has announced waits for new answers anyway. */
static bool is_late(const struct vrrp_step *s)
{
	const struct vrrp *v = s->v;

	return !v->looked_twice && !(v->announced_ns && s->ev->view.contested) &&
	       s->now_ns > vrrp_add_ns(v->timer_at_ns, grace_ns(v) * 2);
}

static void master_down(struct vrrp_step *s)
{
	struct vrrp *v = s->v;

	if (held(s)) {
		owner_is_alive(s);
	} else if (s->ev->view.by_grants) {
		return;
	} else if (is_late(s)) {
		/* No probe was sent meanwhile: ask before concluding. */
		v->looked_twice = true;
		v->master_down_at_ns = vrrp_add_ns(s->now_ns, grace_ns(v));
		vrrp_act(s, VRRP_ACT_PROBE);
	} else if (!permitted(s, v->down_reason)) {
		/* A claim goes on; for another node that may not the others need not wait. */
		if (!v->claiming)
			v->announced_ns = 0;
		v->master_down_at_ns = vrrp_add_ns(s->now_ns, LOOK_MOST_NS);
	} else if (alone(s)) {
		take(s, v->down_reason);
	} else {
		announce(s);
		if (s->now_ns >= v->look_at_ns)
			look(s);
		v->master_down_at_ns = v->look_at_ns;
	}
}

/* The owner's pulse, newer than `since_ns`, shows that no lease runs. */
static bool confirmed(const struct vrrp_step *s, uint64_t since_ns)
{
	return !held(s) && s->ev->view.owner_pulses && s->ev->view.owner_seen_ns > since_ns;
}

static bool take_free_lease(struct vrrp_step *s)
{
	enum hokm_reason way = HOKM_R_NONE;
	struct vrrp *v = s->v;

	if (s->ev->view.by_grants)
		return false;
	if (v->released_ns && confirmed(s, v->released_ns))
		way = HOKM_R_HANDED_OVER;
	else if (v->claiming && confirmed(s, v->claim_ns))
		way = HOKM_R_PREEMPT;
	if (way == HOKM_R_NONE)
		return false;
	if (way == HOKM_R_HANDED_OVER && !permitted(s, way)) {
		v->announced_ns = 0;
		return false;
	}
	if (!alone(s)) {
		announce(s);
		return false;
	}
	take(s, way);
	return true;
}

static void backup_pulse(struct vrrp_step *s)
{
	struct vrrp *v = s->v;

	if (v->sending == VRRP_SENDING_TAKE)
		return;
	if (v->preempt_at_ns && !preempting(s)) {
		vrrp_end_claim(s, true);
		arm(s);
	}
	take_free_lease(s);
}

static void backup_timer(struct vrrp_step *s)
{
	struct vrrp *v = s->v;

	if (v->preempt_at_ns && !preempting(s))
		vrrp_end_claim(s, true);
	if (take_free_lease(s))
		return;
	if (s->now_ns >= v->master_down_at_ns)
		master_down(s);
	if (v->sending == VRRP_SENDING_TAKE)
		return;
	if (v->preempt_at_ns && s->now_ns >= v->preempt_at_ns &&
	    (!v->claiming || s->now_ns >= v->look_at_ns))
		preempt(s);
	else if ((v->released_ns || v->announced_ns) && s->now_ns >= v->look_at_ns)
		look(s);
	arm(s);
}

/* ---- the advert was sent, or not ---- */

/* Moves a time that has come to then_ns. */
static void later(uint64_t *at_ns, uint64_t now_ns, uint64_t then_ns)
{
	if (*at_ns && *at_ns <= now_ns)
		*at_ns = then_ns;
}

/* All timers that are due fire again after gap_ns. */
static void try_again(struct vrrp_step *s, uint64_t gap_ns)
{
	struct vrrp *v = s->v;
	uint64_t then_ns = vrrp_add_ns(s->now_ns, gap_ns);

	later(&v->master_down_at_ns, s->now_ns, then_ns);
	later(&v->look_at_ns, s->now_ns, then_ns);
	if (!v->claiming)
		later(&v->preempt_at_ns, s->now_ns, then_ns);
	arm(s);
}

bool vrrp_backup_sent(struct vrrp_step *s)
{
	struct vrrp *v = s->v;
	bool taking = v->sending == VRRP_SENDING_TAKE;
	uint64_t late_ns = vrrp_add_ns(s->ev->sent_ns, v->conf.adver_ns / 4);

	v->sending = VRRP_SENDING_NONE;
	if (!taking)
		return false;
	if (!vrrp_other_owns(s) && !s->ev->view.absent_holds && s->now_ns <= late_ns)
		return true;
	try_again(s, vrrp_skew_ns(v->conf.version, v->conf.priority, v->owner_adver_ns));
	return false;
}

static void backup_send_failed(struct vrrp_step *s)
{
	struct vrrp *v = s->v;
	uint64_t gap_ns = v->conf.adver_ns / 4;

	if (v->sending == VRRP_SENDING_CLAIM)
		v->claim_at_ns = vrrp_add_ns(s->now_ns, gap_ns);
	else
		v->announced_ns = 0; /* the others do not wait for a node that cannot */
	v->sending = VRRP_SENDING_NONE;
	try_again(s, gap_ns);
}

/* ---- grants ---- */

/*
 * The way to the VIP that is open as soon as the members grant this node. An owner whose grants
 * have ended is no owner any more. But a node that has just let go, or was just started, has seen
 * nobody's grants: the one that is to follow it would have to compete with it.
 */
static enum hokm_reason open_way(const struct vrrp_step *s)
{
	const struct vrrp *v = s->v;

	if (v->released_ns)
		return HOKM_R_HANDED_OVER;
	if (v->claiming)
		return HOKM_R_PREEMPT;
	if (s->now_ns >= v->master_down_at_ns)
		return v->down_reason;
	if (v->owner.s_addr && v->owner_priority && v->was_occupied)
		return HOKM_R_GRANTED;
	if (v->ask_at_ns && s->now_ns >= v->ask_at_ns)
		return HOKM_R_GRANTED;
	return HOKM_R_NONE;
}

static void go_by_grants(struct vrrp_step *s)
{
	const struct vrrp_view *view = &s->ev->view;
	struct vrrp *v = s->v;
	enum hokm_reason way;

	if (!view->by_grants)
		return;
	v->was_occupied |= view->occupied;
	/* No member has granted that owner, so the others would grant this node. */
	if (view->absent_holds)
		return;
	way = open_way(s);
	if (way == HOKM_R_NONE || (view->free && !permitted(s, way)))
		return;
	v->wants = way;
	/* A node that has just yielded gives its grants back before it takes new ones. */
	if (view->granted && !view->kept && v->sending == VRRP_SENDING_NONE)
		take(s, way);
}

/* The owner that let go waits for this node; a keepalived takes the VIP after Skew_Time. */
static void backup_refused(struct vrrp_step *s)
{
	const struct vrrp *v = s->v;
	bool followed = v->owner.s_addr && v->owner_priority;

	if (!held(s) && !followed && v->sending == VRRP_SENDING_NONE)
		vrrp_send(s, VRRP_SENDING_NONE);
}

static void backup_event(struct vrrp_step *s)
{
	switch (s->ev->kind) {
	case VRRP_EV_TIMER:
		if (s->now_ns >= s->v->timer_at_ns)
			backup_timer(s);
		break;
	case VRRP_EV_ADVERT:
		backup_advert(s);
		break;
	case VRRP_EV_PULSE:
		backup_pulse(s);
		break;
	case VRRP_EV_SEND_FAILED:
		backup_send_failed(s);
		break;
	case VRRP_EV_REFUSED:
		backup_refused(s);
		break;
	default:
		break;
	}
}

void vrrp_backup_event(struct vrrp_step *s)
{
	give_way(s);
	backup_event(s);
	go_by_grants(s);
}
