/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Gratuitous ARP (RFC 826, RFC 5227): a broadcast request whose sender and target are the VIP, with
 * the interface's own MAC. Sent through a packet socket, so it passes the egress gate: it leaves
 * only while the lease runs.
 */
#ifndef HOKM_ACT_GARP_H
#define HOKM_ACT_GARP_H

#include <netinet/in.h>

struct garp; /* opaque: packet socket */

int garp_open(int ifindex, const unsigned char mac[6], struct garp **out);
void garp_close(struct garp *g);
int garp_send(struct garp *g, struct in_addr vip); /* one; 0 or -errno */

#endif
