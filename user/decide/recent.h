/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How long the upgrade requests of a service took lately: the median over the last RECENT_NS to
 * twice that, from a histogram that only grows (struct hokm_latency). Pure; time comes in.
 *
 * With fewer than RECENT_LEAST answers in that time the median stays what it was. At first it is
 * RECENT_UNKNOWN.
 */
#ifndef HOKM_RECENT_H
#define HOKM_RECENT_H

#include <stdint.h>

#include "hokm/abi_waits.h"

#define RECENT_NS      30000000000ULL
#define RECENT_LEAST   3
#define RECENT_UNKNOWN UINT64_MAX

struct recent {
	__u64 from[HOKM_LATENCY_PLACES]; /* the histogram when the time that counts began */
	__u64 mid[HOKM_LATENCY_PLACES];  /* the same for the next one */
	uint64_t turned_ns;              /* when mid was taken */
	uint64_t median_ns;
};

void recent_init(struct recent *r, uint64_t now_ns);
/* Takes the histogram of now, and sets median_ns. */
void recent_take(struct recent *r, const __u64 places[HOKM_LATENCY_PLACES], uint64_t now_ns);

#endif
