/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VIP in the kernel of this node: an address of the interface while the node is owner, and the
 * routes `local VIP dev eth0` and `local VIP dev lo` always. With them, a node that is not owner
 * accepts steered packets.
 *
 * Both have a mark of this program in the kernel. Only what has the mark is ever removed, and a
 * later daemon and `cleanup` recognize it too.
 *
 * A struct vip is used by one thread. The functions return 0 or -errno and log nothing, unless
 * their comment names an exception. Each waits for the answer of the kernel, which takes
 * microseconds.
 */
#ifndef HOKM_ACT_VIP_H
#define HOKM_ACT_VIP_H

#include <netinet/in.h>
#include <stdbool.h>

#define VIP_MARK 0x48 /* our mark, 'H'; unused in rt_protos and in rtnetlink.h */

struct vip; /* opaque: a netlink socket and the interface */

/* Opens the netlink socket; failures are logged. The caller closes *out with vip_close(). */
int vip_open(int ifindex, struct vip **out);
void vip_close(struct vip *v);

/* The interface was made again, with this index. */
void vip_set_interface(struct vip *v, int ifindex);

/* *here: the interface has this address, in any form. Returns 0 or -errno. */
int vip_addr_here(struct vip *v, struct in_addr addr, bool *here);

/* Adds VIP/32 to the interface. Returns 0 also when it is there already. */
int vip_addr_add(struct vip *v, struct in_addr vip);

/*
 * The same, for an address that was added before. Returns 1 when it had been removed and was added
 * again, 0 when it was there, or -errno.
 */
int vip_addr_again(struct vip *v, struct in_addr vip);

/* Removes VIP/32 from the interface. Returns 0 also when it is not there or is not ours. */
int vip_addr_del(struct vip *v, struct in_addr vip);

/* *present: VIP/32 is on the interface and is ours. */
int vip_addr_present(struct vip *v, struct in_addr vip, bool *present);

/* Adds both routes to the table local. Returns 0 also when they are there already. */
int vip_route_add(struct vip *v, struct in_addr vip);

/*
 * The same as vip_addr_again(), for the routes. That of the interface does not count: the kernel
 * removes it when the interface loses its last address. What a program removes it announces
 * (sense/kernel_watch.h).
 */
int vip_route_again(struct vip *v, struct in_addr vip);

/* *present: both routes are there and are ours. */
int vip_route_present(struct vip *v, struct in_addr vip, bool *present);

/* Removes those routes, on any interface. Returns 0 also when they are not there. */
int vip_route_del(struct vip *v, struct in_addr vip);

/*
 * Removes every address and every local route that has our mark, except those in `keep`: the routes
 * of these VIPs, and their addresses on this interface. A killed daemon with another configuration
 * left the others. Returns how many were removed, or -errno.
 */
int vip_remove_others(struct vip *v, const struct in_addr *keep, unsigned int n_keep);

#endif
