/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records of the ring buffer `changes`: a local connection opened, or it was closed or terminated.
 * The daemon replicates them to the peers. A record wakes no process. A record that does not fit is
 * counted, and the daemon walks conns instead.
 *
 * A record is written at once, when the entry of conns has the new state. At the end of the
 * pipeline it would be one more value for the verifier to track through all paths.
 */
#ifndef HOKM_BPF_CONN_CHANGES_H
#define HOKM_BPF_CONN_CHANGES_H

#include "accounting.h"

/*
 * Writes the record of a connection. port_service: the client's port in the upper half, the slot of
 * the service in the lower. The arguments are scalars and the entry is looked up again, for the
 * reason given at event_conn().
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
		return 0; /* no CLOSE record would follow */
	r.isn = c->isn;
	r.began = kind == HOKM_CHANGE_OPEN && c->established_ns == now_ns;
	/* What the client acknowledged with a cookie is known before the server's next segment. */
	r.seq_next = c->s2c.packets ? c->s2c.seq_next : c->vouched >> 32;
	r.ack_next = c->s2c.packets ? c->s2c.ack : c->c2s.seq_next;
	if (bpf_ringbuf_output(&changes, &r, sizeof(r), BPF_RB_NO_WAKEUP) &&
	    account(&p, r.key.service))
		COUNT(&p, changes_lost);
	return 0;
}

/* Writes the record of the packet's connection; kind: HOKM_CHANGE_*. */
static __always_inline void change_send(const struct packet *p, __u8 kind)
{
	change_record(p->client, (__u32)p->client_port << 16 | p->service, kind, p->now);
}

#endif
