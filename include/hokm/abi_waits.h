/* SPDX-License-Identifier: GPL-2.0-only */
/* Requests that wait for an answer, and how long answers took: the maps waits and latency. */
#ifndef HOKM_ABI_WAITS_H
#define HOKM_ABI_WAITS_H

#include "hokm/abi_base.h"

#define HOKM_WAIT_SHIFT 24                        /* a place of the ring is 2^24 ns = 16.8 ms */
#define HOKM_WAIT_NS    (1ULL << HOKM_WAIT_SHIFT) /* the same as a number */
#define HOKM_WAIT_SLOTS 2048                      /* places of the ring: 34 s */

/**
 * struct hokm_waits - value of map waits, one entry a service: unanswered requests by their age
 * @upgrade: upgrade requests without an answer
 * @ping: pings of clients without a pong
 *
 * A request that began at time t is counted in place t / HOKM_WAIT_NS % HOKM_WAIT_SLOTS until its
 * answer takes the count off again. So the oldest request is found without a walk over all
 * connections. A request that waits longer than 34 s appears younger than it is.
 */
struct hokm_waits {
	__u32 upgrade[HOKM_WAIT_SLOTS];
	__u32 ping[HOKM_WAIT_SLOTS];
};
_Static_assert(sizeof(struct hokm_waits) == 16384, "waits");

/* Places of a histogram: place i counts 2^i to 2^(i+1) - 1 us; place 0 counts 0 and 1 us. */
#define HOKM_LATENCY_PLACES 32
/* One line per histogram: X(name, text). */
#define HOKM_LATENCIES(X)                                            \
	X(syn_ack, "time from SYN to SYN-ACK")                       \
	X(upgrade, "time from an upgrade request to its answer")     \
	X(ping_in, "time from a client's ping to the server's pong") \
	X(ping_out, "time from a server's ping to the client's pong")

/* Value of map latency, per service and CPU: one histogram of base 2 per kind. */
#define HOKM_LATENCY_FIELD(name, text) __u64 name[HOKM_LATENCY_PLACES];
struct hokm_latency {
	HOKM_LATENCIES(HOKM_LATENCY_FIELD)
};
#define HOKM_LATENCY_ENUM(name, text) HOKM_LAT_##name,
enum hokm_latency_kind { HOKM_LATENCIES(HOKM_LATENCY_ENUM) HOKM_LAT_COUNT };
_Static_assert(sizeof(struct hokm_latency) == HOKM_LAT_COUNT * HOKM_LATENCY_PLACES * sizeof(__u64),
	       "latency");

#endif
