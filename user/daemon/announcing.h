/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Gratuitous ARP of this node (decide/announce.h): for the VIPs while it is owner, and for its own
 * address when its MAC address has changed.
 *
 * Some routers and hosts ignore gratuitous ARP (Linux with drop_gratuitous_arp), and would send to
 * the MAC address of a dead owner until their entry has aged. But everybody learns from an ordinary
 * question, whose sender wants its answer (RFC 826). So with the first and with the last packet of
 * a burst for the VIPs go broadcast questions with each VIP as their sender, for the gateways of
 * the interface, or for a peer where there is no gateway.
 *
 * A node that is not owner counts the packets of clients that come to its MAC address. Its answers
 * to pulses tell the owner of them (HOKM_PULSE_MISDIRECTED), which then announces the VIPs again.
 * What a peer steers here does not count: the owner sends it on purpose.
 */
#ifndef HOKM_DAEMON_ANNOUNCING_H
#define HOKM_DAEMON_ANNOUNCING_H

#include <stdbool.h>
#include <stdint.h>

#include "decide/announce.h"
#include "hokm/abi.h"

struct node;

struct announcing {
	struct node *node;
	struct announce vips, self;
	struct misdirected misdirected;
	uint64_t look_ns;                /* when the counters are read next */
	bool misdirects[HOKM_MAX_PEERS]; /* clients' packets arrive at this peer, as reported */
	uint64_t repeated;               /* bursts because of them */
};

void announcing_open(struct announcing *a, struct node *n);

/* A burst for the VIPs, or for this node's own address, begins now. */
void announcing_vips(struct announcing *a);
void announcing_self(struct announcing *a);
/* One packet for each VIP is due now. */
void announcing_once(struct announcing *a);
/* This node is not owner any more. */
void announcing_end(struct announcing *a);

/* Sends what is due. */
void announcing_send(struct announcing *a);
/* When the next packet is due; 0: none is. */
uint64_t announcing_next_ns(const struct announcing *a);

/*
 * At each tick: looks at the counters of this node and at what the peers say. rival: a peer holds a
 * lease too, and who of the two stays owner is not decided yet.
 */
void announcing_tick(struct announcing *a, bool owner, bool rival, uint64_t now_ns);

/* This node is owner, and clients' packets arrive at the peer in this slot. */
bool announcing_misdirects(const struct announcing *a, unsigned int slot);

#endif
