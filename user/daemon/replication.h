/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Replication: this node's connections are replicated to every peer, and the peers' connections are
 * entered into map replica. Changes of the packet path go to one link for each peer (decide/repl),
 * from there to the socket of the path by which the peer is reached (repl_paths.h); received
 * datagrams go the other way.
 *
 * A NULL handle stands for `replication { enabled = no }`: then every function here does nothing.
 */
#ifndef HOKM_DAEMON_REPLICATION_H
#define HOKM_DAEMON_REPLICATION_H

#include <stdbool.h>
#include <stdint.h>

#include "decide/repl.h"

struct hokm_conn;
struct hokm_conn_key;
struct hokm_replica;
struct ended_inbox;
struct node;
struct pulse_paths;
struct replication; /* opaque */

/* *out stays NULL when replication is off. 0 or -errno, logged. `ended`, `pulses` outlive it. */
int replication_open(struct node *n, struct ended_inbox *ended, const struct pulse_paths *pulses,
		     struct replication **out);
void replication_close(struct replication *r);
/* After a reload: peers, services or the secret may have changed. 0 or -errno, logged. */
int replication_reconf(struct replication *r);
/* The interface was made again, with this index. 0 or -errno. */
int replication_set_interface(struct replication *r, int ifindex);
/* At each tick of the pulse: sends what is new, and lists to peers that need one. */
void replication_run(struct replication *r, uint64_t now_ns);

/*
 * Informs the peer in this slot that this node has ended its connection (daemon/ended.h). False
 * when no stream to it runs; the next one makes it due again.
 */
bool replication_inform(struct replication *r, unsigned int slot, const struct hokm_conn_key *k,
			const struct hokm_replica *entry, uint64_t now_ns);
/* The stream to the peer in this slot has room for more than changes. */
bool replication_has_room(const struct replication *r, unsigned int slot);

/* From the sweep: a connection with traffic, and one that left the table without a change. */
void replication_renew(struct replication *r, const struct hokm_conn_key *k,
		       const struct hokm_conn *c);
void replication_gone(struct replication *r, const struct hokm_conn_key *k,
		      const struct hokm_conn *c);

/*
 * The peer in this slot has replicated all its connections, and this is not one of them. False also
 * when that cannot be known now.
 */
bool replication_lacks(struct replication *r, unsigned int slot, const struct hokm_conn_key *k);
/*
 * A connection of this node changed since the tick before the present one, or there is more to send
 * to a peer than one tick does.
 */
bool replication_changes(const struct replication *r);
/* This node knows all connections of every alive peer. False when replication is off. */
bool replication_complete(const struct replication *r, uint64_t now_ns);
/* A peer that is alive, its daemon too, has not replicated all its connections yet. */
bool replication_cold(const struct replication *r);

/* Entries of a peer in map replica. */
uint64_t replication_entries(const struct replication *r, unsigned int slot);
/* Connections of peers that found no room in map replica. */
uint64_t replication_full(const struct replication *r);

/* The link to the peer in this slot, NULL: none. Valid until the next reload. */
struct repl_link *replication_link(const struct replication *r, unsigned int slot);

struct replication_status {
	bool connected;
	bool warm;         /* this node knows all connections of the peer */
	bool peer_warm;    /* the peer knows all connections of this node */
	unsigned int path; /* HOKM_PATH_SEGMENT, or the number of the path over which it is sent */
	uint64_t entries;
	struct repl_stats stats;
};
/* False when there is no link to the peer in this slot. */
bool replication_get_status(const struct replication *r, unsigned int slot,
			    struct replication_status *out);

#endif
