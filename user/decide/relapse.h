/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A game server that fails, is started again by its supervisor, and fails again: with each turn the
 * VIP would come back, and the players who came with it would be disconnected again. So the node
 * waits longer each time, in addition to the preempt delay, before it preempts. Pure; time comes
 * in.
 *
 *   failure    a service of the node is DOWN, and all were UP before, without an order of the
 *              operator to drain the node or to maintain it
 *   relapse    a failure sooner than RELAPSE_CALM waits after the services were UP again; a later
 *              one is the first of a new row. The row ends also when the operator stops the server
 *              after so long
 *
 * With wait = preempt delay, at least RELAPSE_LEAST_NS, the node waits 0, 1, 3, 7, 15 ... times as
 * long in a row of failures, at most RELAPSE_MOST waits. Each relapse doubles also the time within
 * which the next failure is a relapse: the server may fail only when it has players, and it gets
 * them late then.
 *
 * A peer that fails is replaced all the same: the wait delays preempting and nothing else.
 */
#ifndef HOKM_RELAPSE_H
#define HOKM_RELAPSE_H

#include <stdbool.h>
#include <stdint.h>

#define RELAPSE_LEAST_NS 1000000000ULL
#define RELAPSE_CALM     8
#define RELAPSE_MOST     60
#define RELAPSE_LONGEST  600000000000ULL /* whatever the preempt delay is */

/* What is known of the services of this node now. INIT is neither. */
struct relapse_view {
	bool up;   /* all are UP */
	bool down; /* one is DOWN */
	bool held; /* drain or maintenance: who stops the server does it on purpose */
	uint64_t preempt_delay_ns;
};

/* Zeroed at the start. */
struct relapse {
	bool failed;       /* in this row */
	unsigned int n;    /* relapses in a row */
	uint64_t up_ns;    /* since when all services are UP; 0: they are not */
	uint64_t until_ns; /* the node does not preempt before this moment */
};

/* True when the services are UP again after a relapse: the node waits until until_ns. */
bool relapse_step(struct relapse *r, const struct relapse_view *v, uint64_t now_ns);
/* Is a relapse what keeps this node from preempting? */
bool relapse_waits(const struct relapse *r, uint64_t now_ns);
/* The operator wants the VIP here: the wait is over, and the row too. */
void relapse_forget(struct relapse *r);

#endif
