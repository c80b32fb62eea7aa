/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How late the event loop does each kind of its work: the worst case since the start, and the worst
 * of the last one to two minutes. For a turn it is how long the turn took, because all other work
 * waits that long. Pure; a note costs a few instructions.
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
	LATE_TURN,     /* one settle() */
	LATE_KINDS
};

struct late {
	uint64_t worst_ns;             /* since the start */
	uint64_t window_ns;            /* when the present minute began */
	uint64_t minute_ns, before_ns; /* the worst of the present minute, and of the one before */
};

void late_note(struct late *l, uint64_t late_ns, uint64_t now_ns);
uint64_t late_recent_ns(const struct late *l, uint64_t now_ns);

/* The name in JSON. */
const char *late_name(enum late_kind kind);

#endif
