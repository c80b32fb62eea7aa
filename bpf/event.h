/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events out to the daemon: one fixed record through the perf array, at most HOKM_EVENTS_PER_SECOND
 * of a kind on a CPU, so that no flood of packets becomes a flood of wake-ups. What the limit or a
 * full buffer takes is counted.
 */
#ifndef HOKM_BPF_EVENT_H
#define HOKM_BPF_EVENT_H

#include "counter.h"

#define NS_PER_SECOND 1000000000ULL

static __always_inline bool event_allowed(__u32 kind, __u64 now)
{
	struct hokm_event_limit *l = bpf_map_lookup_elem(&event_limits, &kind);

	if (!l)
		return false;
	if (now - l->window_ns >= NS_PER_SECOND) {
		l->window_ns = now;
		l->count = 0;
	}
	if (l->count >= HOKM_EVENTS_PER_SECOND)
		return false;
	l->count++;
	return true;
}

/* What the connection adds. */
static __always_inline void event_conn(const struct packet *p, const struct hokm_conn *c,
				       struct hokm_event *ev)
{
	switch (p->event) {
	case HOKM_EV_CLOSED:
		ev->age_ns = p->now - c->created_ns;
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
	case HOKM_EV_SYNC_LOST:
	case HOKM_EV_SYNC_REGAINED:
		ev->close_side = p->side;
		ev->fault = p->fault;
		break;
	}
	ev->tcp_state = c->tcp_state;
	ev->target = c->target;
}

static __always_inline void event_send(struct packet *p)
{
	struct hokm_event ev = {};
	const struct hokm_conn *c = p->conn;

	if (!event_allowed(p->event, p->now)) {
		COUNT(p, events_limited);
		return;
	}
	ev.now_ns = p->now;
	ev.client.w[2] = bpf_htonl(0xffff);
	ev.client.w[3] = p->client;
	ev.client_port = p->client_port;
	ev.kind = p->event;
	ev.service = p->service;
	ev.tcp_state = p->tcp_state;
	ev.target = p->target;
	ev.counter = p->dropped;
	if (c)
		event_conn(p, c, &ev);
	if (bpf_perf_event_output(p->ctx, &events, BPF_F_CURRENT_CPU, &ev, sizeof(ev)))
		COUNT(p, events_lost);
}

/* End of both pipelines: the drop's counter, then the event. */
static __always_inline void report(struct packet *p, enum verdict v)
{
	if (v == DROP)
		count_drop(p);
	if (p->event != EVENT_NONE)
		event_send(p);
}

#endif
