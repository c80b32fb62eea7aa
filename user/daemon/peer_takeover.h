/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Takeover of a dead peer's connections: the clients that had a connection there are notified by
 * RST and tickle, so that they connect again at once. decide/takeover says when and how many; here
 * map replica is walked and the packets go out.
 *
 * A client whose answer shows that it knows is marked in its entry by the packet path (`gone`), and
 * the next walk leaves it out. Entries stay until the peer is back and has replicated its new list:
 * until then the packet path answers every late packet of such a connection.
 */
#ifndef HOKM_DAEMON_PEER_TAKEOVER_H
#define HOKM_DAEMON_PEER_TAKEOVER_H

#include <stdint.h>

struct node;
struct peer_takeover; /* opaque */
struct replication;

/* Nothing is done without replication (`r` is NULL). 0 or -errno, logged. */
int peer_takeover_open(struct node *n, struct replication *r, struct peer_takeover **out);
void peer_takeover_close(struct peer_takeover *t);
/* At each tick, when its timer fired, and right after a gratuitous ARP. */
void peer_takeover_run(struct peer_takeover *t, uint64_t now_ns);
/* Sets the timer to the next step. */
void peer_takeover_arm(struct peer_takeover *t);

#endif
