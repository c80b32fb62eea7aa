/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is said to clients in the name of connections whose server cannot speak any more.
 *
 *   RST     <SEQ=seq><ACK=ack>, the server's next sequence number as far as we know it: exact, the
 * client takes it at once; a little behind, it ignores it; ahead in its window, it asks (RFC 5961)
 *   tickle  <SEQ=seq-1><ACK=ack>, no data: a keep-alive probe (RFC 9293 section 3.8.4). The client
 * answers with its true numbers, and gets its exact RST from hokm_ingress or our kernel. seq 0 and
 *           ack 0 when nothing is known
 *
 * A raw socket with its own IP header: the kernel routes, resolves, and fragments nothing. Marked
 * HOKM_SKB_MARK, so that hokm_egress does not take them for the server's.
 */
#ifndef HOKM_ACT_TICKLE_H
#define HOKM_ACT_TICKLE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "hokm/abi.h"

struct tickle; /* opaque */

struct tickle_conn {
	struct in_addr client, vip;
	__be16 client_port, port;
	uint32_t seq, ack; /* host order */
	bool known;        /* seq and ack are */
};

#define TICKLE_LEN 40  /* IPv4 and TCP without options */
#define TICKLE_MAX 256 /* connections a call */

/* Pure: one packet. rst: RST, else the tickle. */
void tickle_build(const struct tickle_conn *c, bool rst, uint8_t packet[TICKLE_LEN]);

/* 0 or -errno, logged. CAP_NET_RAW and CAP_NET_ADMIN. */
int tickle_open(struct tickle **out);
void tickle_close(struct tickle *t);
/*
 * RST (only for known ones) and tickle for each of n <= TICKLE_MAX connections. How many
 * connections went out before the socket would have blocked or failed; -errno when none did.
 */
int tickle_send(struct tickle *t, const struct tickle_conn *conns, unsigned int n);

#endif
