/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The twin of this node: another machine with the node's own address, as a clone of a virtual
 * machine is, or the machine that this one replaces. Two such nodes cannot hear each other, and
 * their peers take them for one that changes its MAC address all the time: both would own the VIP.
 * So a node that starts asks for its address by ARP first (RFC 5227 section 2.1.1).
 */
#ifndef HOKM_ACT_TWIN_H
#define HOKM_ACT_TWIN_H

#include <netinet/in.h>

struct conf;

/*
 * Asks who has the address of this node, and waits TWIN_WAIT_MS for the answers. Returns 1: a host
 * with the address *mac, which is not of this machine, has it; 0: none; or -errno. A host that
 * answers for a peer as well is a router that answers for everybody (proxy ARP): it is no twin.
 */
#define TWIN_WAIT_MS 100
int twin_find(const struct conf *c, unsigned char mac[6]);

#endif
