/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The players of a drill: WebSocket connections of this machine through the VIP, kept open, and new
 * ones, one every 50 ms. They run in a process without rights, for a bounded time.
 *
 * A player answers the pings of its server. It is broken when its connection ends, when the server
 * closes it or sends what is no frame, or when it is silent although the player sends pings. The
 * gap is the longest time between two new connections that were made, or from the last one to the
 * end.
 */
#ifndef HOKM_TEST_PLAYERS_H
#define HOKM_TEST_PLAYERS_H

#include "test/report.h"

#define PLAYERS_MAX 100

struct players_conf {
	const char *url; /* ws://ADDRESS:PORT/PATH */
	unsigned int n;  /* 1 .. PLAYERS_MAX */
	uint64_t watch_ns;
	uint64_t limit_ns; /* the longest gap that passes */
};

/* Watches, and adds the rows. */
void players_watch(const struct players_conf *c, struct test_report *t);

#endif
