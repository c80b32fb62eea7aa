/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Replication of connections between this node and one peer, in both directions. A pure machine: it
 * knows no sockets and no maps. The caller gives it changes and received datagrams together with
 * the time, and fetches the datagrams to send.
 *
 * Messages
 *   CONTROL   proves that its sender is alive now, and acknowledges DATA
 *   DATA      up to REPL_RECORDS changes; number N of stream S
 *
 * Sending. The changes of one stream go out in numbered DATA messages (go-back-N, at most
 * REPL_WINDOW of them unacknowledged). A stream begins with a full list: BEGIN, every connection,
 * END.
 *
 *   no stream   the caller sees repl_wants_list(), calls repl_list_begin()        -> listing
 *   listing     repl_put() for each connection and each change; repl_list_end()   -> streaming
 *   streaming   repl_put() for each change
 *   any         the window is full; the numbers are used up; no acknowledgement for REPL_STUCK_NS;
 *               the peer has a new session; repl_lost()                           -> no stream
 *
 * ENDED records may stand anywhere in a stream. The caller puts those that are due after each
 * beginning of a stream, so that none is lost with the stream before.
 *
 * Receiving. A DATA message counts once, in order, and only for the present stream. All others are
 * faults: they are counted and change nothing. The replica is warm when the END of a list was
 * received after its BEGIN.
 *
 * Sessions. Each daemon has a random session. A CONTROL message is accepted when it echoes our
 * session and a reading of our clock of the last REPL_FRESH_NS. For a new session of the peer, that
 * reading must be later than all that were echoed before; for the present one, the reading of the
 * peer's clock must be later than the one before. So no recording can bring an earlier session
 * back. DATA counts only for the session that CONTROL has established, and a CONTROL acknowledges
 * DATA of the session that it echoes alone. Each direction has its own key, so that a message that
 * is sent back to its sender counts for nothing.
 *
 * Timers, checked in repl_next()
 *   REPL_CONTROL_NS   since the last CONTROL: send one (also as soon as DATA was received)
 *   REPL_REPEAT_NS    without an acknowledgement: repeat from the first unacknowledged message
 *   REPL_STUCK_NS     without an acknowledgement: end the stream
 *   REPL_FRESH_NS     since the last CONTROL of the peer: the link is not connected any more
 *
 * Lag is the age of the oldest change that is not acknowledged.
 */
#ifndef HOKM_REPL_H
#define HOKM_REPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "decide/repl_wire.h"

#define REPL_WINDOW     256 /* most messages without an acknowledgement */
#define REPL_CONTROL_NS 250000000ULL
#define REPL_REPEAT_NS  30000000ULL
#define REPL_FRESH_NS   2000000000ULL
#define REPL_STUCK_NS   2000000000ULL
#define REPL_NUMBERS    (1U << 31) /* most messages of one stream */

struct repl_keys {
	__u64 sign[2]; /* what this node sends */
	unsigned int n_verify;
	/* One of them signs what the peer sends, more than one while a secret is replaced; never
	 * the same as `sign`. */
	__u64 verify[HOKM_MAX_SECRETS][2];
};

struct repl_conf {
	uint64_t session; /* of this daemon: random, not 0 */
	uint8_t vrid;
	uint32_t numbers; /* most messages of one stream; 0: REPL_NUMBERS */
	struct repl_keys keys;
};

struct repl_stats {
	uint64_t sent, repeated, received; /* DATA messages */
	uint64_t records_sent, records_received;
	uint64_t resyncs;   /* full lists that were begun */
	uint64_t overflows; /* streams that ended because the window was full */
	uint64_t stuck;     /* streams that ended after REPL_STUCK_NS without acknowledgement */
	uint64_t bad[REPL_FAULT_COUNT];
	uint64_t lag_ns;     /* now */
	uint64_t lag_max_ns; /* the greatest since the last repl_get_stats() */
};

/* What a received datagram means. */
struct repl_received {
	enum repl_fault fault;
	/* the peer has a new session; its replicated entries stay valid until its new list ends */
	bool restarted;
	/* n records to apply in this order; valid until the next call */
	const struct repl_record *records;
	unsigned int n;
};

struct repl_link; /* opaque */

/* Returns 0 and *out, or -ENOMEM. Caller: repl_free(), which erases the keys. */
int repl_new(const struct repl_conf *conf, struct repl_link **out);
void repl_free(struct repl_link *l);
/* Other keys. Session and streams go on: what is on its way is verified if its key still is. */
void repl_set_keys(struct repl_link *l, const struct repl_keys *keys);

/* What the next CONTROL messages say about this node's settings. */
void repl_set_agree(struct repl_link *l, const struct agree *here);
/* What the newest CONTROL of the peer's daemon said; NULL: nothing. */
const struct agree *repl_agree(const struct repl_link *l);

/* Both daemons know each other's session, and a CONTROL was accepted within REPL_FRESH_NS. */
bool repl_connected(const struct repl_link *l, uint64_t now_ns);
/* When the newest CONTROL was accepted: an answer to one of ours. 0: none was. */
uint64_t repl_heard_ns(const struct repl_link *l);

/*
 * True when a full list is needed. The caller then calls repl_list_begin(), repl_put() with HAVE
 * for each connection while repl_has_room(), and repl_list_end(). A list may be needed again at any
 * time, also before the present one has ended: then the caller starts again with the first
 * connection.
 */
bool repl_wants_list(const struct repl_link *l, uint64_t now_ns);
void repl_list_begin(struct repl_link *l, uint64_t now_ns);
/* A stream runs: repl_put() is not ignored. */
bool repl_streaming(const struct repl_link *l);
/* Between repl_list_begin() and repl_list_end(). */
bool repl_listing(const struct repl_link *l);
/* The window has room for records of a list; half of it is kept for changes. */
bool repl_has_room(const struct repl_link *l);
void repl_list_end(struct repl_link *l, uint64_t now_ns);
/* The caller has missed changes of its map: ends the stream, so that a new list is needed. */
void repl_lost(struct repl_link *l);

/*
 * A record HAVE, GONE or ENDED; born_ns is the time of the change, for the lag. Ignored while there
 * is no stream, because the list that begins the next one contains the connection.
 */
void repl_put(struct repl_link *l, const struct repl_record *r, uint64_t born_ns, uint64_t now_ns);

/*
 * Writes the next datagram to send now into buf (HOKM_REPL_MAX bytes). Returns its length; 0: there
 * is nothing more to send at this tick.
 */
size_t repl_next(struct repl_link *l, uint64_t now_ns, void *buf);

/*
 * Writes the acknowledgement of what was received into buf. Returns its length; 0: none is due. The
 * caller asks after it has read all waiting datagrams, so that the peer does not wait for our next
 * tick.
 */
size_t repl_acknowledge(struct repl_link *l, uint64_t now_ns, void *buf);

/* A datagram from the peer's address; fills *out. */
void repl_receive(struct repl_link *l, const void *buf, size_t len, uint64_t now_ns,
		  struct repl_received *out);

/* The peer has acknowledged a full list of this node's connections: its replica is warm. */
bool repl_peer_warm(const struct repl_link *l);
/* The peer has sent a full list of its connections: the replica here is warm. */
bool repl_warm(const struct repl_link *l);
/* Fills *out, and starts a new measurement of lag_max_ns. */
void repl_get_stats(struct repl_link *l, uint64_t now_ns, struct repl_stats *out);

#endif
