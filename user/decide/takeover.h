/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Takeover of the connections of one dead peer: when their clients are notified, and how fast. A
 * pure machine; the caller owns one for each peer.
 *
 *   IDLE --- this node is owner, and the peer's connections are over -----------> walk of round 0
 *   walk --- all replicated entries of the peer were visited -------------------> wait
 *   wait --- the time of the next round has come -------------------------------> walk
 *   wait --- after the last round ----------------------------------------------> DONE
 *   any  --- the peer shows life again, or this node is not owner any more -----> IDLE
 *
 * A round walks through the replicated entries of the peer and sends a tickle and an RST to each
 * client; it leaves out the clients whose kernels have answered already. There are TAKEOVER_ROUNDS
 * of them, because packets are lost: of a burst to thousands of clients behind one cable up to a
 * third. A client's kernel answers at most one tickle in 500 ms (RFC 5961, tcp_invalid_ratelimit),
 * so that a later round repeats what an earlier one could not reach.
 *
 * Timers
 *   takeover_rounds_ns   start of each round, counted from the start of the first one: 0, 0.2, 0.4,
 *                        0.6, 0.9, 1.5, 3 s; a round that takes longer delays the next one
 *   TAKEOVER_STEP_NS     between two bursts of a walk
 *
 * Invariants
 *   - Rounds never overlap.
 *   - A burst has at most TAKEOVER_MOST connections, and bursts together at most `rate` a second.
 *   - DONE lasts until the peer shows life again: each death is handled once.
 */
#ifndef HOKM_TAKEOVER_H
#define HOKM_TAKEOVER_H

#include <stdbool.h>
#include <stdint.h>

#include "hokm/abi.h"

#define TAKEOVER_ROUNDS 7
/*
 * Most connections of one burst, with two packets each, and the time between two bursts. Bursts are
 * short, because the queue of a network card holds some hundred packets and drops the others.
 */
#define TAKEOVER_MOST    64
#define TAKEOVER_STEP_NS 500000ULL
extern const uint64_t takeover_rounds_ns[TAKEOVER_ROUNDS];

struct takeover {
	bool running;       /* rounds are left */
	bool done;          /* all rounds of this death are over */
	bool walking;       /* in the middle of a round */
	unsigned int round; /* the present round, or the next one */
	uint64_t began_ns;  /* start of round 0 */
	uint64_t credit_ns; /* for the pace: allowance is counted from this time */
};

enum takeover_step {
	TAKEOVER_IDLE,  /* nothing to do */
	TAKEOVER_BEGIN, /* the peer is dead: start the walk of round 0 at the first entry */
	TAKEOVER_ROUND, /* start the walk of a later round at the first entry */
	TAKEOVER_WALK,  /* continue the walk */
	TAKEOVER_OVER,  /* the last round is over, the peer shows life, or we are not owner */
};

void takeover_init(struct takeover *t);
/*
 * What to do now.
 *   due         this node owns the VIP, and the peer's connections are over (decide/peer_sight)
 *   rate        connections to notify in a second
 *   *quota      out, for BEGIN, ROUND and WALK: how many connections to notify now; at most
 *               TAKEOVER_MOST, and at most what `rate` allows since the last call. Allowance that
 *               was not used is kept for 10 ms.
 */
enum takeover_step takeover_tick(struct takeover *t, bool due, unsigned int rate, uint64_t now_ns,
				 unsigned int *quota);
/* The caller reports that the walk has visited all entries. */
void takeover_walked(struct takeover *t, uint64_t now_ns);
/*
 * When to call takeover_tick() again; 0: at the next pulse is soon enough.
 */
uint64_t takeover_next_ns(const struct takeover *t, uint64_t now_ns);

#endif
