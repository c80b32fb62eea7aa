/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Limits of what may happen in a second on one CPU: events to the daemon (event_send.h), and what
 * anybody can cause, a place of map rates for each kind. The caller counts what is over the limit.
 */
#ifndef HOKM_BPF_RATE_LIMIT_H
#define HOKM_BPF_RATE_LIMIT_H

#include "packet.h"

#define NS_PER_SECOND 1000000000ULL

/* Does the limit allow one more in the current second? */
static __always_inline bool rate_take(struct hokm_event_limit *r, __u64 now, __u64 per_second)
{
	if (now - r->window_ns >= NS_PER_SECOND) {
		r->window_ns = now;
		r->count = 0;
	}
	if (r->count >= per_second)
		return false;
	r->count++;
	return true;
}

static __always_inline bool rate_allowed(enum rate_kind kind, __u64 now)
{
	__u32 index = kind;
	struct hokm_event_limit *r = bpf_map_lookup_elem(&rates, &index);

	return r && rate_take(r, now, RATE_PER_SECOND);
}

#endif
