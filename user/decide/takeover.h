/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Takeover: when to tell the clients of a dead peer, and how fast; pure.
 *
 * Due for a peer when this node is owner and the peer has answered no pulse for confirm_ns. Then
 * TAKEOVER_ROUNDS walks through its entries, begun at 0, 0.2, 0.4, 0.6, 0.9, 1.5 and 3 s after the
 * first, each paced by `rate`; a walk leaves out whose client has said that it knows. A client's
 * kernel answers a tickle at most every 500 ms; the walks between are for those to whom an RST, or
 * from whom their word, was lost: of a burst to thousands that live behind one cable a third may
 * be. A peer that answers again, or ownership that is lost, ends it; the next death begins anew.
 *
 * A long walk pushes the next one back: rounds never overlap.
 */
#ifndef HOKM_TAKEOVER_H
#define HOKM_TAKEOVER_H

#include <stdbool.h>
#include <stdint.h>

#include "hokm/abi.h"

#define TAKEOVER_ROUNDS 7
/*
 * Connections told in one step, two packets each, and how soon the next step comes: short bursts,
 * for the queue of a network card holds some hundred packets and drops the rest.
 */
#define TAKEOVER_MOST    64
#define TAKEOVER_STEP_NS 500000ULL
extern const uint64_t takeover_rounds_ns[TAKEOVER_ROUNDS];

struct takeover {
	bool running;       /* rounds are left */
	bool done;          /* this death is dealt with */
	bool walking;       /* in the middle of a round */
	unsigned int round; /* next or present */
	uint64_t began_ns;
	uint64_t credit_ns; /* pacing: time that was not used yet counts from here */
};

enum takeover_step {
	TAKEOVER_IDLE,
	TAKEOVER_BEGIN, /* a death: the first walk begins, from the start */
	TAKEOVER_ROUND, /* a further walk begins, from the start */
	TAKEOVER_WALK,  /* go on walking */
	TAKEOVER_OVER,  /* the last round has ended, or there is no reason any more */
};

void takeover_init(struct takeover *t);
/*
 * What to do now. silent_ns: since the peer's last answer (UINT64_MAX: never heard; nothing is due
 * then). *quota: connections that may be told now (WALK, BEGIN, ROUND), at most TAKEOVER_MOST and
 * at most what `rate` a second allows since the last call; unused allowance does not pile up beyond
 * 10 ms.
 */
enum takeover_step takeover_tick(struct takeover *t, bool owner, uint64_t silent_ns,
				 uint64_t confirm_ns, unsigned int rate, uint64_t now_ns,
				 unsigned int *quota);
/* The walk came to its end. */
void takeover_walked(struct takeover *t, uint64_t now_ns);
/* When takeover_tick() has something to do next; 0: at the next tick of the pulse, as always. */
uint64_t takeover_next_ns(const struct takeover *t, uint64_t now_ns);

#endif
