/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When a node announces addresses by gratuitous ARP, and whether the packets of clients find the
 * owner. Pure.
 *
 *   cause                                           what follows
 *   ----------------------------------------------  --------------------------------------------
 *   became owner; an address or the MAC is new      a burst, and another one after the delay
 *   another node has acted as owner                 one packet, and a burst after the delay
 *   a peer answers pulses again after a silence     a burst, and another one after the delay
 *   a peer says that clients' packets arrive there  a burst, as long as it goes on
 *   none                                            one packet each time the refresh is due
 *
 * Bursts of the last two causes begin ANNOUNCE_GAP_NS after the burst before, or after the delay if
 * that is longer: neither a peer that comes and goes nor a client that never learns makes a node
 * flood the segment.
 */
#ifndef HOKM_ANNOUNCE_H
#define HOKM_ANNOUNCE_H

#include <stdbool.h>
#include <stdint.h>

#define ANNOUNCE_GAP_NS 5000000000ULL

struct announce_conf {
	unsigned int count;  /* packets of a burst */
	uint64_t gap_ns;     /* between them */
	uint64_t delay_ns;   /* from a burst to the next; 0: none is repeated, for no cause */
	uint64_t refresh_ns; /* between two packets without a cause; 0: none */
};

struct announce {
	unsigned int left;  /* packets of the burst that are due yet */
	uint64_t next_ns;   /* when the next packet is due; 0: never */
	uint64_t again_ns;  /* when the next burst begins; 0: none is planned */
	uint64_t burst_ns;  /* when the last one began; 0: none did */
	uint64_t joined_ns; /* of the signs, up to which it is known; 0: no look yet */
};

/* What a node knows of the others. */
struct announce_signs {
	bool owner;         /* this node is, and no other one is */
	bool misdirected;   /* a peer says that clients' packets for a VIP arrive there */
	uint64_t joined_ns; /* when a peer began to answer pulses last; 0: none does */
};

/* A burst begins now. */
void announce_burst(struct announce *a, const struct announce_conf *c, uint64_t now_ns);
/* One packet is due now. */
void announce_once(struct announce *a, const struct announce_conf *c, uint64_t now_ns);
/* Nothing is announced any more. */
void announce_end(struct announce *a);

/* Begins a burst if the signs are a cause and enough time has passed. True: it has begun one. */
bool announce_look(struct announce *a, const struct announce_conf *c,
		   const struct announce_signs *s, uint64_t now_ns);

/* True when a packet must be sent now; it is then noted as sent. */
bool announce_step(struct announce *a, const struct announce_conf *c, uint64_t now_ns);

/* ---- at a node that is not owner ---- */

/* So many packets of clients are a sign: of two counters one may be read a packet later. */
#define MISDIRECTED_PACKETS 2
/* A sign is shown for this long. */
#define MISDIRECTED_NS 3000000000ULL

struct misdirected {
	bool known;
	uint64_t base; /* packets before, none of which counts */
	uint64_t until_ns;
};

/*
 * One look. direct: how many packets of clients for the VIPs came to this node's MAC address that
 * no peer steered here; the number only grows. Returns true when the owner should know of it.
 */
bool misdirected_look(struct misdirected *m, bool owner, uint64_t direct, uint64_t now_ns);

#endif
