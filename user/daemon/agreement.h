/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Do the settings that must agree between the nodes agree (decide/agree.h)? This node's digest goes
 * with replication, and so do those of the peers. A mismatch is reported once for each change of
 * it, after it was there for AGREEMENT_EVERY_NS at most, and shown in status. It changes nothing
 * else.
 *
 * Without replication, and for a peer that is not connected, nothing is known.
 */
#ifndef HOKM_DAEMON_AGREEMENT_H
#define HOKM_DAEMON_AGREEMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "daemon/agree_words.h"

#define AGREEMENT_EVERY_NS NS_PER_S

struct node;
struct replication;

struct agreement {
	struct node *node;
	struct replication *replication; /* NULL: off */
	struct agree here;
	uint32_t members; /* group `node` of the file */
	uint64_t looked_ns;
	/* Of each peer, what was reported last; "" for agreement. */
	char told[HOKM_MAX_PEERS][AGREE_WORDS_MAX];
};

/* Returns 0 or -errno, logged. `r` may be NULL. */
int agreement_open(struct agreement *a, struct node *n, struct replication *r);
/* After a reload. Returns 0, or -errno, logged: then the former digest stays. */
int agreement_reconf(struct agreement *a);
/*
 * At each tick of the pulse. behind: this node goes by the members of its former file still
 * (quorum_behind()), and the digest tells it (agree_waits()). Until that is over a peer may take
 * this file, but no further one.
 */
void agreement_run(struct agreement *a, bool behind, uint64_t now_ns);

/* What the peer in this slot says of its settings; NULL: unknown. */
const struct agree *agreement_there(const struct agreement *a, unsigned int slot, uint64_t now_ns);

#endif
