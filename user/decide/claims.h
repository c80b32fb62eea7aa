/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which foreign MAC addresses claim a VIP by ARP, and when the owner answers them (RFC 5227 section
 * 2.4: an address that must be kept is defended by one announcement, at most once in ten seconds).
 * One host may claim several VIPs: each VIP is defended by itself, and what is kept and reported is
 * a MAC address together with one VIP.
 *
 * A claim is reported a second after it came: a node whose MAC address has just changed announces
 * itself before its pulses contain the new one. The caller knows by then who is a node. Each claim
 * is reported once a minute as long as it goes on.
 *
 * When the list is full, the claim that was silent for longest is forgotten.
 */
#ifndef HOKM_CLAIMS_H
#define HOKM_CLAIMS_H

#include <stdbool.h>
#include <stdint.h>

#include "hokm/abi.h"

/* A host that claims every VIP leaves room for another one. */
#define CLAIMS_KEPT (2 * HOKM_MAX_VIPS)

struct claim {
	uint8_t mac[6];
	uint8_t vip;   /* its index */
	bool due;      /* claimed since the last report */
	bool reported; /* once at least: it is no node's */
	uint64_t n;    /* ARP packets */
	uint64_t since_ns, last_ns;
	uint64_t report_ns; /* no report before */
};

struct claims {
	unsigned int n;
	struct claim list[CLAIMS_KEPT];
	/* By index of the VIP. */
	bool attacked[HOKM_MAX_VIPS];        /* a claim came that was not answered */
	uint64_t defended_ns[HOKM_MAX_VIPS]; /* 0: never */
};

/* vip: the index in the event of the packet path. What is no index of a VIP is left out. */
void claims_note(struct claims *c, const uint8_t mac[6], uint8_t vip, uint64_t now_ns);

/*
 * The index of a VIP that the owner must announce now, which is noted as done; -1: none. The caller
 * asks again until there is none.
 */
int claims_defend(struct claims *c, bool owner, uint64_t now_ns);

/* The next claim to report, noted as reported; NULL: none. */
const struct claim *claims_report(struct claims *c, uint64_t now_ns);

/* The address is that of a node: nothing was claimed wrongly. */
void claims_forget(struct claims *c, const uint8_t mac[6]);

#endif
