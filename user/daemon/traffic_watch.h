/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Passive checks: samples the counters of the packet path and the requests that wait for an answer,
 * lets decide/observe judge them, and carries its verdicts out: new players are steered to a peer
 * (map suspects), the active checks go on alert, and an event gives the reason. Only the active
 * checks ever change the health of a service (rule 4, docs/architecture.md).
 */
#ifndef HOKM_DAEMON_TRAFFIC_WATCH_H
#define HOKM_DAEMON_TRAFFIC_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "hokm/names.h"

struct node;

/* Before the loop runs: the kernel may load a module to be able to answer what is asked later. */
void traffic_watch_prepare(const struct node *n);

/*
 * Shows the passive checks the fresh results of active ones, and takes a sample of each service
 * whose time has come, and of those of `refused` (one bit for each slot), whose checks then run at
 * once. So it does of those of `turned_away`, whose checks run when the sample brings a doubt.
 */
void traffic_watch(struct node *n, uint32_t refused, uint32_t turned_away, uint64_t now_ns);

/*
 * The server of a service may have turned a client away, by this signal: is that to be noted for
 * traffic_watch()? Clients set how often it happens, so most of it is not.
 */
bool traffic_watch_asks(const struct node *n, unsigned int slot, enum hokm_signal signal,
			uint64_t now_ns);

/* When the next sample of any service is due; 0: none is. */
uint64_t traffic_watch_next_ns(const struct node *n, uint64_t now_ns);

/* The words for the end of syns-unanswered, with this reason. */
const char *traffic_watch_end_text(enum hokm_reason why);

#endif
