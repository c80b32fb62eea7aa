/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Connections that one node ended in the place of another. A node that takes a peer for dead
 * notifies the peer's clients: by the packet path (bpf/dead_peer.h) and by a takeover
 * (peer_takeover.h). Both note it in map replica (answered_ns). If the peer is alive after all, as
 * after a partition, its sockets would stay without a client. So it is informed by replication
 * (ENDED), and ends them.
 *
 *   this node ended connections of a peer
 *     peer shows life again, our stream to it began anew, or its list has ended
 *         -> a walk through the replica: ENDED for each noted entry of the peer
 *     peer replicates GONE -> the entry and its note are removed
 *
 *   a peer ended connections of this node
 *     ENDED -> the client has sent something since (decide/ghost.h): nothing is done
 *           -> else the socket is ended by its cookie, the entry removed, GONE replicated
 *
 *   a peer replicates a later connection of the same client address and port
 *     the same: the client of the one here has gone (ghost_replaced())
 *
 * ENDED is repeated with its stream until the peer has acknowledged it, and said again in each new
 * stream as long as the peer replicates the connection.
 */
#ifndef HOKM_DAEMON_ENDED_H
#define HOKM_DAEMON_ENDED_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/ended_inbox.h"
#include "path/bpf.h"

struct node;
struct replication;
struct ender;

struct ended {
	struct node *node;
	struct replication *replication; /* NULL: off, nothing is done */
	struct ender *ender;
	struct ended_peer {
		bool dead; /* at the last look */
		bool walking;
		struct hokm_conn_cursor cursor;
		unsigned int informed; /* of the present walk */
		unsigned int ended;    /* connections here, since the last report */
	} peers[HOKM_MAX_PEERS];
	unsigned int replaced; /* ended here for a later one on a peer, since the last report */
	struct ended_inbox in; /* filled by replication */
	uint64_t batch;        /* that the ender has to do; 0: none */
};

void ended_init(struct ended *e, struct node *n, struct replication *r, struct ender *ender);
/* Nothing is to be ended here, and no peer is to be informed. */
bool ended_is_idle(const struct ended *e);
/* At each tick of the pulse: informs peers, and ends what peers have ended. */
void ended_run(struct ended *e, uint64_t now_ns);

#endif
