/* SPDX-License-Identifier: GPL-2.0-only */
/* Between vrrp.c (events, MASTER, FAULT), vrrp_backup.c (BACKUP) and vrrp_time.c. Nobody else's. */
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

/* vrrp.c */
void vrrp_act(struct vrrp_step *s, enum vrrp_action_kind kind);
/* priority 0, or own priority when `what` is a purpose. */
void vrrp_send(struct vrrp_step *s, enum vrrp_sending what);
void vrrp_enter(struct vrrp_step *s, enum hokm_vrrp_state state, enum hokm_reason reason);
void vrrp_follow(struct vrrp_step *s, const struct vrrp_advert *a);
/* Nobody to follow: a whole Master_Down_Interval from now. */
void vrrp_follow_nobody(struct vrrp_step *s);

/* vrrp_backup.c */
void vrrp_backup_enter(struct vrrp_step *s, enum hokm_reason reason);
void vrrp_backup_event(struct vrrp_step *s);
/* SENT: true when the take's advert left just now and nobody else took the lease meanwhile. */
bool vrrp_backup_sent(struct vrrp_step *s);
/* Priority 0 was heard; true when it came from whom we follow, or from the first we hear. */
bool vrrp_hear_goodbye(struct vrrp_step *s);
/* Stops preempting; `tell` the owner that may have let go for us. */
void vrrp_end_claim(struct vrrp_step *s, bool tell);

/* vrrp_time.c: saturating, a timer at the end of time never comes. */
uint64_t vrrp_add_ns(uint64_t a, uint64_t b);

#endif
