/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counting packets: a struct of counters per service and one for the node, on each CPU. account()
 * chooses the struct of a packet, COUNT() raises one of its fields. No atomic operation is needed,
 * because no other CPU writes it.
 */
#ifndef HOKM_BPF_ACCOUNTING_H
#define HOKM_BPF_ACCOUNTING_H

#include "packet.h"

/* Accounts the packet to a service or the node. Returns false only for a slot out of range. */
static __always_inline bool account(struct packet *p, __u32 slot)
{
	p->service = slot;
	p->count = bpf_map_lookup_elem(&counters, &slot);
	return p->count;
}

/* Raises the counter `name` of the packet's service by one. */
#define COUNT(p, name) ((p)->count->name++)

/* The verdict DROP, with the counter that names the reason; report() raises it. */
#define DROP_FOR(p, name) drop_packet(p, HOKM_CTR_##name)
static __always_inline enum verdict drop_packet(struct packet *p, enum hokm_counter reason)
{
	p->dropped = reason;
	p->event = HOKM_EV_DROP;
	return DROP;
}

/* The verdict PASS for a malformed packet: it is counted at the node, and the kernel judges it. */
#define LEAVE_AS(p, name) (account(p, HOKM_NODE_SLOT) ? (void)COUNT(p, name) : (void)0, PASS)

/* Raises the counter that DROP_FOR() named. */
static __always_inline void count_drop(struct packet *p)
{
	__u64 *c = (__u64 *)p->count;
	__u32 i = p->dropped;

	if (i < HOKM_CTR_COUNT)
		c[i]++;
}

#endif
