/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What waits for an answer, and how long answers took: the maps waits and latency.
 *
 * A request leaves its time in the connection and one count in its service's ring; whoever swaps
 * the time out of the connection takes the count off. The swap is atomic, for request and answer
 * pass on different CPUs, so a request is taken off exactly once however it ends.
 */
#ifndef HOKM_BPF_ANSWER_WAIT_H
#define HOKM_BPF_ANSWER_WAIT_H

#include "accounting.h"

#define NS_PER_US 1000

static __always_inline __u32 wait_place(__u64 began_ns)
{
	return began_ns >> HOKM_WAIT_SHIFT & (HOKM_WAIT_SLOTS - 1);
}

static __always_inline struct hokm_waits *wait_ring(const struct packet *p)
{
	__u32 slot = p->service;

	return bpf_map_lookup_elem(&waits, &slot);
}

static __always_inline __u64 wait_swap(__u64 *began_ns)
{
	return __sync_lock_test_and_set(began_ns, 0);
}

/*
 * Nothing waits once a side has sent its FIN: its answer may never come. The count is there before
 * the time, so it is never taken off before it is put on.
 */
static __always_inline void wait_begin(const struct packet *p, const struct hokm_conn *c,
				       __u64 *began_ns, __u32 *count)
{
	if (*began_ns || c->tcp_state != HOKM_TCP_ESTABLISHED)
		return;
	__sync_fetch_and_add(count, 1);
	if (__sync_val_compare_and_swap(began_ns, 0, p->now))
		__sync_fetch_and_add(count, -1);
}

static __always_inline void wait_upgrade_begin(const struct packet *p, struct hokm_conn *c)
{
	struct hokm_waits *w = wait_ring(p);

	if (w)
		wait_begin(p, c, &c->upgrade_ns, &w->upgrade[wait_place(p->now)]);
}

/* When the request came that is now answered, or given up; 0: none waited. */
static __always_inline __u64 wait_upgrade_end(const struct packet *p, struct hokm_conn *c)
{
	struct hokm_waits *w = wait_ring(p);
	__u64 began = w ? wait_swap(&c->upgrade_ns) : 0;

	if (began && w)
		__sync_fetch_and_add(&w->upgrade[wait_place(began)], -1);
	return began;
}

/* Of several pings without a pong the oldest counts. */
static __always_inline void wait_ping_begin(const struct packet *p, struct hokm_conn *c)
{
	struct hokm_waits *w = wait_ring(p);

	if (w)
		wait_begin(p, c, &c->ping_c2s_ns, &w->ping[wait_place(p->now)]);
}

static __always_inline __u64 wait_ping_end(const struct packet *p, struct hokm_conn *c)
{
	struct hokm_waits *w = wait_ring(p);
	__u64 began = w ? wait_swap(&c->ping_c2s_ns) : 0;

	if (began && w)
		__sync_fetch_and_add(&w->ping[wait_place(began)], -1);
	return began;
}

/* A function of its own: the verifier goes through it once. c may be NULL to it. */
__noinline int wait_remove(struct hokm_conn *c, __u32 slot)
{
	struct packet p = {.service = slot};

	if (!c)
		return 0;
	wait_upgrade_end(&p, c);
	wait_ping_end(&p, c);
	return 0;
}

/* No answer will come any more, or none that could be seen. */
static __always_inline void wait_give_up(const struct packet *p, struct hokm_conn *c)
{
	if (c->upgrade_ns || c->ping_c2s_ns)
		wait_remove(c, p->service);
}

static __always_inline __u32 elapsed_us(const struct packet *p, __u64 began_ns)
{
	__u64 us = p->now > began_ns ? (p->now - began_ns) / NS_PER_US : 0;

	return us < 0xffffffff ? us : 0xffffffff;
}

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
