/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What vrrp.c (events, MASTER, FAULT), vrrp_backup.c (BACKUP) and vrrp_time.c share. Private to
 * them.
 */
#ifndef HOKM_VRRP_INT_H
#define HOKM_VRRP_INT_H

#include "decide/vrrp.h"

/* One call of vrrp_step(). */
struct vrrp_step {
	struct vrrp *v;
	const struct vrrp_event *ev;
	uint64_t now_ns;
	struct vrrp_actions *out;
};

/* vrrp.c: adds an action. */
void vrrp_act(struct vrrp_step *s, enum vrrp_action_kind kind);
/* Adds an advert: with priority 0 for VRRP_SENDING_NONE, else with own priority. */
void vrrp_send(struct vrrp_step *s, enum vrrp_sending what);
/* Enters a state, and adds VRRP_ACT_STATE once in a step. */
void vrrp_enter(struct vrrp_step *s, enum hokm_vrrp_state state, enum hokm_reason reason);
/* Follows the sender of this advert: restarts Master_Down. */
void vrrp_follow(struct vrrp_step *s, const struct vrrp_advert *a);
/* No owner is known: waits a whole Master_Down_Interval from now. */
void vrrp_follow_nobody(struct vrrp_step *s);

/* By grants, and no majority grants this node. */
static inline bool vrrp_grants_ended(const struct vrrp_step *s)
{
	return s->ev->view.by_grants && !s->ev->view.granted;
}

/*
 * By grants, and the packet path has stopped owning. An owner that may return is silent until it
 * does: a lesser node that owns by now would yield to its advert.
 */
static inline bool vrrp_lapsed(const struct vrrp_step *s)
{
	return s->ev->view.by_grants && s->ev->view.lapsed;
}

/* Why the grants have ended. */
static inline enum hokm_reason vrrp_ended_by(const struct vrrp_step *s)
{
	return s->ev->view.stood ? HOKM_R_CLOCK_STOOD : HOKM_R_NO_MAJORITY;
}

/* Another node is owner, or may be: this one must not become it. */
static inline bool vrrp_other_owns(const struct vrrp_step *s)
{
	return s->ev->view.by_grants ? !s->ev->view.granted : s->ev->view.peer_holds;
}

/* vrrp_backup.c: forgets how far BACKUP was on its ways to the lease. */
void vrrp_forget_ways(struct vrrp *v);
/* Enters BACKUP with no owner known. */
void vrrp_backup_enter(struct vrrp_step *s, enum hokm_reason reason);
void vrrp_backup_event(struct vrrp_step *s);
/* Event SENT in BACKUP: true when this node becomes MASTER by it. */
bool vrrp_backup_sent(struct vrrp_step *s);
/*
 * An advert with priority 0. True when it counts: it came from the owner that is followed, or none
 * is followed.
 */
bool vrrp_hear_priority_zero(struct vrrp_step *s);
/* Stops preempting. notify: sends priority 0 if the owner may have released its lease for us. */
void vrrp_end_claim(struct vrrp_step *s, bool notify);

/* vrrp_time.c: a + b, at most UINT64_MAX: a timer at UINT64_MAX never fires. */
uint64_t vrrp_add_ns(uint64_t a, uint64_t b);
/* Whether an advert of a lesser node, or one with priority 0, is answered at once. */
bool vrrp_may_answer(struct vrrp_step *s);
bool vrrp_may_answer_stop(struct vrrp_step *s);
/* Whether a better owner gets the lease now, or this node waits; and such a wait is over. */
bool vrrp_may_yield(struct vrrp_step *s);
void vrrp_forget_wait(struct vrrp_step *s);
/* How long the owner that is followed may be silent. */
uint64_t vrrp_patience_ns(const struct vrrp *v);
/* An advert of a lesser node. One that goes on although it is answered is reported once. */
void vrrp_note_lesser(struct vrrp_step *s);
/* This node becomes owner: who acts as owner from now on, and does not heed its adverts? */
void vrrp_watch_heedless(struct vrrp_step *s);
/* The sender of the advert of a lesser node is such a one, and this node must give back. */
bool vrrp_owns_in_vain(struct vrrp_step *s);

#endif
