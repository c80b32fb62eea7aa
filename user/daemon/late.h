/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How late the event loop does each kind of its work: the worst case since the start, the worst of
 * the last one to two minutes, and how often it was how late since the start. For a turn it is how
 * long the turn took, because all other work waits that long. Pure; a note costs a few
 * instructions.
 *
 * The counts only grow: who looks twice has the distribution of the time between the two looks.
 */
#ifndef HOKM_DAEMON_LATE_H
#define HOKM_DAEMON_LATE_H

#include <stdint.h>

enum late_kind {
	LATE_VRRP,     /* the timer of the VRRP machine */
	LATE_PULSE,    /* the heartbeat */
	LATE_GARP,     /* gratuitous ARP */
	LATE_CHECK,    /* the start of an active check */
	LATE_TAKEOVER, /* notifying the clients of a dead peer */
	LATE_SESSIONS, /* terminating sessions */
	LATE_TURN,     /* one settle(), with the quiet tick that led to it */
	LATE_KINDS
};

/*
 * Place 0 counts what was less than 1 us late, place i what was at least 2^(i-1) and less than 2^i
 * us late. The last place has no upper limit: 4.2 s and more.
 */
#define LATE_PLACES 24

struct late {
	uint64_t worst_ns;             /* since the start */
	uint64_t window_ns;            /* when the present minute began */
	uint64_t minute_ns, before_ns; /* the worst of the present minute, and of the one before */
	uint64_t places[LATE_PLACES];  /* how often, since the start */
};

void late_note(struct late *l, uint64_t late_ns, uint64_t now_ns);
uint64_t late_recent_ns(const struct late *l, uint64_t now_ns);

/* The name in JSON. */
const char *late_name(enum late_kind kind);

#endif
