/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Does a socket of this node have a connection? For a packet without an entry in our maps the
 * kernel's own table of sockets decides.
 */
#ifndef HOKM_BPF_SOCKET_LOOKUP_H
#define HOKM_BPF_SOCKET_LOOKUP_H

#include "packet.h"

enum socket_here {
	SOCKET_NONE, /* no socket, or a listening one only */
	/*
	 * TIME_WAIT: the connection is closed; a peer may hold a newer one with the same addresses
	 */
	SOCKET_OVER,
	SOCKET_BRIEF, /* a handshake that is not complete: local, but it gets no entry in conns */
	SOCKET_LIVE,  /* the connection exists here */
};

static __always_inline enum socket_here socket_look_up(void *ctx, __be32 client, __be16 client_port,
						       __be32 vip, __be16 port)
{
	struct bpf_sock_tuple t = {};
	struct bpf_sock *sk;
	__u32 state;

	t.ipv4.saddr = client;
	t.ipv4.daddr = vip;
	t.ipv4.sport = client_port;
	t.ipv4.dport = port;
	sk = bpf_skc_lookup_tcp(ctx, &t, sizeof(t.ipv4), BPF_F_CURRENT_NETNS, 0);
	if (!sk)
		return SOCKET_NONE;
	state = sk->state;
	bpf_sk_release(sk);
	if (state == BPF_TCP_LISTEN)
		return SOCKET_NONE;
	if (state == BPF_TCP_TIME_WAIT)
		return SOCKET_OVER;
	return state == BPF_TCP_NEW_SYN_RECV ? SOCKET_BRIEF : SOCKET_LIVE;
}

/* Looks up the packet's connection; VIP and port come from the configuration of its service. */
static __always_inline enum socket_here socket_of(const struct packet *p)
{
	const struct hokm_service_key *s;
	__u32 slot = p->service;

	barrier_var(slot);
	s = &p->cfg->service[slot & (HOKM_MAX_SERVICES - 1)];
	return socket_look_up(p->ctx, p->client, p->client_port, s->vip.w[3], s->port);
}

#endif
