/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the stages of the pipeline hand on for one packet, and their verdicts.
 *
 * A stage returns a verdict and may leave one event; counting the drop, rewriting the frame to
 * steer it and sending the event happen once, at the end of the pipeline. So every drop is counted
 * exactly once, and no stage can forget it.
 *
 * Invariants
 *  - count is set (account) before a stage counts, drops or leaves an event;
 *  - now is read (clock_read) at most once, and only on paths that need it: it costs more than a
 * hot look-up;
 *  - everything here is kept in registers: no helper is ever given an address inside struct packet.
 */
#ifndef HOKM_BPF_PACKET_H
#define HOKM_BPF_PACKET_H

#include "maps.h"
#include <bpf/bpf_endian.h>

enum verdict {
	PASS,     /* to the kernel, untouched */
	DROP,     /* packet.dropped says why */
	CONSUMED, /* consumed: it was for this program alone */
	REPLY,    /* rewritten in place, back out */
	STEER,    /* on to the peer packet.target */
	DEAD,     /* of a connection of the dead peer packet.target: to be answered */
	MORE,     /* egress: headers lie beyond the linear part */
};

#define EVENT_NONE HOKM_EVENT_KIND_COUNT

/* One TCP segment in host order; flags stay as TCP_FLAG_*. */
struct segment {
	__u32 seq;
	__u32 ack;
	__u32 payload; /* bytes */
	__u32 newest;  /* sequence number after the newest byte of the packets before, by conns */
	__u32 ip_len;  /* IP total length */
	__be32 flags;
};

struct packet {
	void *ctx;
	struct ethhdr *eth;
	void *l3;      /* behind Ethernet and VLAN tags */
	void *payload; /* TCP's: begins here, need not be in the linear part */
	void *end;     /* of the linear part */
	struct hokm_cfg *cfg;
	struct hokm_counters *count;
	__u64 now;
	struct segment seg;
	__be32 client; /* or the sender of what is dropped */
	__be16 client_port;
	__u8 service;
	__u8 target;
	__u8 tcp_state;
	__u8 event;
	__u8 side;     /* EV_SYNC_*: HOKM_SIDE_* */
	__u8 fault;    /* EV_SYNC_LOST: enum hokm_ws_fault */
	__u16 dropped; /* enum hokm_counter */
};

static __always_inline void clock_read(struct packet *p)
{
	p->now = bpf_ktime_get_boot_ns();
}

static __always_inline bool cfg_read(struct packet *p)
{
	__u32 zero = 0;

	p->cfg = bpf_map_lookup_elem(&cfg, &zero);
	return p->cfg;
}

/* Is the mapped address a this IPv4 address? The last word differs most often: first. */
static __always_inline bool addr_is(const struct hokm_addr *a, __be32 v4)
{
	return a->w[3] == v4 && a->w[2] == bpf_htonl(0xffff) && !a->w[1] && !a->w[0];
}

static __always_inline bool is_vip(const struct hokm_cfg *c, __be32 addr)
{
#pragma clang loop unroll(full)
	for (int i = 0; i < HOKM_MAX_VIPS; i++)
		if (i < c->n_vips && addr_is(&c->vip[i], addr))
			return true;
	return false;
}

static __always_inline bool mac_equal(const void *a, const void *b)
{
	const __u16 *x = a, *y = b;

	return x[0] == y[0] && x[1] == y[1] && x[2] == y[2];
}

static __always_inline bool mac_is_zero(const void *a)
{
	const __u16 *x = a;

	return !(x[0] | x[1] | x[2]);
}

static __always_inline void mac_copy(void *to, const void *from)
{
	__u16 *x = to;
	const __u16 *y = from;

	x[0] = y[0];
	x[1] = y[1];
	x[2] = y[2];
}

static __always_inline bool is_owner(__u64 now)
{
	__u32 zero = 0;
	struct hokm_own *o = bpf_map_lookup_elem(&own, &zero);

	return o && now < o->lease_until_ns;
}

#endif
