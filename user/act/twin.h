/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The twin of this node: another machine with the node's own address, as a clone of a virtual
 * machine is, or the machine that this one replaces. Two such nodes cannot hear each other, and
 * their peers take them for one that changes its MAC address all the time: both would own the VIP.
 * So a node that starts asks for its address by ARP first (RFC 5227 section 2.1.1).
 *
 * Two that are switched on at the same moment find each other so, and both wait. A daemon that runs
 * asks no more. So a twin that goes on asking waits too, and of those that wait the one with the
 * smallest MAC address goes first. Else none of them would own the VIP, without end.
 */
#ifndef HOKM_ACT_TWIN_H
#define HOKM_ACT_TWIN_H

#include <netinet/in.h>
#include <stdbool.h>

struct conf;

/* What one look has found. */
struct twin_seen {
	unsigned char mac[6]; /* of a twin */
	/* Each twin asked too, and has a greater MAC address. One look alone is no proof. */
	bool goes_first;
	bool heard; /* another host answered, for a node or as the gateway: the network forwards */
};

/*
 * Asks who has the address of this node, and waits wait_ms for the answers. Returns 1: a host that
 * is not of this machine has it, *seen is filled; 0: none; -ENETDOWN: the interface has no link, so
 * nobody can be asked; or another -errno. A host that answers for a peer as well is a router that
 * answers for everybody (proxy ARP): it is no twin. The gateway of the interface is asked only for
 * a sign that the network forwards: where the peer is dead, nobody else answers.
 */
int twin_find(const struct conf *c, unsigned int wait_ms, struct twin_seen *seen);

#endif
