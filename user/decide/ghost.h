/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Is a connection of this node a ghost? A peer took this node for dead and notified the client; the
 * socket here stays without a client. Pure.
 *
 * The client took the notification unless it has sent something since. What it sent shortly after
 * may have been on its way. What arrived while this machine stood still is processed when it wakes
 * up, and shows nothing either.
 *
 * Or the client has gone without a word, and another connection with its address and port is on a
 * peer: behind a NAT gateway ports are used again soon. A client has one of the two at most, and
 * that is the later one.
 */
#ifndef HOKM_GHOST_H
#define HOKM_GHOST_H

#include <stdbool.h>
#include <stdint.h>

#include "decide/repl.h"

struct hokm_conn;

/* A client that sends something this long after its notification did not take it. */
#define GHOST_ALIVE_NS 100000000ULL

/*
 *   isn        of the connection that the peer has ended
 *   ended_ns   when its client was notified
 *   awake_ns   since when this node runs without a break
 */
bool ghost_is(const struct hokm_conn *c, uint32_t isn, uint64_t ended_ns, uint64_t awake_ns);

/*
 * The moments of a peer are known to so many ns. Its record has the age at which it was made, and
 * may be repeated for REPL_STUCK_NS before its stream ends; a second is for what waits at a tick.
 */
#define GHOST_APART_NS (REPL_STUCK_NS + 1000000000ULL)
/*
 * A peer has a connection of the same client address and port: its isn, and since when. Only for
 * one whose beginning the peer saw: else both may be those of a later packet.
 */
bool ghost_replaced(const struct hokm_conn *c, uint32_t isn, uint64_t since_ns);

#endif
