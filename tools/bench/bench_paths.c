/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The paths of the first part of `make bench`, and their budgets.
 *
 * The budgets are the promise of the project: frames of other hosts and services 1, established
 * with frame tracking 5, steered 4, a new SYN 10. Of the tracked ones the verdict is on a segment
 * that is one whole small message, which is nearly every data packet of a game. With many flows
 * every packet is a series of cache misses, which depend on the machine more than on the program.
 * Those rows are shown beside Katran's and have no verdict.
 */
#include <string.h>

#include "bench.h"

#define XDP_DROP_V 1
#define XDP_PASS_V 2
#define XDP_TX_V   3
#define NEW_FLOWS  0x1000000u /* so many that no flow comes twice */

/* The floors: the cost of the hash look-up net of the trivial program is the unit. */
#define FLOOR(what, id, which)                                                  \
	{                                                                       \
		.name = (what), .key = (id), .wrap = WRAP_RAW, .slot = (which), \
		.frame = FRAME_SEGMENT, .verdict = XDP_PASS_V, .counter = -1,   \
		.counter_slot = HOKM_NODE_SLOT                                  \
	}

/* Frames that belong to no service here: no counter may rise. */
#define NOT_OURS(what, id, f)                                                                    \
	{                                                                                        \
		.name = (what), .key = (id), .wrap = WRAP_RAW, .slot = BENCH_SUBJECT,            \
		.frame = (f), .verdict = XDP_PASS_V, .counter = -1, .budget = 1.0, .katran = 1.7 \
	}

#define KNOWN(what, id, from, n, v, c, limit, other, many)                                    \
	{                                                                                     \
		.name = (what), .key = (id), .wrap = WRAP_TCP, .slot = BENCH_SUBJECT,         \
		.frame = FRAME_SEGMENT, .base = (from), .flows = (n), .verdict = (v),         \
		.counter = HOKM_CTR_##c, .budget = (limit), .katran = (other), .full = (many) \
	}

#define NEW(what, id, f, w, v, c, limit, other, many)                                             \
	{                                                                                         \
		.name = (what), .key = (id), .wrap = WRAP_TCP, .slot = BENCH_SUBJECT,             \
		.frame = (f), .world = (w), .base = BASE_NEW, .flows = NEW_FLOWS, .verdict = (v), \
		.counter = HOKM_CTR_##c, .purge = (f) == FRAME_SEGMENT, .budget = (limit),        \
		.katran = (other), .full = (many)                                                 \
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
#define DATA_IN(what, id, wrapper, i, f, kind, c, times, limit)                                    \
	{                                                                                          \
		.name = (what), .key = (id), .wrap = (wrapper), .slot = BENCH_SUBJECT,             \
		.frame = (f), .conn = (kind), .base = BASE_ONE + (i), .flows = 1,                  \
		.verdict = XDP_PASS_V, .counter = HOKM_CTR_##c, .rise = (times), .budget = (limit) \
	}

#define DATA_OUT(what, id, i, f, c, times, limit)                                               \
	{                                                                                       \
		.name = (what), .key = (id), .wrap = WRAP_DATA_OUT, .slot = BENCH_SUBJECT,      \
		.frame = (f), .conn = CONN_WEBSOCKET, .base = BASE_ONE + (i), .flows = 1,       \
		.verdict = TC_OK_V, .counter = HOKM_CTR_##c, .rise = (times), .budget = (limit) \
	}

/* The same for many connections, one after the other. */
#define MANY(what, id, wrapper, f, v, c, nr, other, many)                                  \
	{                                                                                  \
		.name = (what), .key = (id), .wrap = (wrapper), .slot = BENCH_SUBJECT,     \
		.frame = (f), .conn = CONN_FLOWS, .base = BASE_LOCAL, .flows = (nr),       \
		.verdict = (v), .counter = HOKM_CTR_##c, .katran = (other), .full = (many) \
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
	KNOWN("tracked, in: repetition", "repeat_in", BASE_LOCAL, 1, XDP_PASS_V, packets_in, 5.0,
	      5.5, false),
	DATA_IN("tracked, in: bare ACK", "ack_in", WRAP_DATA, 2, FRAME_ACK_IN, CONN_WEBSOCKET,
		packets_in, 1, NO_BUDGET),
	DATA_IN("tracked, in: small text", "text_in", WRAP_DATA, 3, FRAME_TEXT_IN, CONN_WEBSOCKET,
		in_text, 1, 5.0),
	DATA_IN("tracked, in: inside a large frame", "inside_in", WRAP_DATA, 4, FRAME_INSIDE_IN,
		CONN_LARGE, packets_in, 1, NO_BUDGET),
	DATA_IN("tracked, in: two frames", "two_in", WRAP_DATA, 5, FRAME_TWO_IN, CONN_WEBSOCKET,
		in_text, 2, NO_BUDGET),
	DATA_IN("tracked, in: five frames", "five_in", WRAP_DATA, 6, FRAME_FIVE_IN, CONN_WEBSOCKET,
		in_text, 5, NO_BUDGET),
	DATA_IN("tracked, in: ping", "ping_in", WRAP_PING, 1, FRAME_PING_IN, CONN_WEBSOCKET,
		in_ping, 1, NO_BUDGET),
	DATA_IN("lost synchronization, in", "lost_in", WRAP_DATA, 7, FRAME_NOISE_IN, CONN_LOST,
		packets_in, 1, NO_BUDGET),
	DATA_IN("TLS record, in", "tls_in", WRAP_DATA, 8, FRAME_RECORD_IN, CONN_TLS, in_records, 1,
		NO_BUDGET),
	DATA_OUT("tracked, out: small text", "text_out", 9, FRAME_TEXT_OUT, out_text, 1, 5.0),
	DATA_OUT("tracked, out: five frames", "five_out", 10, FRAME_FIVE_OUT, out_text, 5,
		 NO_BUDGET),
	MANY("4096 flows: small text in", "text_in_4096", WRAP_DATA, FRAME_TEXT_IN, XDP_PASS_V,
	     in_text, FLOWS_FEW, 8.5, false),
	MANY("4096 flows: small text out", "text_out_4096", WRAP_DATA_OUT, FRAME_TEXT_OUT, TC_OK_V,
	     out_text, FLOWS_FEW, 0.0, false),
	KNOWN("steered", "steered_1", BASE_STEERED, 1, XDP_TX_V, steered_conn, 4.0, 5.5, false),
	KNOWN("steered, 4096 flows", "steered_4096", BASE_STEERED, 4096, XDP_TX_V, steered_conn,
	      NO_BUDGET, 8.5, false),
	NEW("new SYN, local", "syn_local", FRAME_SYN, WORLD_OWNER, XDP_PASS_V, syn_local, 10.0,
	    29.0, false),
	NEW("new SYN, steered", "syn_steered", FRAME_SYN, WORLD_DOWN_HERE, XDP_TX_V, steered_syn,
	    10.0, 29.0, false),
	NEW("second chance, first packet", "second_chance", FRAME_SEGMENT, WORLD_OWNER, XDP_TX_V,
	    second_chance, NO_BUDGET, 0.0, false),
	NODE("ARP request dropped by the gate", "arp_gate", WRAP_RAW, FRAME_ARP, WORLD_NOT_OWNER,
	     XDP_DROP_V, drop_arp_gate),
	NODE("pulse probe answered", "pulse_probe", WRAP_PROBE, FRAME_PROBE, WORLD_OWNER, XDP_TX_V,
	     pulse_probes),
	OUT("tracked, out: repetition", "repeat_out", FRAME_REPLY, HOKM_CTR_packets_out, 5.0),
	OUT("egress: none of ours, TCP", "egress_none_tcp", FRAME_NONE_OUT, -1, 1.0),
	MANY("65536 flows: small text in", "full_text_in", WRAP_DATA, FRAME_TEXT_IN, XDP_PASS_V,
	     in_text, FLOWS_MAX, 14.5, true),
	MANY("65536 flows: small text out", "full_text_out", WRAP_DATA_OUT, FRAME_TEXT_OUT, TC_OK_V,
	     out_text, FLOWS_MAX, 0.0, true),
	NEW("65536 flows: new SYN, local", "full_syn_local", FRAME_SYN, WORLD_OWNER, XDP_PASS_V,
	    syn_local, NO_BUDGET, 29.0, true),
	NEW("65536 flows: new SYN, steered", "full_syn_steered", FRAME_SYN, WORLD_DOWN_HERE,
	    XDP_TX_V, steered_syn, NO_BUDGET, 29.0, true),
};
#define N_PATHS (sizeof(paths) / sizeof(paths[0]))
_Static_assert(N_PATHS <= BENCH_PATHS_MAX, "paths");

void bench_paths(struct bench *b)
{
	memcpy(b->paths, paths, sizeof(paths));
	b->n_paths = N_PATHS;
}
