/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Openings and ends of connections that live here, for the daemon to tell the peers of: records of
 * the ring buffer `changes`, which wakes nobody. What finds no room is counted, and the daemon goes
 * through conns instead.
 *
 * Told at once, when the entry is in conns and says so: what is carried along to the end of the
 * pipeline is one more thing that the verifier follows.
 */
#ifndef HOKM_BPF_CONN_CHANGES_H
#define HOKM_BPF_CONN_CHANGES_H

#include "accounting.h"

/*
 * What is told, in scalars: the client's address, its port and the service, the kind. The entry is
 * looked up again, in a function of its own to the verifier, for the same reason as event_conn().
 */
__noinline int change_record(__be32 client, __u32 port_service, __u32 kind, __u64 now_ns)
{
	struct hokm_change r = {.now_ns = now_ns, .kind = kind};
	struct packet p = {};
	struct hokm_conn *c;

	if (!cfg_read(&p) || !p.cfg->repl_port)
		return 0;
	r.key.client.w[2] = bpf_htonl(0xffff);
	r.key.client.w[3] = client;
	r.key.client_port = port_service >> 16;
	r.key.service = port_service & 0xffff;
	c = bpf_map_lookup_elem(&conns, &r.key);
	if (!c || c->target != HOKM_LOCAL)
		return 0;
	if (kind == HOKM_CHANGE_OPEN && c->flags & HOKM_CONN_ENDED)
		return 0; /* nobody would ever say that it is gone */
	r.isn = c->isn;
	r.seq_next = c->s2c.packets ? c->s2c.seq_next : 0;
	r.ack_next = c->s2c.packets ? c->s2c.ack : c->c2s.seq_next;
	if (bpf_ringbuf_output(&changes, &r, sizeof(r), BPF_RB_NO_WAKEUP) &&
	    account(&p, r.key.service))
		COUNT(&p, changes_lost);
	return 0;
}

static __always_inline void change_send(const struct packet *p, __u8 kind)
{
	change_record(p->client, (__u32)p->client_port << 16 | p->service, kind, p->now);
}

#endif
