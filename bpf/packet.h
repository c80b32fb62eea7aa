/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The state of one packet on its way through the pipeline, and the verdicts of the stages.
 *
 * A stage returns a verdict and may leave one event. Counting a drop, rewriting a steered frame and
 * sending the event happen once, at the end of the pipeline. So every drop is counted exactly once,
 * and no stage can forget it.
 *
 * Invariants
 *  - account() sets `count` before a stage counts, drops or leaves an event.
 *  - `now` is the boot clock, and is read only on paths that need it, because reading the clock
 * costs more than a look-up of cached memory. Packets of known connections read the coarse clock,
 * which is up to HOKM_CLOCK_COARSE_NS late. Whatever compares or measures times of less than that
 * reads the exact clock: leases, SYNs, pings, upgrades, ends of connections, events.
 *  - struct packet is kept in registers: no helper gets an address inside it.
 */
#ifndef HOKM_BPF_PACKET_H
#define HOKM_BPF_PACKET_H

#include "maps.h"
#include "hokm/grant_count.h"
#include <bpf/bpf_endian.h>

enum verdict {
	PASS,     /* to the kernel, unchanged */
	DROP,     /* packet.dropped is the reason */
	CONSUMED, /* a message for this program; it goes no further */
	REPLY,    /* rewritten in place, is sent out */
	STEER,    /* to the peer packet.target */
	DEAD,     /* its holder packet.target is a dead peer: dead_peer.h decides */
	MORE,     /* egress: the headers do not lie in the linear part */
};

#define EVENT_NONE HOKM_EVENT_KIND_COUNT

/* One TCP segment, in host byte order except the flags. */
struct segment {
	__u32 seq;
	__u32 ack;
	__u32 payload; /* bytes */
	__u32 newest;  /* sequence number after the newest byte of the packets before it */
	__u32 ip_len;  /* IP total length */
	__be32 flags;  /* TCP_FLAG_* */
	__be16 window; /* as it is on the wire, not scaled */
};

struct packet {
	void *ctx;
	struct ethhdr *eth;
	void *l3;      /* the header after Ethernet and VLAN tags */
	void *payload; /* beginning of the TCP payload, which need not be in the linear part */
	void *end;     /* of the linear part */
	struct hokm_cfg *cfg;
	struct hokm_counters *count;
	__u64 now;
	struct segment seg;
	__be32 client; /* or the sender of the frame */
	__be16 client_port;
	__u8 service; /* slot, or HOKM_NODE_SLOT */
	__u8 target;  /* HOKM_LOCAL or a slot of peers */
	__u8 tcp_state;
	__u8 event;    /* enum hokm_event_kind or EVENT_NONE */
	__u8 side;     /* events SYNC_*: HOKM_SIDE_* */
	__u8 fault;    /* event SYNC_LOST: enum hokm_ws_fault */
	__u16 dropped; /* verdict DROP: enum hokm_counter */
};

/* The boot clock, exact. */
static __always_inline void clock_read(struct packet *p)
{
	p->now = bpf_ktime_get_boot_ns();
}

/* The boot clock at the last timer tick of the kernel. */
static __always_inline void clock_read_coarse(struct packet *p)
{
	p->now = bpf_ktime_get_coarse_ns() + p->cfg->boot_ahead_ns;
}

static __always_inline bool cfg_read(struct packet *p)
{
	__u32 zero = 0;

	p->cfg = bpf_map_lookup_elem(&cfg, &zero);
	return p->cfg;
}

/*
 * A place that a search found, as a number that the verifier does not know: it would check the rest
 * of the program once for each place. unknown: any number that it does not know either. mask: of
 * all places; the verifier knows that it holds, also where the compiler leaves out a test of that.
 */
static __always_inline __u32 place_found(__u32 place, __u32 unknown, const __u32 mask)
{
	__asm__ volatile("%0 ^= %1\n%0 ^= %1\n%0 &= %2" : "+r"(place) : "r"(unknown), "i"(mask));
	return place;
}

/* Is a this IPv4 address? The last word differs most often, so it is compared first. */
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

/* A MAC address as struct hokm_peer_macs has it. */
static __always_inline __u64 mac_word(const void *mac)
{
	const __u16 *x = mac;

	return x[0] | (__u64)x[1] << 16 | (__u64)x[2] << 32;
}

/* Is the frame for the MAC address of this node? Both addresses begin a word. */
static __always_inline bool is_for_node(const struct ethhdr *eth, const struct hokm_cfg *c)
{
	return *(const __u32 *)eth->h_dest == *(const __u32 *)c->mac &&
	       *(const __u16 *)(eth->h_dest + 4) == *(const __u16 *)(c->mac + 4);
}

/* The source of the frame, as mac_word() gives it. It begins in the middle of a word. */
static __always_inline __u64 source_word(const struct ethhdr *eth)
{
	return *(const __u16 *)eth->h_source | (__u64) * (const __u32 *)(eth->h_source + 2) << 16;
}

/*
 * Until when this node is owner: its lease and, where they count, the grants of a majority. Each
 * gate asks this one function. It costs a look-up of a hot cache line beside that of the lease.
 */
static __always_inline __u64 owner_until_inline(void)
{
	__u32 zero = 0;
	const struct hokm_own *o = bpf_map_lookup_elem(&own, &zero);
	const struct hokm_grants *g = bpf_map_lookup_elem(&grants, &zero);

	return o && g ? hokm_owner_until_ns(o->lease_until_ns, g) : 0;
}

/* The same as a function of its own for the verifier; a call of it costs up to 8 ns. */
__noinline __u64 owner_until(void)
{
	return owner_until_inline();
}

/* Is this node owner? */
static __always_inline bool is_owner(__u64 now)
{
	return now < owner_until();
}

#endif
