/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two owners at once: when it is reported of a peer, and for how long it may have been so. Pure; no
 * decision follows from it (the owner that must yield is found in vrrp.c).
 *
 * A rival is a peer whose answer to a pulse shows that it owns the VIP, while this node owns it
 * too. Only an answer counts that was asked for after this node became owner: an older one is of
 * the time before the VIP moved. Both owners see the other one, so both report it.
 *
 * Of a peer that answers no pulses now, its adverts show it: a filter may have come that drops the
 * pulses alone. There must be two, half an interval apart and after this node became owner: one may
 * have been on its way when the VIP moved. They may be forged, so what adverts alone show is
 * reported once in RIVAL_GAP_NS, until the peer answers again.
 *
 * When two nodes that did not hear each other meet again, the one that must yield does so within
 * one pulse. How long there were two is not known then. It is bounded: not longer than this node
 * has been owner, and not longer than the peer has not said that it owns nothing.
 *
 *   state   event                                                next
 *   off     both own, by a new answer or by adverts              on, BEGAN
 *   on      for RIVAL_OVER_NS no answer shows that any more,
 *           its lease has ended and its adverts have expired,
 *           or this node does not own                            off, ENDED
 *
 * Answers that come now and then, over a bad line, are one time of two owners and not many.
 */
#ifndef HOKM_DECIDE_RIVAL_H
#define HOKM_DECIDE_RIVAL_H

#include <stdbool.h>
#include <stdint.h>

#define RIVAL_OVER_NS 1000000000ULL
#define RIVAL_GAP_NS  60000000000ULL

/* Of one peer. All zero at the start. */
struct rival {
	bool on;
	bool by_adverts;      /* its adverts show it, no answer does */
	uint64_t reported_ns; /* when adverts alone made it be reported; 0: never */
	uint64_t first_ns;    /* the first of its adverts since this node owns; 0: none */
	uint64_t alone_ns;    /* the newest answer by which the peer owned nothing; 0: none */
	uint64_t since_ns;    /* there have not been two owners for longer; valid when n is not 0 */
	uint64_t over_ns; /* since when there are not two any more; 0: there are, or never were */
	uint64_t n;       /* how often there were two */
};

struct rival_seen {
	uint64_t owner_since_ns; /* this node has been owner since then; 0: it is not owner */
	uint64_t answer_ns; /* when the newest answer of the peer was asked for; 0: none came */
	uint64_t lease_until_ns; /* the end of its lease by that answer; 0: it has none */
	/* Of a peer that should answer pulses, and does not: its newest advert; 0: none. */
	uint64_t advert_ns;
	uint64_t adver_ns; /* the interval of adverts */
	uint64_t down_ns;  /* for so long an advert counts: Master_Down_Interval */
};

enum rival_news { RIVAL_NOTHING, RIVAL_BEGAN, RIVAL_ENDED };

/* What is to be reported. */
enum rival_news rival_step(struct rival *r, const struct rival_seen *seen, uint64_t now_ns);

/* For how long there have been, or were, two owners at most. */
uint64_t rival_lasted_ns(const struct rival *r, uint64_t now_ns);

#endif
