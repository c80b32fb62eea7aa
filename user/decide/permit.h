/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The permission to become owner, which the hook `before` gives. Pure.
 *
 *   none      nobody was asked
 *   asked     the hook runs; at the end of wait_ns its silence counts as `silence`
 *   given     for PERMIT_LASTS_NS: then the hook is asked again
 *   refused   the same
 *
 * A node that was refused goes on refusing, also while it asks again, until the hook permits or the
 * state of the node changes. Its peers learn it, so that none of them hands the VIP over to it.
 *
 * While a healthy peer owns (`calm`) nobody needs the answer. Then the end of a refusal is its end,
 * nobody asks, and the next hand-over costs one run of the hook. A node that would preempt that
 * peer asks by itself, at once: each refusal in such a series lasts twice as long as the one
 * before, at most PERMIT_LASTS_NS << PERMIT_DOUBLED.
 *
 * Only a change from BACKUP to owner waits for it. Giving up, staying owner and continuing a lease
 * after a restart never do.
 */
#ifndef HOKM_PERMIT_H
#define HOKM_PERMIT_H

#include <stdbool.h>
#include <stdint.h>

#define PERMIT_LASTS_NS  10000000000ULL
#define PERMIT_DOUBLED   5
#define PERMIT_SERIES_NS 1000000000ULL /* a series is over after this long without a question */

enum permit_word { PERMIT_NONE, PERMIT_ASKED, PERMIT_GIVEN, PERMIT_REFUSED };

struct permit_conf {
	uint64_t wait_ns; /* 0: no permission is needed */
	bool silence;     /* what it counts as when the hook does not answer in time */
};

/* All zero is the beginning. */
struct permit {
	enum permit_word word;
	uint64_t since_ns; /* of the word */
	uint64_t number;   /* of the last question */
	bool refusing;     /* refused, and not permitted since */
	uint8_t refusals;  /* of this series, as far as they are counted */
};

/* The permission is needed now. True when the hook is to be asked, as question p->number. */
bool permit_ask(struct permit *p, uint64_t now_ns);
/*
 * The hook answered a question; an answer to an older one, or one that is late, counts for nothing.
 */
void permit_answer(struct permit *p, uint64_t number, bool yes, uint64_t now_ns);
/* What time alone changes. Call it before looking at the word. calm: a healthy peer owns. */
void permit_step(struct permit *p, const struct permit_conf *c, bool calm, uint64_t now_ns);
/* May the node become owner? */
bool permit_allows(const struct permit *p, const struct permit_conf *c);
/* Was it refused, and not permitted since? */
bool permit_refuses(const struct permit *p, const struct permit_conf *c);
/* The node became owner, or cannot become it any more. */
void permit_reset(struct permit *p);

const char *permit_word(enum permit_word word);

#endif
