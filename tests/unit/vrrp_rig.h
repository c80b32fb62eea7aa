/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Scripts for the VRRP machine: an array of steps, each an event with what pulses say at that
 * moment, and what must come of it. One node of version 3, priority 128, address 10.0.0.2, advert
 * 100 ms, preempt delay 2 s. So Skew_Time is 50 ms, Master_Down_Interval 350 ms, a lease 275 ms.
 */
#ifndef HOKM_VRRP_RIG_H
#define HOKM_VRRP_RIG_H

#include "decide/vrrp.h"

#define RIG_MS 1000000ULL

struct rig {
	struct vrrp v;
	uint64_t now_ns;
};

struct rig_step {
	int after_ms; /* the clock moves first; a TIMER with 0 moves it to timer_at_ns */
	enum vrrp_event_kind kind;
	/* the event */
	uint8_t priority, from; /* ADVERT: from 10.0.0.<from>, interval 100 ms unless adver_ms */
	int adver_ms;
	int adopted_ms; /* START: an own lease that runs this much longer */
	int sent_ms;    /* SENT: the advert left this much before now */
	enum hokm_reason reason;
	/* the view */
	int holds_ms; /* a peer holds a lease for this long; < 0: was seen to, until then */
	uint8_t holder, holder_priority;
	bool pulses;    /* owner_pulses, last seen before this step's moment … */
	bool fresh;     /* … or in it: newer than anything that happened before */
	bool held_back; /* not may_preempt */
	bool best, deaf;
	/* what must come of it */
	const char *did; /* actions as "lower advert:0 state"; "" for none */
	enum hokm_vrrp_state state;
	enum hokm_reason why; /* reason of the state; NONE: not looked at */
	int timer_ms;         /* timer_at_ns from now; -1: none runs; 0: not looked at */
};

void rig_init(struct rig *r);
/* Brings the machine to a state, by the shortest way. */
void rig_backup(struct rig *r);
void rig_master(struct rig *r);
void rig_run(struct rig *r, const char *name, const struct rig_step *steps, unsigned int n);
#define RIG_RUN(r, steps) rig_run(r, #steps, steps, sizeof(steps) / sizeof((steps)[0]))

#endif
