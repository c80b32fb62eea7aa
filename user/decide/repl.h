/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Replication between this node and one peer, both directions; pure: time comes in, messages go out
 * through repl_next(), nothing here knows sockets or maps.
 *
 *   sending    put() fills messages, next() hands them out: new ones, and from the first
 *              unacknowledged one again when nothing was acknowledged for REPL_REPEAT_NS (go back
 * N). The window is bounded. When it overflows or the numbers end, when nothing is acknowledged for
 * REPL_STUCK_NS, when the peer restarts or was never heard, a new stream begins with a full list:
 * BEGIN, every connection, END. receiving  a message counts once, in order, of the stream that
 * runs; anything else is a fault, counted, and changes nothing.
 *
 * Sessions. Each daemon has a random session. CONTROL messages go out every REPL_CONTROL_NS, and
 * when DATA arrived; they acknowledge, and prove that both live now: one is taken when it echoes
 * our session and a clock reading of ours from the last REPL_FRESH_NS, later than any echoed before
 * (same session: and carries a later clock of the peer's). So no recording of an earlier session
 * can bring it back. DATA counts for the session and echo that CONTROL established. Each direction
 * has a key of its own, so that nobody's words count when they are sent back.
 *
 * Lag: how long the oldest unacknowledged change waits.
 */
#ifndef HOKM_REPL_H
#define HOKM_REPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "decide/repl_wire.h"

#define REPL_WINDOW     256 /* messages under way */
#define REPL_CONTROL_NS 250000000ULL
#define REPL_REPEAT_NS  30000000ULL
#define REPL_FRESH_NS   2000000000ULL
#define REPL_STUCK_NS   2000000000ULL
#define REPL_NUMBERS    (1U << 31) /* messages of one stream */

struct repl_conf {
	uint64_t session; /* ours: random, not 0 */
	uint8_t vrid;
	uint32_t numbers;  /* messages of one stream; 0: REPL_NUMBERS */
	__u64 key[2];      /* of what we send */
	__u64 peer_key[2]; /* of what the peer sends: never the same */
};

struct repl_stats {
	uint64_t sent, repeated, received; /* DATA messages */
	uint64_t records_sent, records_received;
	uint64_t resyncs;   /* full lists begun */
	uint64_t overflows; /* of them, because the window was full */
	uint64_t stuck;     /* of them, because for REPL_STUCK_NS nothing was acknowledged */
	uint64_t bad[REPL_FAULT_COUNT];
	uint64_t lag_ns;     /* now: age of the oldest change that is not acknowledged */
	uint64_t lag_max_ns; /* worst since it was asked for last */
};

/* What one datagram meant. */
struct repl_received {
	enum repl_fault fault;
	/* the peer's daemon is a new one: what it told before counts until its new list ends */
	bool restarted;
	/* n of them, to be applied in order; valid until the next call */
	const struct repl_record *records;
	unsigned int n;
};

struct repl_link; /* opaque */

/* 0 or -ENOMEM. Caller: repl_free(), which wipes the key. */
int repl_new(const struct repl_conf *conf, struct repl_link **out);
void repl_free(struct repl_link *l);

/* The peer's CONTROL was heard within REPL_FRESH_NS and both know each other's session. */
bool repl_connected(const struct repl_link *l, uint64_t now_ns);

/*
 * A full list is wanted: the caller walks its connections, calling put(HAVE) for each while
 * repl_has_room(), then repl_list_end(). repl_list_begin() answers the wish; it may come again at
 * any time, also in the middle of a list (then the walk starts over).
 */
bool repl_wants_list(const struct repl_link *l, uint64_t now_ns);
void repl_list_begin(struct repl_link *l, uint64_t now_ns);
bool repl_listing(const struct repl_link *l); /* between begin and end */
bool repl_has_room(const struct repl_link *l);
void repl_list_end(struct repl_link *l, uint64_t now_ns);
/* The caller missed changes: a new list is wanted. */
void repl_lost(struct repl_link *l);

/* HAVE or GONE. Ignored while not connected: the list that follows has it. born_ns: for the lag. */
void repl_put(struct repl_link *l, const struct repl_record *r, uint64_t born_ns, uint64_t now_ns);

/* The next datagram to send now, into buf (HOKM_REPL_MAX bytes); 0: no more at this tick. */
size_t repl_next(struct repl_link *l, uint64_t now_ns, void *buf);

/*
 * The acknowledgement of what arrived, into buf; 0: none is due. Asked for when the datagrams that
 * waited have been read, so that what the peer waits for does not wait for our next tick.
 */
size_t repl_acknowledge(struct repl_link *l, uint64_t now_ns, void *buf);

/* One datagram from this peer's address. */
void repl_receive(struct repl_link *l, const void *buf, size_t len, uint64_t now_ns,
		  struct repl_received *out);

/*
 * The peer has acknowledged a whole list of ours and all since; and it has told us its whole list.
 */
bool repl_peer_warm(const struct repl_link *l);
bool repl_warm(const struct repl_link *l);
void repl_get_stats(struct repl_link *l, uint64_t now_ns, struct repl_stats *out);

#endif
