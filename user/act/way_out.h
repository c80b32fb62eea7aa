/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Can the kernel answer the clients? The routes to them belong to others: an operator, networkd, a
 * DHCP client. `ip link set down` removes them without a word, and after `up` nobody may bring back
 * the default route. Then SYNs arrive, checks pass, peers answer pulses, and no client gets an
 * answer.
 *
 * Examples are the clients of established connections, of this node and of its peers. Anybody can
 * send a SYN from any address, so half-open connections do not count. An operator may have no route
 * to one client on purpose: most of the examples must lack one, and a client that a route bans
 * (`unreachable`, `prohibit`, `blackhole`) is no example, unless other addresses are refused too.
 *
 * The look is that of a socket bound to the VIP. The answers of a game may be routed by rules
 * that such a socket does not meet (act/ip_rules.h). While there are such rules, a missing route is
 * reported, and no more. A client has a route if a packet to it left within the last second.
 *
 * Without a route no client gets in, and those that were known leave. So the clients that had no
 * route are asked for again, beside those that are known, as on the segment: only a route that is
 * found ends the alarm. With its VIP a client is forgotten. They are also who is asked for within a
 * second of the look before: while a route is missing, looks are frequent, and to find a few
 * clients in a great table the kernel passes all its empty places.
 */
#ifndef HOKM_ACT_WAY_OUT_H
#define HOKM_ACT_WAY_OUT_H

#include <netinet/in.h>
#include <stdbool.h>

#include "path/bpf.h"

#define WAY_OUT_EXAMPLES 8

/* What is remembered between two looks; zeroed before the first one. */
struct way_out {
	bool unsure;      /* reported: rules hide from this look how the clients are answered */
	uint64_t read_ns; /* when clients were looked for in the tables of connections */
	unsigned int n_lost;
	struct hokm_client lost[WAY_OUT_EXAMPLES]; /* these had no route the last time */
};

/*
 * Each client is asked for from the VIP that it uses: rules of policy routing may be of one VIP.
 * Returns 0 when the kernel has a route to most of the clients, or when none is known and none was
 * lost; -ENETUNREACH when it has none; -ENODEV when nothing can be said, because the interface is
 * down, or no VIP of them is local; -EINTR when rules changed meanwhile.
 */
int way_out_look(struct way_out *w, struct hokm_bpf *b, uint64_t now_ns);

/* Of n clients so many have no route: is this node cut off from them? */
bool way_out_is_lost(unsigned int lost, unsigned int n);

#endif
