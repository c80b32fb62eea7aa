/* SPDX-License-Identifier: GPL-2.0-only */
/* What the bench's BPF programs and the bench share. Fixed-width types come from the includer. */
#ifndef HOKM_BENCH_ABI_H
#define HOKM_BENCH_ABI_H

#define BENCH_PROBE_LEN 176 /* Ethernet, IPv4, UDP and pulse are 170 bytes; whole words */
#define BENCH_PROBE_USE 170

/*
 * Flows come in an order that no prefetcher follows; odd, and no multiple of five, so that each
 * comes once.
 */
#define BENCH_STRIDE 2654435761u

/* Slots of the maps jump and jump_out: what a wrapper calls. */
enum bench_slot {
	BENCH_TRIVIAL,
	BENCH_HASH,
	BENCH_CLOCK,
	BENCH_COUNTER,
	BENCH_INSERT,
	BENCH_TOUCH,
	BENCH_SUBJECT, /* hokm_ingress, hokm_egress */
	BENCH_SLOTS,
};

/* Map ctl, one entry: what the wrappers do to the frame before they hand it on. */
struct bench_ctl {
	__u64 n;       /* packets so far */
	__u32 slot;    /* enum bench_slot */
	__u32 base;    /* client address, host order, of flow 0 */
	__u32 flows;   /* prime to BENCH_STRIDE */
	__u32 mask;    /* flows - 1 */
	__u32 macs[3]; /* destination and source */
	__u32 seq;     /* new data: sequence number of every flow's first segment */
	__u32 step;    /* and the payload of each */
	__u32 shift;   /* and which packet of the order comes first */
};

/*
 * Map probes, one entry: two probes that differ in their nonce, so that neither is ever a replay.
 */
struct bench_probes {
	__u64 frame[2][BENCH_PROBE_LEN / 8];
};

#endif
