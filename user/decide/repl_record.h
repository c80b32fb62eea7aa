/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The records that replicate connections of this node: what peers learn of one. Pure.
 *
 * The age counts for which of two nodes holds a connection; the newest word wins there. Whether the
 * beginning was seen counts for more: a peer ends a socket of its own for a connection that is
 * surely a later one (decide/ghost.h).
 */
#ifndef HOKM_DECIDE_REPL_RECORD_H
#define HOKM_DECIDE_REPL_RECORD_H

#include "decide/repl_wire.h"

/* tag: of its service. now_ns: when the record is made. */
struct repl_record repl_record_of_change(const struct hokm_change *c, uint32_t tag,
					 uint64_t now_ns);
/* what: REPL_HAVE or REPL_GONE */
struct repl_record repl_record_of_conn(const struct hokm_conn_key *k, const struct hokm_conn *c,
				       uint8_t what, uint32_t tag, uint64_t now_ns);

#endif
