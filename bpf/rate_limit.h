/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Limits of what may happen in a second.
 *
 *   on one CPU    events to the daemon (event_send.h): rate_take()
 *   in all        what anybody can cause, a place of map rates for each kind: rate_allowed(). The
 *                 packets of a flood arrive on all CPUs, and a peer gets the sum.
 *
 * The caller counts what is over the limit.
 *
 * Callers read two clocks, one of them a few milliseconds behind the other (packet.h). So a window
 * is never followed by an earlier one: the limit would begin anew at each change of the clocks.
 */
#ifndef HOKM_BPF_RATE_LIMIT_H
#define HOKM_BPF_RATE_LIMIT_H

#include "packet.h"

#define NS_PER_SECOND 1000000000ULL

/* Does the limit allow one more in the current second? */
static __always_inline bool rate_take(struct hokm_event_limit *r, __u64 now, __u64 per_second)
{
	if ((__s64)(now - r->window_ns) >= (__s64)NS_PER_SECOND) {
		r->window_ns = now;
		r->count = 0;
	}
	if (r->count >= per_second)
		return false;
	r->count++;
	return true;
}

/*
 * A limit for all CPUs in one word: above RATE_COUNT_BITS the number of the window, a little longer
 * than a second, below them how often something happened in it.
 */
#define RATE_WINDOW_SHIFT 30
#define RATE_COUNT_BITS   24
#define RATE_COUNT_MASK   ((1ULL << RATE_COUNT_BITS) - 1)

/*
 * Once the limit is reached the word is only read, so a flood does not make CPUs wait for each
 * other. CPUs that count at the same moment may pass the limit by one each.
 */
static __always_inline bool rate_take_shared(__u64 *word, __u64 now, __u64 limit)
{
	__u64 window = now >> RATE_WINDOW_SHIFT, w = *(volatile __u64 *)word;

	if (w >> RATE_COUNT_BITS < window) {
		__u64 fresh = window << RATE_COUNT_BITS | 1;

		if (__sync_val_compare_and_swap(word, w, fresh) == w)
			return true;
		w = *(volatile __u64 *)word;
	}
	if ((w & RATE_COUNT_MASK) >= limit)
		return false;
	__sync_fetch_and_add(word, 1);
	return true;
}

static __always_inline bool rate_allowed(enum rate_kind kind, __u64 now, __u64 limit)
{
	__u32 index = kind;
	__u64 *word = bpf_map_lookup_elem(&rates, &index);

	return word && rate_take_shared(word, now, limit);
}

#endif
