/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Gratuitous ARP (RFC 826, RFC 5227): a broadcast ARP request whose sender address and target
 * address are the VIP, or the node's own address, with the MAC of the interface. It goes through a
 * packet socket, so the egress program sees it: a VIP's leaves the node only while the node holds
 * the lease. The same socket asks a peer for its own address: the answer is a sign of life of its
 * kernel (bpf/arp_gate.h).
 */
#ifndef HOKM_ACT_GARP_H
#define HOKM_ACT_GARP_H

#include <netinet/in.h>

struct garp; /* opaque: a packet socket */

/*
 * Opens the packet socket. `mac` is the MAC of the interface and is copied. Returns 0 or -errno,
 * logged; CAP_NET_RAW is needed. The caller closes *out with garp_close().
 */
int garp_open(int ifindex, const unsigned char mac[6], struct garp **out);
void garp_close(struct garp *g);

/* The interface was made again, with this index. */
void garp_set_interface(struct garp *g, int ifindex);
/* The interface has another MAC now. */
void garp_set_mac(struct garp *g, const unsigned char mac[6]);

/* Sends one frame for `addr`, a VIP or the node's own address. Returns 0 or -errno. */
int garp_send(struct garp *g, struct in_addr addr);

/* Asks the peer with this MAC for its address, all zero: by broadcast. Returns 0 or -errno. */
int garp_ask(struct garp *g, struct in_addr own, struct in_addr peer, const unsigned char mac[6]);

#endif
