/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * May a drill that nobody watches begin now? Pure: what the daemon says, the configuration, and the
 * last drill decide.
 *
 * It may, when this node has been the owner for a while, nobody ordered anything, the peer that
 * would become owner is as healthy as this node, knows its connections, and can be steered to, and
 * the VIP comes back by itself afterwards. So with a timer on both nodes only one of them drills.
 */
#ifndef HOKM_TEST_DRILL_GUARD_H
#define HOKM_TEST_DRILL_GUARD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

#define DRILL_WHY 160

/* The longest preempt_delay with which the unit of the drills waits for the VIP to come back. */
#define DRILL_DELAY_MAX_NS (3600 * NS_PER_S)

struct drill_guard {
	bool preempt; /* of the configuration, as is the next one */
	uint64_t preempt_delay_ns;
	uint64_t settled_ns; /* how long this node must have been the owner */
	uint64_t rest_ns;    /* the shortest time between two drills */
	int64_t since_s;     /* since the last drill; -1: there was none */
	int history_err;     /* -errno: there may have been one */
};

enum drill_may {
	DRILL_MAY,
	DRILL_NOT_NOW, /* nothing is wrong: not the owner, an order is in force, too soon */
	DRILL_UNSAFE,  /* something is wrong with this pair */
};

/* `status` as in `ctl status --json`. Writes why not. */
enum drill_may drill_may(const json_t *status, const struct drill_guard *g, char why[DRILL_WHY]);

#endif
