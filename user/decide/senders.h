/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which faults of which senders were reported already. A sender repeats its fault with every
 * packet, and anybody can send under many addresses: each fault is reported once for each sender,
 * and in all at most SENDERS_BURST times a minute.
 */
#ifndef HOKM_SENDERS_H
#define HOKM_SENDERS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define SENDERS_KEPT  64
#define SENDERS_BURST 10

struct senders {
	struct {
		struct in_addr addr;
		uint32_t fault;
	} list[SENDERS_KEPT];
	unsigned int n, oldest; /* when the list is full, the oldest entry is replaced */
	uint64_t minute_ns;     /* when the present minute began */
	unsigned int reported;  /* in this minute */
};

/* True when this fault of this sender must be reported now; it is then noted as reported. */
bool senders_report(struct senders *s, struct in_addr addr, uint32_t fault, uint64_t now_ns);

#endif
