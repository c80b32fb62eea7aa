/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reports two owners among the nodes of the group (decide/rival.h): in the log, as an event of kind
 * `peer`, and by that to those who are notified. Before the VRRP machine gives way, so that the
 * node that yields reports it, too.
 */
#ifndef HOKM_DAEMON_RIVAL_WATCH_H
#define HOKM_DAEMON_RIVAL_WATCH_H

#include <stdint.h>

#include "decide/rival.h"
#include "hokm/abi.h"

struct node;

/* All zero at the start. */
struct rival_watch {
	struct rival rivals[HOKM_MAX_PEERS]; /* by slot */
};

/*
 * After each peers_read(). since_ns: this node is MASTER since then, 0: it is not. Whether it is
 * owner too, its lease says.
 */
void rival_watch_run(struct rival_watch *w, const struct node *n, uint64_t since_ns);

#endif
