/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sends events to the daemon: one record of fixed size through the perf event array. At most
 * HOKM_EVENTS_PER_SECOND records of a kind are sent on a CPU, so that a flood of packets does not
 * become a flood of wake-ups. What the limit or a full buffer keeps back is counted.
 */
#ifndef HOKM_BPF_EVENT_SEND_H
#define HOKM_BPF_EVENT_SEND_H

#include "accounting.h"
#include "rate_limit.h"

/* Does the rate limit allow one more event of this kind? */
static __always_inline bool event_allowed(__u32 kind, __u64 now)
{
	struct hokm_event_limit *l = bpf_map_lookup_elem(&event_limits, &kind);

	return l && rate_take(l, now, HOKM_EVENTS_PER_SECOND);
}

/*
 * Adds what the entry of the connection knows to the event.
 *
 * The entry is looked up again, and this is not inline. A pointer to the entry, carried through the
 * pipeline to here, would be a different value on every path, and the verifier would check the rest
 * of the program once for each path. To the verifier ev may be NULL.
 */
__noinline int event_conn(struct hokm_event *ev)
{
	struct hokm_conn_key key;
	struct hokm_conn *c;

	if (!ev)
		return 0;
	key.client = ev->client;
	key.client_port = ev->client_port;
	key.service = ev->service;
	c = bpf_map_lookup_elem(&conns, &key);
	if (!c)
		return 0;
	switch (ev->kind) {
	case HOKM_EV_CLOSED:
		ev->age_ns = ev->now_ns - c->created_ns;
		ev->bytes_in = c->c2s.bytes;
		ev->bytes_out = c->s2c.bytes;
		ev->close_side = c->close_side;
		ev->close_code = c->close_code;
		break;
	case HOKM_EV_UPGRADED:
	case HOKM_EV_NOT_UPGRADED:
		ev->age_ns = (__u64)c->upgrade_us * 1000;
		ev->status = c->status;
		break;
	}
	return 0;
}

/* Sends the event that the stages left in the packet. place: WORK_IN or WORK_OUT. */
static __always_inline void event_send(struct packet *p, __u32 place)
{
	struct hokm_event *ev;
	struct work *w;

	/* A flood is mostly refused here, so this comes first. */
	w = event_allowed(p->event, p->now) ? bpf_map_lookup_elem(&work, &place) : NULL;
	if (!w) {
		COUNT(p, events_limited);
		return;
	}
	ev = &w->event;
	__builtin_memset(ev, 0, sizeof(*ev));
	ev->now_ns = p->now;
	ev->client.w[2] = bpf_htonl(0xffff);
	ev->client.w[3] = p->client;
	ev->client_port = p->client_port;
	ev->kind = p->event;
	ev->service = p->service;
	ev->tcp_state = p->tcp_state;
	ev->target = p->target;
	ev->counter = p->dropped;
	ev->close_side = p->side;
	ev->fault = p->fault;
	if (p->event == HOKM_EV_CLOSED || p->event == HOKM_EV_UPGRADED ||
	    p->event == HOKM_EV_NOT_UPGRADED)
		event_conn(ev);
	if (bpf_perf_event_output(p->ctx, &events, BPF_F_CURRENT_CPU, ev, sizeof(*ev)))
		COUNT(p, events_lost);
}

/* The end of both pipelines: counts a drop, then sends the event. */
static __always_inline void report(struct packet *p, enum verdict v, __u32 place)
{
	if (v == DROP)
		count_drop(p);
	if (p->event != EVENT_NONE)
		event_send(p, place);
}

#endif
