/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The age of one entry of map conns: when its last packet was seen, for how long it has been stale,
 * and whether it is over. A connection is stale when the server has left a request of the client
 * unanswered. Pure; `ctl conns` and the daemon's sweep share it.
 *
 *   reason           request                          answered by
 *   STALE_UPGRADE    HTTP upgrade                     status line of the answer
 *   STALE_PING       WebSocket ping of the client     pong
 *   STALE_DATA       TCP data of the client           acknowledgement by the server's kernel
 */
#ifndef HOKM_STALE_H
#define HOKM_STALE_H

#include <stdbool.h>
#include <stdint.h>

#include "hokm/names.h"

/* When the last packet in either direction was seen; without any, when the entry was made. */
uint64_t conn_last_ns(const struct hokm_conn *c);

/* So long after its last packet a connection whose end was seen leaves the table. */
#define CONN_CLOSED_NS (10 * 1000000000ULL)
/*
 * And one of which no packet of the server was seen: longer than the pauses between the messages of
 * a server to clients that only listen. The next of them confirms the connection.
 */
#define CONN_UNCONFIRMED_NS (150 * 1000000000ULL)

enum conn_fate {
	CONN_STAYS,
	CONN_LEFT,    /* it is over */
	CONN_EXPIRED, /* silent for idle_limit_ns: its end may not have been seen */
};

enum conn_fate conn_fate(const struct hokm_conn *c, uint64_t now_ns, uint64_t idle_limit_ns);

/* So often the kernel is asked whether a connection that is silent for longer has its socket. */
#define CONN_ASK_NS (60 * 1000000000ULL)
/*
 * Is it asked for this one in the walk that began at began_ns? The walk before began at before_ns.
 * In a row of walks each connection is asked for once in CONN_ASK_NS from the moment on at which it
 * expired. The client's port spreads those that expire at the same moment.
 */
bool conn_asked_for(const struct hokm_conn_key *k, const struct hokm_conn *c, uint64_t before_ns,
		    uint64_t began_ns, uint64_t idle_limit_ns);

/*
 * For how many ns the oldest request of a connection has been without an answer; 0: no request is
 * open, or the connection is not established, or another node serves it. *why (not NULL) is the
 * reason of the table, or NONE.
 */
uint64_t stale_ns(const struct hokm_conn *c, uint64_t now_ns, enum hokm_reason *why);

#endif
