/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which foreign MAC addresses claim a VIP by ARP, and when the owner answers them (RFC 5227 section
 * 2.4: an address that must be kept is defended by one announcement, at most once in ten seconds).
 *
 * A claim is reported a second after it came: a node whose MAC address has just changed announces
 * itself before its pulses contain the new one. The caller knows by then who is a node. Each
 * address is reported once a minute as long as it goes on.
 *
 * When the list is full, the address that was silent for longest is forgotten.
 */
#ifndef HOKM_CLAIMS_H
#define HOKM_CLAIMS_H

#include <stdbool.h>
#include <stdint.h>

#define CLAIMS_KEPT 8

struct claim {
	uint8_t mac[6];
	uint8_t vip;   /* the index of the one that it claimed last */
	bool due;      /* claimed since the last report */
	bool reported; /* once at least: it is no node's */
	uint64_t n;    /* ARP packets */
	uint64_t since_ns, last_ns;
	uint64_t report_ns; /* no report before */
};

struct claims {
	unsigned int n;
	struct claim list[CLAIMS_KEPT];
	bool attacked;        /* a claim came that was not answered */
	uint8_t vip;          /* the index of the VIP of that claim */
	uint64_t defended_ns; /* 0: never */
};

void claims_note(struct claims *c, const uint8_t mac[6], uint8_t vip, uint64_t now_ns);

/* True when the owner must announce `vip` of the struct now; it is then noted as done. */
bool claims_defend(struct claims *c, bool owner, uint64_t now_ns);

/* The next address to report, noted as reported; NULL: none. */
const struct claim *claims_report(struct claims *c, uint64_t now_ns);

/* The address is that of a node: nothing was claimed wrongly. */
void claims_forget(struct claims *c, const uint8_t mac[6]);

#endif
