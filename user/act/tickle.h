/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets that notify clients whose server cannot notify them any more. They are sent in the name
 * of the connection, from VIP and service port:
 *
 *   RST     <SEQ=seq><ACK=ack>, with the next sequence number of the server as far as this node
 *           knows it. A client accepts the exact number at once. It ignores an older number. It
 *           answers a number ahead in its window with a challenge ACK (RFC 5961).
 *   tickle  <SEQ=seq-1><ACK=ack> without data: a keep-alive probe (RFC 9293 section 3.8.4). The
 *           client answers with its true numbers, and hokm_ingress or the local kernel answers
 *           that with the exact RST. seq and ack are 0 when they are not known.
 *
 * The packets go through a raw socket with our own IP header; the kernel chooses route and MAC, as
 * for packets of the server: a rule for what comes from the VIP holds for them, too.
 * They have no mark: its bits belong to the rules of others (`ip rule fwmark`, kube-proxy). By
 * their raw socket and their window of 0 hokm_egress knows that they are not the server's, and only
 * counts them (bpf/tcp_egress.h).
 */
#ifndef HOKM_ACT_TICKLE_H
#define HOKM_ACT_TICKLE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "hokm/abi.h"

struct tickle; /* opaque: a raw socket and its buffers */

struct tickle_conn {
	struct in_addr client, vip;
	__be16 client_port, port;
	uint32_t seq, ack; /* host order */
	bool known;        /* seq and ack are valid */
	uint8_t service;   /* its slot; only the ender (act/ender.h) counts by it */
};

/* Bytes of a packet: IPv4 and TCP headers without options. */
#define TICKLE_LEN 40

/* Most connections of one call. */
#define TICKLE_MAX 256

/* Builds one packet: an RST or a tickle. Pure. */
void tickle_build(const struct tickle_conn *c, bool rst, uint8_t packet[TICKLE_LEN]);

/*
 * Opens the raw socket; needs CAP_NET_RAW and CAP_NET_ADMIN. Returns 0 or -errno, logged. The
 * caller closes *out with tickle_close().
 */
int tickle_open(struct tickle **out);
void tickle_close(struct tickle *t);

/*
 * Sends an RST (only when the numbers are known) and a tickle for each of n <= TICKLE_MAX
 * connections. Returns for how many connections this was done before the socket would have blocked
 * or failed, or -errno when nothing could be sent.
 */
int tickle_send(struct tickle *t, const struct tickle_conn *conns, unsigned int n);

/*
 * The same with one packet for each connection: an RST, or a tickle when the numbers are not known.
 * For connections whose sockets this node terminates: a client answers a tickle that follows the
 * RST with an RST of its own, which terminates the socket first, as if the client had done it.
 */
int tickle_reset(struct tickle *t, const struct tickle_conn *conns, unsigned int n);

#endif
