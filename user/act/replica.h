/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The writer of map replica, which has the connections whose sockets are on peers. There is one
 * struct replica for all peers. Here a peer is the holder of its connections, named by its peer
 * slot.
 *
 * Two peers may replicate the same client address and port: a client may use a port again, and a
 * node that only steered the former connection never saw it end. The connection that was
 * established later counts. Only its own holder can remove an entry, and only with the same initial
 * sequence number (isn). A new list of a holder removes each of its entries that the list does not
 * contain.
 *
 * A struct replica is used by the thread of the event loop only.
 */
#ifndef HOKM_ACT_REPLICA_H
#define HOKM_ACT_REPLICA_H

#include <stdbool.h>
#include <stdint.h>

#include "path/bpf.h"
#include "decide/repl_wire.h"

struct replica; /* opaque: counts and generations by holder */

/*
 * Counts the entries that an earlier daemon left in the map. `b` is borrowed. Returns 0 or -errno.
 * The caller closes *out with replica_close().
 */
int replica_open(struct hokm_bpf *b, struct replica **out);
void replica_close(struct replica *r);

/*
 * Applies one record from `holder`. `slot` is the local slot of the record's service;
 * HOKM_NODE_SLOT means that this node has no such service, and the record is ignored. REPL_BEGIN
 * begins a new list, REPL_END completes it; replica_slice() then removes what the list does not
 * contain. Returns 0 or -errno.
 */
int replica_apply(struct replica *r, uint8_t holder, const struct repl_record *rec,
		  unsigned int slot, uint64_t now_ns);

/* Removes entries that completed lists do not contain: one slice of the map at each call. */
void replica_slice(struct replica *r);

/* Returns how many entries a holder has. */
uint64_t replica_count(const struct replica *r, uint8_t holder);

/* Returns how many entries could not be written because the map was full. */
uint64_t replica_full(const struct replica *r);

/* Removes all entries of a holder that is no longer a peer or whose slot has another peer now. */
void replica_forget(struct replica *r, uint8_t holder);

#endif
