/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Replication, put together: changes of the packet path -> a link to each peer -> socket; socket ->
 * link -> map replica. Off (d->repl is NULL) with `replication { enabled = no }`: then everything
 * here does nothing.
 */
#ifndef HOKM_DAEMON_REPL_H
#define HOKM_DAEMON_REPL_H

#include <stdbool.h>
#include <stdint.h>

#include "path/bpf.h"
#include "decide/repl.h"

struct daemon;
struct daemon_repl; /* opaque */

/* Fills d->repl. 0 or -errno, logged. */
int daemon_repl_open(struct daemon *d);
void daemon_repl_close(struct daemon *d);
/* After a reload: peers or the secret may be others. 0 or -errno, logged. */
int daemon_repl_reconf(struct daemon *d);
/* Each tick of the pulse. */
void daemon_repl_tick(struct daemon *d, uint64_t now_ns);

/* What the walk through conns found: a connection that talks, and one that it took away untold. */
void daemon_repl_renew(struct daemon *d, const struct hokm_conn_key *k, const struct hokm_conn *c);
void daemon_repl_gone(struct daemon *d, const struct hokm_conn_key *k, const struct hokm_conn *c);

/*
 * The peer in this slot has told all its connections, and this is none of them. False also when
 * that cannot be known now.
 */
bool daemon_repl_lacks(struct daemon *d, unsigned int slot, const struct hokm_conn_key *k);

/* A peer that lives, its daemon too, has not told us all its connections yet. */
bool daemon_repl_cold(const struct daemon *d);

/* For status; false when there is no link to this slot. */
struct daemon_repl_status {
	bool connected;
	bool warm;      /* we know all of its connections */
	bool peer_warm; /* it knows all of ours */
	uint64_t entries;
	struct repl_stats stats;
};
bool daemon_repl_status(struct daemon *d, unsigned int slot, struct daemon_repl_status *out);
/* Entries of a peer in map replica. */
uint64_t daemon_repl_entries(const struct daemon *d, unsigned int slot);
/* Connections of peers that found no room in map replica. */
uint64_t daemon_repl_full(const struct daemon *d);

#endif
