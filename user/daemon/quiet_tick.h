/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Quiet ticks in the daemon: what decide/quiet.h is given of the maps. settle() asks after the
 * heartbeat, and does the rest of its work unless the tick is quiet.
 *
 * What a quiet tick leaves out is late by QUIET_NS at most: the next whole settle does it. A part
 * that must go on at each tick has a line in is_calm() (settle.c).
 */
#ifndef HOKM_DAEMON_QUIET_TICK_H
#define HOKM_DAEMON_QUIET_TICK_H

#include <stdbool.h>

#include "decide/quiet.h"

struct node;
struct quorum;
struct replication;

/*
 * A tick came alone, and may be quiet: is it? Reads the peers, sends what replication has to send,
 * and takes samples of the passive checks that are due, so that none of these waits for the slower
 * clock.
 */
bool quiet_tick_is(struct quiet *q, struct node *n, const struct quorum *grants,
		   struct replication *r);
/* A whole settle has read the peers, and nothing has been decided yet. */
void quiet_tick_note(struct quiet *q, const struct node *n, const struct quorum *grants,
		     const struct replication *r);
/* No service is in doubt. */
bool quiet_tick_services_well(const struct node *n);
/* That, no check runs, and no peer is silent: what the node does then has steps. */
bool quiet_tick_all_well(const struct node *n);

#endif
