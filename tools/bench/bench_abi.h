/* SPDX-License-Identifier: GPL-2.0-only */
/* What the bench and its BPF programs share. The includer provides the fixed-width types. */
#ifndef HOKM_BENCH_ABI_H
#define HOKM_BENCH_ABI_H

#define BENCH_PROBE_LEN 208 /* Ethernet, IPv4, UDP and pulse are 202 bytes; rounded up to words */
#define BENCH_PROBE_USE 202

/*
 * Flows come in an order that no prefetcher can predict. The stride is odd and no multiple of five,
 * so that each flow comes once.
 */
#define BENCH_STRIDE 2654435761u

#define BENCH_FILTER_WORDS  16384 /* 128 KiB */
#define BENCH_SETS          8192  /* of half_open */
#define BENCH_ARRAY_ENTRIES 4

/* Slots of the maps jump and jump_out: the programs that a wrapper calls. */
enum bench_slot {
	BENCH_TRIVIAL,
	BENCH_HASH,
	BENCH_CLOCK,
	BENCH_COUNTER,
	BENCH_INSERT,
	BENCH_TOUCH,
	BENCH_KNOWN,
	BENCH_SYN,
	BENCH_LEASE,
	BENCH_GRANTS,
	BENCH_SUBJECT, /* hokm_ingress, hokm_egress */
	BENCH_SLOTS,
};

/* Map ctl, one entry: how the wrappers change the frame before the call. */
struct bench_ctl {
	__u64 n;       /* packets so far */
	__u32 slot;    /* enum bench_slot */
	__u32 base;    /* client address of flow 0, host order */
	__u32 flows;   /* prime to BENCH_STRIDE */
	__u32 mask;    /* flows - 1 */
	__u32 macs[3]; /* destination and source */
	__u32 seq;     /* new data: sequence number of every flow's first segment */
	__u32 step;    /* bytes of payload of each segment */
	__u32 shift;   /* the first packet of the order */
};

/*
 * Map probes, one entry: two probes with different nonces, so that neither of them is ever a
 * replay.
 */
struct bench_probes {
	__u64 frame[2][BENCH_PROBE_LEN / 8];
};

#endif
