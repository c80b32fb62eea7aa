/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The drill on the owner: orders a failover, waits until the peer owns, and takes the VIP back. It
 * is timed by what the daemon of this node says, every 20 ms.
 *
 * A node cannot be its own player, because its connections to the VIP stay on the node: see
 * players.h. The standby that the failover leaves is ended, unless it is wanted. SIGINT, SIGTERM
 * and SIGHUP are blocked from the order on, and make the VIP come back at once.
 */
#ifndef HOKM_TEST_DRILL_H
#define HOKM_TEST_DRILL_H

#include "doctor/look.h"
#include "test/report.h"

struct drill_conf {
	bool failback;
	bool scheduled;               /* by a timer: only if it is safe (drill_guard.h) */
	uint64_t limit_ns;            /* the longest time until the peer owns that passes */
	uint64_t settled_ns, rest_ns; /* of a scheduled one: see struct drill_guard */
};

enum drill_end {
	DRILL_NOTHING,  /* it was no time or place for a drill */
	DRILL_LEFT_OUT, /* a scheduled one, because something is wrong with this pair */
	DRILL_RAN,
};

/* Adds the rows. The look is one at a node whose daemon answers. */
enum drill_end drill_run(const struct look *k, const struct drill_conf *c, struct test_report *t);

/*
 * Adds the rows of category failover to the history (doctor/drills.h). Returns 0 or -errno, and
 * the path.
 */
int drill_keep(const struct look *k, const struct drill_conf *c, enum drill_end end,
	       const struct test_report *t, char path[CONF_PATH_MAX]);

/* Tells the daemon the result, for its event and its notifications. 0, or -errno with the cause. */
int drill_tell(const struct look *k, const struct test_report *t, char *why, size_t size);

#endif
