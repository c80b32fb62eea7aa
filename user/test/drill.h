/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The drill on the owner: orders a failover, waits until the peer owns, and takes the VIP back. It
 * is timed by what the daemon of this node says, every 20 ms.
 *
 * A node cannot be its own player, because its connections to the VIP stay on the node: see
 * players.h. The standby that the failover leaves is ended, unless it is wanted, or a signal ends
 * the program in between.
 */
#ifndef HOKM_TEST_DRILL_H
#define HOKM_TEST_DRILL_H

#include "doctor/look.h"
#include "test/report.h"

struct drill_conf {
	bool failback;
	uint64_t limit_ns; /* the longest time until the peer owns that passes */
};

/* Adds the rows. The look is one at a node whose daemon answers. */
void drill_run(const struct look *k, const struct drill_conf *c, struct test_report *t);

/*
 * Appends the rows of category failover as one line of JSON to the history, which is beside the
 * state file of the daemon. Returns 0 or -errno, and the path.
 */
int drill_keep(const struct look *k, const struct test_report *t, char path[CONF_PATH_MAX]);

#endif
