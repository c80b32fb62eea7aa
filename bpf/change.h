/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Openings and ends of connections that live here, for the daemon to tell the peers of: records of the
 * ring buffer `changes`, which wakes nobody. What finds no room is counted, and the daemon goes through
 * conns instead.
 *
 * Told at once, when the entry is in conns and says so: what is carried along to the end of the pipeline is
 * one more thing that the verifier follows.
 */
#ifndef HOKM_BPF_CHANGE_H
#define HOKM_BPF_CHANGE_H

#include "counter.h"

/*
 * 1: there was no room. The entry is looked up again, in a function of its own to the verifier, for the
 * same reason as event_conn(). r has key, kind and time.
 */
__noinline int change_tell(struct hokm_change *r)
{
	struct hokm_conn_key key;
	struct hokm_conn *c;

	if (!r)
		return 0;
	key = r->key;
	c = bpf_map_lookup_elem(&conns, &key);
	if (!c || c->target != HOKM_LOCAL)
		return 0;
	r->isn = c->isn;
	r->seq_next = c->s2c.packets ? c->s2c.seq_next : 0;
	r->ack_next = c->s2c.packets ? c->s2c.ack : c->c2s.seq_next;
	return bpf_ringbuf_output(&changes, r, sizeof(*r), BPF_RB_NO_WAKEUP) ? 1 : 0;
}

static __always_inline void change_send(struct packet *p, __u8 kind)
{
	struct hokm_change r = {};

	if (!p->cfg->repl_port)
		return;
	r.now_ns = p->now;
	r.key.client.w[2] = bpf_htonl(0xffff);
	r.key.client.w[3] = p->client;
	r.key.client_port = p->client_port;
	r.key.service = p->service;
	r.kind = kind;
	if (change_tell(&r))
		COUNT(p, changes_lost);
}

#endif
