/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Requests that wait for an answer, and how long answers took: the maps waits and latency.
 *
 * A request stores its time in its connection and adds one to a place of its service's ring. The
 * code that swaps the time out of the connection takes the one off again. The swap is atomic,
 * because request and answer pass on different CPUs. So each request is taken off exactly once,
 * whether it is answered or its connection is over.
 *
 * An upgrade request waits from the moment at which the server's kernel has acknowledged it, until
 * the server sends anything. So a segment that the kernel discards, for its checksum or its place,
 * never counts as a request without an answer (rule 4, docs/architecture.md).
 */
#ifndef HOKM_BPF_ANSWER_WAIT_H
#define HOKM_BPF_ANSWER_WAIT_H

#include "accounting.h"

#define NS_PER_US 1000

/* The place of the ring for a request of this time. */
static __always_inline __u32 wait_place(__u64 began_ns)
{
	return began_ns >> HOKM_WAIT_SHIFT & (HOKM_WAIT_SLOTS - 1);
}

static __always_inline struct hokm_waits *wait_ring(const struct packet *p)
{
	__u32 slot = p->service;

	return bpf_map_lookup_elem(&waits, &slot);
}

/* Takes the time out of the connection. Returns 0 when another CPU took it before. */
static __always_inline __u64 wait_swap(__u64 *began_ns)
{
	return __sync_lock_test_and_set(began_ns, 0);
}

/*
 * A request of the time now_ns begins to wait, unless an older one waits or a side has sent its
 * FIN, after which an answer may never come. The count is added before the time is stored, so no
 * other CPU can take it off before it is there.
 */
static __always_inline void wait_begin(const struct hokm_conn *c, __u64 now_ns, __u64 *began_ns,
				       __u32 *count)
{
	if (*began_ns || c->tcp_state != HOKM_TCP_ESTABLISHED)
		return;
	__sync_fetch_and_add(count, 1);
	if (__sync_val_compare_and_swap(began_ns, 0, now_ns))
		__sync_fetch_and_add(count, -1);
}

/* The upgrade request begins to wait. */
static __always_inline void wait_upgrade_begin(const struct packet *p, struct hokm_conn *c)
{
	struct hokm_waits *w = wait_ring(p);
	__u64 asked = c->asked_ns;

	if (w && asked)
		wait_begin(c, asked, &c->upgrade_ns, &w->upgrade[wait_place(asked)]);
}

/* The upgrade request waits no longer. Returns when it came, or 0 when none waited. */
static __always_inline __u64 wait_upgrade_end(const struct packet *p, struct hokm_conn *c)
{
	struct hokm_waits *w = wait_ring(p);
	__u64 began = w ? wait_swap(&c->upgrade_ns) : 0;

	if (began && w)
		__sync_fetch_and_add(&w->upgrade[wait_place(began)], -1);
	return began;
}

/* A ping of the client begins to wait. Of several pings without a pong the oldest counts. */
static __always_inline void wait_ping_begin(const struct packet *p, struct hokm_conn *c)
{
	struct hokm_waits *w = wait_ring(p);

	if (w)
		wait_begin(c, p->now, &c->ping_c2s_ns, &w->ping[wait_place(p->now)]);
}

/* The ping waits no longer. Returns when it came, or 0 when none waited. */
static __always_inline __u64 wait_ping_end(const struct packet *p, struct hokm_conn *c)
{
	struct hokm_waits *w = wait_ring(p);
	__u64 began = w ? wait_swap(&c->ping_c2s_ns) : 0;

	if (began && w)
		__sync_fetch_and_add(&w->ping[wait_place(began)], -1);
	return began;
}

/* A function of its own, so that the verifier checks it once. To the verifier c may be NULL. */
__noinline int wait_remove(struct hokm_conn *c, __u32 slot)
{
	struct packet p = {.service = slot};

	if (!c)
		return 0;
	wait_upgrade_end(&p, c);
	wait_ping_end(&p, c);
	return 0;
}

/* No answer will come, or none that could be read: nothing of the connection waits any longer. */
static __always_inline void wait_give_up(const struct packet *p, struct hokm_conn *c)
{
	c->due = 0;
	if (c->upgrade_ns || c->ping_c2s_ns)
		wait_remove(c, p->service);
}

/* Microseconds since a request; at most 2^32 - 1. */
static __always_inline __u32 elapsed_us(const struct packet *p, __u64 began_ns)
{
	__u64 us = p->now > began_ns ? (p->now - began_ns) / NS_PER_US : 0;

	return us < 0xffffffff ? us : 0xffffffff;
}

/* The logarithm to base 2, rounded down: the place of a histogram. */
static __always_inline __u32 latency_place(__u32 us)
{
	__u32 place = 0;

#pragma clang loop unroll(full)
	for (int bits = 16; bits; bits >>= 1)
		if (us >> bits) {
			us >>= bits;
			place += bits;
		}
	return place;
}

/* Counts one answer in the histogram `name` of the packet's service. */
#define LATENCY(p, name, us) latency_add(p, HOKM_LAT_##name, us)
static __always_inline void latency_add(const struct packet *p, enum hokm_latency_kind kind,
					__u32 us)
{
	__u32 slot = p->service;
	struct hokm_latency *l = bpf_map_lookup_elem(&latency, &slot);
	__u32 place = latency_place(us);

	if (l && place < HOKM_LATENCY_PLACES)
		((__u64 *)l)[kind * HOKM_LATENCY_PLACES + place]++;
}

#endif
