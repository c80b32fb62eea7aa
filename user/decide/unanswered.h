/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SYNs of clients that reach this machine while none of them is answered, and the active checks
 * pass: a packet filter discards them, or the answers leave by another way. The checks do not
 * notice that, because they never leave the machine. Pure; time comes in.
 *
 * This is a report, and no signal of observe.h: anybody can send SYNs that get no answer, so
 * nothing is steered and no state changes (rule 4, docs/architecture.md). One answer ends it. So
 * does a time without a SYN: a node that gave the VIP away is asked by nobody, and cannot know.
 */
#ifndef HOKM_UNANSWERED_H
#define HOKM_UNANSWERED_H

#include <stdbool.h>
#include <stdint.h>

/*
 * So many SYNs, and so much time since the first of them, and no more: the few SYNs of a client
 * that an operator banned add up over a night in which nobody else comes. The most is the time
 * without a SYN, too, that ends a report.
 */
#define UNANSWERED_SYNS    10
#define UNANSWERED_NS      5000000000ULL
#define UNANSWERED_MOST_NS 60000000000ULL

enum unanswered_news {
	UNANSWERED_NONE,
	UNANSWERED_BEGAN,
	UNANSWERED_ENDED,
	UNANSWERED_CEASED, /* an end, because no SYN comes any more */
	/*
	 * The first end since the daemon started, of something that it did not report itself. The
	 * daemon before it may have reported that, and notified operators.
	 */
	UNANSWERED_FIRST_END,
};

struct unanswered {
	bool known;           /* the counters below are there */
	bool ended_once;      /* since the daemon started */
	uint64_t answered;    /* the counter, as it was the last time */
	uint64_t syns;        /* the counter of SYNs when an answer was seen last */
	uint64_t established; /* the counter of handshakes when an answer was seen last */
	uint64_t since_ns;    /* the first SYN after that was seen; 0: none */
	uint64_t newest;      /* the counter of SYNs at the last look */
	uint64_t newest_ns;   /* when it rose last */
	bool reported;
};

/* What the packet path says of one service now. */
struct unanswered_look {
	uint64_t syns;        /* SYNs that the local kernel got */
	uint64_t answered;    /* its answers, SYN-ACK or refusal */
	uint64_t established; /* completed handshakes, local or with a peer */
	/*
	 * No packet of the server was ever seen. Either the answers leave by another interface,
	 * which handshakes prove that complete all the same, or a filter discards all SYNs.
	 */
	bool unseen;
	bool doubtful; /* another reason why SYNs stay unanswered: these do not count */
};

enum unanswered_news unanswered_step(struct unanswered *u, const struct unanswered_look *l,
				     uint64_t now_ns);

/* Nothing looks at this service any more, so a report of it would never end. */
enum unanswered_news unanswered_stop(struct unanswered *u);

#endif
