/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SYNs of clients that reach this machine while none of them is answered, and the active checks
 * pass: a packet filter discards them, or the answers leave by another way. The checks do not
 * notice that, because they never leave the machine. Pure; time comes in.
 *
 * This is a report, and no signal of observe.h: anybody can send SYNs that get no answer, so
 * nothing is steered and no state changes (rule 4, docs/architecture.md). One answer ends it.
 */
#ifndef HOKM_UNANSWERED_H
#define HOKM_UNANSWERED_H

#include <stdbool.h>
#include <stdint.h>

/* So many SYNs, and so much time since the first of them. */
#define UNANSWERED_SYNS 10
#define UNANSWERED_NS   5000000000ULL

enum unanswered_news { UNANSWERED_NONE, UNANSWERED_BEGAN, UNANSWERED_ENDED };

struct unanswered {
	bool known;        /* the counters below are there */
	uint64_t answered; /* the counter, as it was the last time */
	uint64_t syns;     /* the counter of SYNs when an answer was seen last */
	uint64_t since_ns; /* the first SYN after that was seen; 0: none */
	bool reported;
};

/*
 * Takes the counters: SYNs that the local kernel got, and its answers, SYN-ACK or refusal.
 * doubtful: there is another reason why SYNs stay unanswered, so these do not count.
 */
enum unanswered_news unanswered_step(struct unanswered *u, uint64_t syns, uint64_t answered,
				     bool doubtful, uint64_t now_ns);

#endif
