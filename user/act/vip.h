/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VIP as the kernel of this node knows it (libnl-3): the address on the interface while owner,
 * and the `local VIP dev lo` route always, which lets a node that is not owner take steered
 * packets. Only what this program added is ever removed: both carry its mark in the kernel, so a
 * later daemon and `cleanup` know them too.
 */
#ifndef HOKM_ACT_VIP_H
#define HOKM_ACT_VIP_H

#include <netinet/in.h>
#include <stdbool.h>

struct vip; /* opaque: netlink socket, interface */

int vip_open(int ifindex, struct vip **out); /* caller: vip_close() */
void vip_close(struct vip *v);

/* Address VIP/32 on the interface, label none. Present already: 0. */
int vip_addr_add(struct vip *v, struct in_addr vip);
int vip_addr_del(struct vip *v, struct in_addr vip); /* absent, or not ours: 0 */
/* VIP/32 is on the interface and ours. */
int vip_addr_present(struct vip *v, struct in_addr vip, bool *present);

/* Route `local VIP/32 dev lo table local`. */
int vip_route_add(struct vip *v, struct in_addr vip);
int vip_route_del(struct vip *v, struct in_addr vip);

/*
 * True when this node has the address in any other form: on another interface, with another prefix
 * length, or set up by hand or another program.
 */
int vip_addr_elsewhere(struct vip *v, struct in_addr vip, bool *elsewhere);

/*
 * Which interface of this machine has `addr`: fills name (IF_NAMESIZE) and returns its index, 0
 * when none, -errno on failure.
 */
int vip_interface_of(struct in_addr addr, char *name);

#endif
