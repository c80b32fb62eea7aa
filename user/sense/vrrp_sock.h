/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The raw VRRP socket (RFC 9568): it receives adverts with their IP header and sends adverts with
 * TTL 255 and DSCP CS6. A struct vrrp_sock is used by the thread of the event loop only.
 */
#ifndef HOKM_SENSE_VRRP_SOCK_H
#define HOKM_SENSE_VRRP_SOCK_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vrrp_sock; /* opaque */

/*
 * Opens a non-blocking socket on the interface. It sends from `addr`, and with `multicast` it joins
 * 224.0.0.18. Returns 0 or -errno, logged. The caller closes *out with vrrp_sock_close().
 */
int vrrp_sock_open(int ifindex, struct in_addr addr, bool multicast, struct vrrp_sock **out);
void vrrp_sock_close(struct vrrp_sock *s);

/*
 * The interface was made again, with this index. With `multicast` the caller lets link_group_move()
 * join the group there, on a thread that may wait. Returns 0 or -errno, logged.
 */
int vrrp_sock_set_interface(struct vrrp_sock *s, int ifindex);
bool vrrp_sock_multicast(const struct vrrp_sock *s);

/* Returns the descriptor, for the event loop. It stays owned by s. */
int vrrp_sock_fd(const struct vrrp_sock *s);

/*
 * From now on adverts are firm (vrrp_wire.h), or are not. Does nothing when they are so already.
 * Returns 0 or -errno, logged.
 */
int vrrp_sock_set_firm(struct vrrp_sock *s, bool firm);

/* Sends one advert to dest. Returns 0 when the kernel accepted it, else -errno. */
int vrrp_sock_send(struct vrrp_sock *s, const uint8_t *msg, size_t len, struct in_addr dest);

/*
 * Receives one packet from its IP header on. Returns its length in bytes, -EAGAIN when there is
 * none, or another -errno.
 */
ssize_t vrrp_sock_recv(struct vrrp_sock *s, uint8_t *buf, size_t size);

#endif
