/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stories for the VRRP machine, written as tables. A story brings the machine to a state; each row
 * after it is one event and what must follow from it. Times are milliseconds.
 *
 *	STORY(rig_backup, "the owner says goodbye"),
 *	{"advert 200 from 1", "", "", "backup", 350},
 *	{"advert 0 from 1", "", "", "backup", 50},
 *	{"timer", "", "advert:128", "backup"},
 *	{"sent", "", "lease:275 raise state", "master priority-zero", 100},
 *
 * The columns are
 *
 *   what happens    [after N:] one of these; the clock moves N first
 *                   start [adopting N]              with a lease of before that runs N longer
 *                   timer                           moves the clock to the timer when N is not
 *given advert P [every N] from D       priority P, interval N (100), source 10.0.0.D sent [N ago] |
 *send failed      of the advert that was asked for fault R | clear R | handover R | stop R with
 *reason R pulse                           only what the pulses say has changed reload every N delay
 *M          advert interval and preempt delay, by a reload pulses say      words with commas
 *between them, or "" stale | fresh     the owner pulses, and was seen before this moment | in it
 *                   lease N [of D/P]  a peer holds a lease for N longer (negative: held one until
 *                                     then), the peer with address 10.0.0.D and priority P
 *                   seen N            its pulse answers a probe that was sent N ago
 *                   asked N           the peers that could become owner answered a probe that was
 *                                     sent N ago
 *                   better announces | lesser announces   one of them announces that it does
 *                   best              nobody is a better successor than this node
 *                   uncontested       the only other node answers no pulses
 *                   held back         this node may not preempt
 *                   unpermitted       the operator's hook has not permitted to become owner
 *                   deaf              there is no link
 *                   rival deaf | rival unseen   it has no answers of us; we have none of it
 *                   unproven          the advert's sender should answer pulses, and does not
 *                   free | occupied   by grants: nobody has them | another node has them
 *                   absent-holds      by grants: a peer that takes no part has a lease
 *                   granted           by grants: a majority grants this node
 *                   stand-in          by grants: a member promises nothing
 *                   lapsed            by grants: the packet path has stopped owning
 *                   kept              by grants: they are those of this node as owner
 *   actions         the machine's actions in their order, "" for none
 *   state           the state it is in, and the reason of that state when it is looked at
 *   timer           when the timer is due from now, -1 for no timer; 0 or nothing: not looked at
 *
 * The node has version 3, priority 128, address 10.0.0.2, adverts every 100 and a preempt delay of
 * 2000. So Skew_Time is 50, Master_Down_Interval 350, and a lease lasts 275.
 */
#ifndef HOKM_VRRP_RIG_H
#define HOKM_VRRP_RIG_H

#include "decide/vrrp.h"

/* Most rows end before the last columns. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#define RIG_MS 1000000ULL

struct rig {
	struct vrrp v;
	uint64_t now_ns;
	struct vrrp_event ev; /* the last one */
};

struct rig_step {
	const char *happens, *pulses, *does, *state;
	int timer_ms;
	void (*begin)(struct rig *r); /* a story, whose title is in `happens` */
};

#define STORY(begin_, title)                      \
	{                                         \
		.happens = title, .begin = begin_ \
	}

/* How stories begin: the shortest way to a state. */
void rig_init(struct rig *r);
void rig_backup(struct rig *r);
void rig_master(struct rig *r);

/* Runs the rows on a machine as it is; `title` says where a failure was. */
void rig_run(struct rig *r, const char *title, const struct rig_step *steps, unsigned int n);

/* Runs the stories of a table; the machine is left as the last one ended. */
void rig_tell(struct rig *r, const struct rig_step *steps, unsigned int n);
#define RIG_TELL(r, table) rig_tell(r, table, sizeof(table) / sizeof((table)[0]))

#endif
