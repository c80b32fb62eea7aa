/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What replication brings for ended.h, until its next run: connections of this node whose clients a
 * peer has notified, or whose client address and port have a later connection on a peer, and which
 * peers must be informed of connections of theirs that this node has ended.
 */
#ifndef HOKM_DAEMON_ENDED_INBOX_H
#define HOKM_DAEMON_ENDED_INBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "decide/repl_wire.h"
#include "path/bpf.h"

/* A connection of this node that a peer has ended, or that another one on the peer replaced. */
struct ended_record {
	struct hokm_conn_key key;
	uint32_t isn;
	uint8_t peer;
	bool replaced;
	uint64_t ended_ns; /* when the client was notified, or has connected to the peer */
};

#define ENDED_QUEUE 2048

struct ended_inbox {
	/*
	 * The peer must be informed of what this node has ended in its place: our stream to it
	 * began anew, or its list of connections has ended.
	 */
	bool due[HOKM_MAX_PEERS];
	unsigned int n;
	struct ended_record queue[ENDED_QUEUE];
};

/*
 * Notes what this record of the peer says of a connection here. service: our slot of it, or
 * HOKM_NODE_SLOT.
 */
void ended_note(struct ended_inbox *in, struct hokm_bpf *b, uint8_t peer,
		const struct repl_record *rec, unsigned int service, uint64_t now_ns);
/* There is room for the records of one message. Without it no message must be read. */
bool ended_has_room(const struct ended_inbox *in);
/* Removes the first n records. */
void ended_drop(struct ended_inbox *in, unsigned int n);

#endif
