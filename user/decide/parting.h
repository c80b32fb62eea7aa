/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The last adverts of an owner whose daemon is about to be replaced by another binary: when each of
 * them is sent, and whether enough of the lease is left to go. Asked at each tick.
 *
 * A round is PARTING_ADVERTS adverts, PARTING_GAP_NS apart, so that one burst of loss does not take
 * all of them. None is sent later than PARTING_NS after the first of its round: see the arithmetic
 * in daemon/upgrade.h. After a round the daemon goes if the lease lasts for what follows: what must
 * be ended here, exec, and the start of the new daemon. Else, because a tick was late, another
 * round begins. After PARTING_ROUNDS of them the daemon stays.
 */
#ifndef HOKM_PARTING_H
#define HOKM_PARTING_H

#include <stdbool.h>
#include <stdint.h>

#define PARTING_ADVERTS 3
#define PARTING_ROUNDS  3
#define PARTING_GAP_NS  50000000ULL
#define PARTING_NS      150000000ULL
/* How much of the lease must be left at the exec; of a short lease no more than half. */
#define PARTING_LEFT_NS 1000000000ULL

enum parting_do { PARTING_WAIT, PARTING_ADVERT, PARTING_GO, PARTING_STAY };

struct parting {
	unsigned int left;   /* adverts of this round that are not sent yet */
	unsigned int rounds; /* that have ended */
	uint64_t first_ns, last_ns;
};

/* Caller: sets it to this before the first parting_step(). */
static inline struct parting parting_begin(void)
{
	return (struct parting){.left = PARTING_ADVERTS};
}

/*
 * What to do at this tick. `owner`: the node is MASTER. lease_until_ns: of its lease. lease_ns: how
 * long a lease is that was given just now.
 */
enum parting_do parting_step(struct parting *p, bool owner, uint64_t lease_until_ns,
			     uint64_t lease_ns, uint64_t now_ns);

#endif
