/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Replica: what peers tell of their connections, put into map replica; one for all peers.
 *
 * Of two peers that claim the same addresses the connection that was established later counts: a
 * client may use a port again, and a node that steers never saw the former one end. An entry is
 * taken away by its own holder only, and only for the same isn. A holder's new list takes away what
 * it did not name.
 */
#ifndef HOKM_ACT_REPLICA_H
#define HOKM_ACT_REPLICA_H

#include <stdbool.h>
#include <stdint.h>

#include "path/bpf.h"
#include "decide/repl_wire.h"

struct replica; /* opaque: counts and generations by holder */

/* `b` is borrowed. Counts what an earlier daemon left in the map. 0 or -errno. */
int replica_open(struct hokm_bpf *b, struct replica **out);
void replica_close(struct replica *r);
/*
 * One record of `holder`, slot the service's here (HOKM_NODE_SLOT: we have no such service;
 * ignored). BEGIN starts a generation; END leaves the rest to replica_slice(). 0 or -errno.
 */
int replica_apply(struct replica *r, uint8_t holder, const struct repl_record *rec,
		  unsigned int slot, uint64_t now_ns);
/* Takes away, a slice at a time, what ended lists did not name. */
void replica_slice(struct replica *r);
/* Entries of a holder. */
uint64_t replica_count(const struct replica *r, uint8_t holder);
/* Those that found no room. */
uint64_t replica_full(const struct replica *r);
/* The holder is no peer any more, or its slot is another's. */
void replica_forget(struct replica *r, uint8_t holder);

#endif
