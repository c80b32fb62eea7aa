/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The paths of the first part of `make bench`, and their budgets.
 *
 * The budgets are the promise of the project: packets of known connections and SYNs cost at most
 * OVER_FLOOR times their floor program, frames of other hosts and services half a look-up. Of the
 * tracked ones the verdict is on a segment that is one whole small message, which is nearly every
 * data packet of a game.
 */
#include <string.h>

#include "bench.h"

#define XDP_DROP_V   1
#define XDP_PASS_V   2
#define XDP_TX_V     3
#define NEW_FLOWS    0x1000000u /* so many that no flow comes twice */
#define NONE_LOOKUPS 0.5
#define GATE_LOOKUPS 1.0 /* what grants may add to the question who owns; NONE to known packets */

/* A cost to compare with, on one frame. */
#define FLOOR(what, id, which)                                                  \
	{                                                                       \
		.name = (what), .key = (id), .wrap = WRAP_RAW, .slot = (which), \
		.frame = FRAME_SEGMENT, .verdict = XDP_PASS_V, .counter = -1,   \
		.counter_slot = HOKM_NODE_SLOT                                  \
	}

/* The question whether this node is owner, as a gate asks it. */
#define GATE(what, id, which, off, limit)                                                         \
	{                                                                                         \
		.name = (what), .key = (id), .wrap = WRAP_RAW, .slot = (which),                   \
		.frame = FRAME_SEGMENT, .world = WORLD_GRANTED, .verdict = XDP_PASS_V,            \
		.counter = -1, .counter_slot = HOKM_NODE_SLOT, .beside = (off), .budget = (limit) \
	}

/*
 * The floor of other paths, on the same packets. Where the flows are more than the caches hold, it
 * begins in the middle of their order: else it would find in the caches what the path before it
 * has just touched.
 */
#define FLOOR_OF(what, id, wrapper, which, f, from, n, v, many)                                \
	{                                                                                      \
		.name = (what), .key = (id), .wrap = (wrapper), .slot = (which), .frame = (f), \
		.base = (from), .flows = (n), .verdict = (v), .counter = -1, .full = (many),   \
		.shift = (many) ? FLOWS_MAX / 2 : 0                                            \
	}

/* Frames that belong to no service here: no counter may rise. */
#define NOT_OURS(what, id, f)                                                              \
	{                                                                                  \
		.name = (what), .key = (id), .wrap = WRAP_RAW, .slot = BENCH_SUBJECT,      \
		.frame = (f), .verdict = XDP_PASS_V, .counter = -1, .budget = NONE_LOOKUPS \
	}

#define KNOWN(what, id, from, n, v, c, below)                                         \
	{                                                                             \
		.name = (what), .key = (id), .wrap = WRAP_TCP, .slot = BENCH_SUBJECT, \
		.frame = FRAME_SEGMENT, .base = (from), .flows = (n), .verdict = (v), \
		.counter = HOKM_CTR_##c, .floor = (below)                             \
	}

#define NEW(what, id, f, w, v, c, below, many)                                                    \
	{                                                                                         \
		.name = (what), .key = (id), .wrap = WRAP_TCP, .slot = BENCH_SUBJECT,             \
		.frame = (f), .world = (w), .base = BASE_NEW, .flows = NEW_FLOWS, .verdict = (v), \
		.counter = HOKM_CTR_##c, .purge = (f) == FRAME_SEGMENT, .floor = (below),         \
		.full = (many)                                                                    \
	}

#define NODE(what, id, wrapper, f, w, v, c)                                            \
	{                                                                              \
		.name = (what), .key = (id), .wrap = (wrapper), .slot = BENCH_SUBJECT, \
		.frame = (f), .world = (w), .verdict = (v), .counter = HOKM_CTR_##c,   \
		.counter_slot = HOKM_NODE_SLOT                                         \
	}

#define OUT(what, id, f, c, limit)                                                                 \
	{                                                                                          \
		.name = (what), .key = (id), .wrap = WRAP_TC, .slot = BENCH_SUBJECT, .frame = (f), \
		.verdict = TC_OK_V, .counter = (c), .budget = (limit)                              \
	}

/*
 * New data of a tracked connection of the path's own; each segment raises the counter by `times`.
 */
#define DATA_IN(what, id, wrapper, i, f, kind, c, times, below)                                   \
	{                                                                                         \
		.name = (what), .key = (id), .wrap = (wrapper), .slot = BENCH_SUBJECT,            \
		.frame = (f), .conn = (kind), .base = BASE_ONE + (i), .flows = 1,                 \
		.verdict = XDP_PASS_V, .counter = HOKM_CTR_##c, .rise = (times), .floor = (below) \
	}

#define DATA_OUT(what, id, i, f, c, times, below)                                              \
	{                                                                                      \
		.name = (what), .key = (id), .wrap = WRAP_DATA_OUT, .slot = BENCH_SUBJECT,     \
		.frame = (f), .conn = CONN_WEBSOCKET, .base = BASE_ONE + (i), .flows = 1,      \
		.verdict = TC_OK_V, .counter = HOKM_CTR_##c, .rise = (times), .floor = (below) \
	}

/* The same for many connections, one after the other. */
#define MANY(what, id, wrapper, f, v, c, nr, below, many)                                 \
	{                                                                                 \
		.name = (what), .key = (id), .wrap = (wrapper), .slot = BENCH_SUBJECT,    \
		.frame = (f), .conn = CONN_FLOWS, .base = BASE_LOCAL, .flows = (nr),      \
		.verdict = (v), .counter = HOKM_CTR_##c, .floor = (below), .full = (many) \
	}

static const struct path paths[] = {
	FLOOR("trivial program", "trivial", BENCH_TRIVIAL),
	FLOOR("hot HASH look-up, 20-byte key", "hash", BENCH_HASH),
	FLOOR("clock read", "clock", BENCH_CLOCK),
	FLOOR("per-CPU counter", "counter", BENCH_COUNTER),
	{.name = "LRU look-up and insertion, new key",
	 .key = "lru_insert",
	 .wrap = WRAP_TCP,
	 .slot = BENCH_INSERT,
	 .frame = FRAME_SEGMENT,
	 .base = BASE_NEW,
	 .flows = NEW_FLOWS,
	 .verdict = XDP_PASS_V,
	 .counter = -1},
	NOT_OURS("no service: IPv6", "none_ipv6", FRAME_NONE_IPV6),
	NOT_OURS("no service: UDP to this node", "none_udp", FRAME_NONE_UDP),
	NOT_OURS("no service: TCP to this node", "none_tcp", FRAME_NONE_TCP),
	KNOWN("tracked, in: repetition", "repeat_in", BASE_LOCAL, 1, XDP_PASS_V, packets_in, NULL),
	{.name = "tracked, in: what grants add",
	 .key = "repeat_granted",
	 .wrap = WRAP_TCP,
	 .slot = BENCH_SUBJECT,
	 .frame = FRAME_SEGMENT,
	 .world = WORLD_GRANTED,
	 .base = BASE_LOCAL,
	 .flows = 1,
	 .verdict = XDP_PASS_V,
	 .counter = HOKM_CTR_packets_in,
	 .beside = "repeat_in",
	 .budget = NONE_LOOKUPS},
	DATA_IN("tracked, in: bare ACK", "ack_in", WRAP_DATA, 2, FRAME_ACK_IN, CONN_WEBSOCKET,
		packets_in, 1, NULL),
	DATA_IN("tracked, in: small text", "text_in", WRAP_DATA, 3, FRAME_TEXT_IN, CONN_WEBSOCKET,
		in_text, 1, "floor_in"),
	FLOOR_OF("floor, in", "floor_in", WRAP_DATA, BENCH_KNOWN, FRAME_TEXT_IN, BASE_ONE + 3, 1,
		 XDP_PASS_V, false),
	DATA_IN("tracked, in: inside a large frame", "inside_in", WRAP_DATA, 4, FRAME_INSIDE_IN,
		CONN_LARGE, packets_in, 1, NULL),
	DATA_IN("tracked, in: two frames", "two_in", WRAP_DATA, 5, FRAME_TWO_IN, CONN_WEBSOCKET,
		in_text, 2, NULL),
	DATA_IN("tracked, in: five frames", "five_in", WRAP_DATA, 6, FRAME_FIVE_IN, CONN_WEBSOCKET,
		in_text, 5, NULL),
	DATA_IN("tracked, in: ping", "ping_in", WRAP_PING, 1, FRAME_PING_IN, CONN_WEBSOCKET,
		in_ping, 1, NULL),
	DATA_IN("lost synchronization, in", "lost_in", WRAP_DATA, 7, FRAME_NOISE_IN, CONN_LOST,
		packets_in, 1, NULL),
	DATA_IN("TLS record, in", "tls_in", WRAP_DATA, 8, FRAME_RECORD_IN, CONN_TLS, in_records, 1,
		NULL),
	DATA_OUT("tracked, out: small text", "text_out", 9, FRAME_TEXT_OUT, out_text, 1,
		 "floor_out"),
	FLOOR_OF("floor, out", "floor_out", WRAP_DATA_OUT, BENCH_KNOWN, FRAME_TEXT_OUT,
		 BASE_ONE + 9, 1, TC_OK_V, false),
	DATA_OUT("tracked, out: five frames", "five_out", 10, FRAME_FIVE_OUT, out_text, 5, NULL),
	MANY("4096 flows: small text in", "text_in_4096", WRAP_DATA, FRAME_TEXT_IN, XDP_PASS_V,
	     in_text, FLOWS_FEW, "floor_in_4096", false),
	FLOOR_OF("4096 flows: floor, in", "floor_in_4096", WRAP_DATA, BENCH_KNOWN, FRAME_TEXT_IN,
		 BASE_LOCAL, FLOWS_FEW, XDP_PASS_V, false),
	MANY("4096 flows: small text out", "text_out_4096", WRAP_DATA_OUT, FRAME_TEXT_OUT, TC_OK_V,
	     out_text, FLOWS_FEW, "floor_out_4096", false),
	FLOOR_OF("4096 flows: floor, out", "floor_out_4096", WRAP_DATA_OUT, BENCH_KNOWN,
		 FRAME_TEXT_OUT, BASE_LOCAL, FLOWS_FEW, TC_OK_V, false),
	KNOWN("steered", "steered_1", BASE_STEERED, 1, XDP_TX_V, steered_conn, "floor_steered"),
	FLOOR_OF("floor, steered", "floor_steered", WRAP_TCP, BENCH_KNOWN, FRAME_SEGMENT,
		 BASE_STEERED, 1, XDP_PASS_V, false),
	KNOWN("steered, 4096 flows", "steered_4096", BASE_STEERED, 4096, XDP_TX_V, steered_conn,
	      "floor_steered_4096"),
	FLOOR_OF("floor, steered, 4096 flows", "floor_steered_4096", WRAP_TCP, BENCH_KNOWN,
		 FRAME_SEGMENT, BASE_STEERED, 4096, XDP_PASS_V, false),
	NEW("new SYN, local", "syn_local", FRAME_SYN, WORLD_OWNER, XDP_PASS_V, syn_local,
	    "floor_syn", false),
	NEW("new SYN, steered", "syn_steered", FRAME_SYN, WORLD_DOWN_HERE, XDP_TX_V, steered_syn,
	    "floor_syn", false),
	NEW("new SYN, local, by grants", "syn_granted", FRAME_SYN, WORLD_GRANTED, XDP_PASS_V,
	    syn_local, "floor_syn", false),
	GATE("owner, by the lease alone", "gate_lease", BENCH_LEASE, NULL, NO_BUDGET),
	GATE("owner, what grants add to it", "gate_grants", BENCH_GRANTS, "gate_lease",
	     GATE_LOOKUPS),
	FLOOR_OF("floor, SYN", "floor_syn", WRAP_TCP, BENCH_SYN, FRAME_SYN, BASE_NEW, NEW_FLOWS,
		 XDP_PASS_V, false),
	NEW("segment of nobody's connection", "nobodys", FRAME_SEGMENT, WORLD_OWNER, XDP_PASS_V,
	    unknown_pass, NULL, false),
	NODE("ARP request dropped by the gate", "arp_gate", WRAP_RAW, FRAME_ARP, WORLD_NOT_OWNER,
	     XDP_DROP_V, drop_arp_gate),
	NODE("pulse probe answered", "pulse_probe", WRAP_PROBE, FRAME_PROBE, WORLD_OWNER, XDP_TX_V,
	     pulse_probes),
	OUT("tracked, out: repetition", "repeat_out", FRAME_REPLY, HOKM_CTR_packets_out, NO_BUDGET),
	OUT("egress: none of ours, TCP", "egress_none_tcp", FRAME_NONE_OUT, -1, NONE_LOOKUPS),
	MANY("65536 flows: small text in", "full_text_in", WRAP_DATA, FRAME_TEXT_IN, XDP_PASS_V,
	     in_text, FLOWS_MAX, "floor_full_in", true),
	FLOOR_OF("65536 flows: floor, in", "floor_full_in", WRAP_DATA, BENCH_KNOWN, FRAME_TEXT_IN,
		 BASE_LOCAL, FLOWS_MAX, XDP_PASS_V, true),
	MANY("65536 flows: small text out", "full_text_out", WRAP_DATA_OUT, FRAME_TEXT_OUT, TC_OK_V,
	     out_text, FLOWS_MAX, "floor_full_out", true),
	FLOOR_OF("65536 flows: floor, out", "floor_full_out", WRAP_DATA_OUT, BENCH_KNOWN,
		 FRAME_TEXT_OUT, BASE_LOCAL, FLOWS_MAX, TC_OK_V, true),
	NEW("65536 flows: new SYN, local", "full_syn_local", FRAME_SYN, WORLD_OWNER, XDP_PASS_V,
	    syn_local, "floor_full_syn", true),
	NEW("65536 flows: new SYN, steered", "full_syn_steered", FRAME_SYN, WORLD_DOWN_HERE,
	    XDP_TX_V, steered_syn, "floor_full_syn", true),
	FLOOR_OF("65536 flows: floor, SYN", "floor_full_syn", WRAP_TCP, BENCH_SYN, FRAME_SYN,
		 BASE_NEW, NEW_FLOWS, XDP_PASS_V, true),
};
#define N_PATHS (sizeof(paths) / sizeof(paths[0]))
_Static_assert(N_PATHS <= BENCH_PATHS_MAX, "paths");

void bench_paths(struct bench *b)
{
	memcpy(b->paths, paths, sizeof(paths));
	b->n_paths = N_PATHS;
}
