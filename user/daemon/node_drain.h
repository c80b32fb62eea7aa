/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The drain: the operator wants this node empty. New players go to a peer (the policy sees to
 * that), the present ones stay until they leave, or until the drain's time is over.
 */
#ifndef HOKM_DAEMON_NODE_DRAIN_H
#define HOKM_DAEMON_NODE_DRAIN_H

#include <stdbool.h>
#include <stdint.h>

struct node;
struct session_end;

struct drain {
	bool on;
	uint64_t since_ns;
	uint64_t until_ns; /* the sessions that are left are terminated then; 0: never */
	bool complete;     /* reported: no player is left */
};

/* timeout_ns 0: the players may stay. A drain that is asked for again begins again. */
void drain_begin(struct drain *dr, struct node *n, uint64_t timeout_ns);
void drain_stop(struct drain *dr);
/* At each tick: reports the end of the drain, and terminates sessions when its time is over. */
void drain_tick(struct drain *dr, struct node *n, struct session_end *e, uint64_t now_ns);

#endif
