/* SPDX-License-Identifier: GPL-2.0-only */
/* The raw VRRP socket: adverts in (with their IP header), adverts out. TTL 255, DSCP CS6. */
#ifndef HOKM_SENSE_VRRP_SOCK_H
#define HOKM_SENSE_VRRP_SOCK_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vrrp_sock; /* opaque */

/*
 * Non-blocking socket bound to the interface, sending from `addr`; joins 224.0.0.18 when multicast.
 */
int vrrp_sock_open(int ifindex, struct in_addr addr, bool multicast, struct vrrp_sock **out);
void vrrp_sock_close(struct vrrp_sock *s);
int vrrp_sock_fd(const struct vrrp_sock *s);
/* One message to dest; 0 only when the kernel took it. */
int vrrp_sock_send(struct vrrp_sock *s, const uint8_t *msg, size_t len, struct in_addr dest);
/* One packet from the IP header on; its length, -EAGAIN when there is none. */
ssize_t vrrp_sock_recv(struct vrrp_sock *s, uint8_t *buf, size_t size);

#endif
