/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters: one per-CPU struct per service and one for the node. A packet is accounted to one of
 * them; COUNT raises a field of it without atomics, since nobody else writes on this CPU.
 */
#ifndef HOKM_BPF_ACCOUNTING_H
#define HOKM_BPF_ACCOUNTING_H

#include "packet.h"

/* To whom this packet is accounted. False never happens with a slot in range. */
static __always_inline bool account(struct packet *p, __u32 slot)
{
	p->service = slot;
	p->count = bpf_map_lookup_elem(&counters, &slot);
	return p->count;
}

#define COUNT(p, name) ((p)->count->name++)

/* The packet is to be dropped for the reason that is a counter's name. */
#define DROP_FOR(p, name) drop_packet(p, HOKM_CTR_##name)
static __always_inline enum verdict drop_packet(struct packet *p, enum hokm_counter reason)
{
	p->dropped = reason;
	p->event = HOKM_EV_DROP;
	return DROP;
}

/* The packet makes no sense: counted at the node, and left to the kernel, which decides. */
#define LEAVE_AS(p, name) (account(p, HOKM_NODE_SLOT) ? (void)COUNT(p, name) : (void)0, PASS)

static __always_inline void count_drop(struct packet *p)
{
	__u64 *c = (__u64 *)p->count;
	__u32 i = p->dropped;

	if (i < HOKM_CTR_COUNT)
		c[i]++;
}

#endif
