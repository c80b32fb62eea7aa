/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * After a daemon was stopped its packet path stays for a while: for the players of this node, and
 * for clients whose ARP entry is out of date, whose new connections it steers to the owner. This is
 * the question whether it is still needed, which `hokm-xdp cleanup --wait` asks every second. Pure.
 *
 *   the first row that applies                                     answer
 *   a daemon has shown another sign of life, LINGER_LOOKS times     DAEMON
 *   the same, fewer times in a row                                 WAIT
 *   linger is not over, and a packet of a client came lately       WAIT
 *   players are left on this node                                  WAIT
 *   otherwise                                                      OVER
 */
#ifndef HOKM_LINGER_H
#define HOKM_LINGER_H

#include <stdint.h>

/* After this long without a packet of a client nobody needs the packet path any more. */
#define LINGER_QUIET_NS (60 * 1000000000ULL)

/* A daemon that is stopped again at once leaves the same question. */
#define LINGER_LOOKS 3

enum linger_answer {
	LINGER_WAIT,
	LINGER_OVER,
	LINGER_DAEMON, /* a daemon runs: the packet path is its own now */
};

struct linger_watch {
	uint64_t daemon_ns; /* the last sign of life of the daemon that was stopped */
	unsigned int alive; /* looks in a row that showed a newer one */
	uint64_t packets;   /* of clients, when the question was asked last */
	uint64_t packet_ns; /* when that number was seen to change, or the wait began */
};

/* What the maps say now. */
struct linger_seen {
	uint64_t daemon_ns;
	uint64_t linger_ns;
	uint64_t packets;
	uint64_t players; /* established connections that this node serves */
};

void linger_init(struct linger_watch *l, const struct linger_seen *seen, uint64_t now_ns);
enum linger_answer linger_step(struct linger_watch *l, const struct linger_seen *seen,
			       uint64_t now_ns);

#endif
