/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sends steered probes (struct hokm_steer_probe): frames that look exactly as steered ones, from
 * the MAC of this node to that of a peer, from a TEST-NET-1 address to the VIP.
 */
#ifndef HOKM_ACT_STEER_PROBE_H
#define HOKM_ACT_STEER_PROBE_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include "hokm/abi.h"

/* What a probe is made of. */
struct steer_probe {
	uint8_t mac[6], peer_mac[6];
	struct in_addr addr, peer; /* of the nodes */
	struct in_addr vip;
	uint16_t port; /* of the service, host order */
	uint8_t vrid;
	uint64_t nonce, sent_ns;
	const __u64 *key; /* of pulses to the peer */
};

#define STEER_FRAME_LEN (14 + 20 + 20 + sizeof(struct hokm_steer_probe))

/* Builds the frame. Pure. */
void steer_probe_build(const struct steer_probe *s, uint8_t frame[STEER_FRAME_LEN]);

/* Opens a packet socket that only sends. Returns it or -errno, logged. */
int steer_probe_open(void);
/* Sends one probe on the interface. Returns 0 or -errno. */
int steer_probe_send(int fd, int ifindex, const struct steer_probe *s);

#endif
