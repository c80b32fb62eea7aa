/* SPDX-License-Identifier: GPL-2.0-only */
/* See recent.h. */
#include <string.h>

#include "decide/recent.h"

#define NS_PER_US 1000

void recent_init(struct recent *r, uint64_t now_ns)
{
	*r = (struct recent){.turned_ns = now_ns, .median_ns = RECENT_UNKNOWN};
}

/* Answers of a place that came since `from`; 0 after the counters began anew. */
static uint64_t grown(const __u64 *places, const __u64 *from, unsigned int i)
{
	return places[i] > from[i] ? places[i] - from[i] : 0;
}

/* Place i has 2^i to 2^(i+1) - 1 us. Its answers count as spread evenly over it. */
static uint64_t median_ns(const __u64 *places, const __u64 *from, uint64_t all)
{
	uint64_t before = 0;

	for (unsigned int i = 0; i < HOKM_LATENCY_PLACES; i++) {
		uint64_t n = grown(places, from, i);
		uint64_t width_ns = ((uint64_t)1 << i) * NS_PER_US;

		if (n && 2 * (before + n) >= all)
			return width_ns + width_ns * (all - 2 * before) / (2 * n);
		before += n;
	}
	return RECENT_UNKNOWN;
}

void recent_take(struct recent *r, const __u64 places[HOKM_LATENCY_PLACES], uint64_t now_ns)
{
	uint64_t all = 0;

	for (unsigned int i = 0; i < HOKM_LATENCY_PLACES; i++)
		all += grown(places, r->from, i);
	if (all >= RECENT_LEAST)
		r->median_ns = median_ns(places, r->from, all);
	if (now_ns < r->turned_ns + RECENT_NS)
		return;
	memcpy(r->from, r->mid, sizeof(r->from));
	memcpy(r->mid, places, sizeof(r->mid));
	r->turned_ns = now_ns;
}
