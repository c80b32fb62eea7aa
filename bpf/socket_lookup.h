/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Does a socket of this node have a connection? For a packet without an entry in our maps the
 * kernel's own table of sockets decides.
 */
#ifndef HOKM_BPF_SOCKET_LOOKUP_H
#define HOKM_BPF_SOCKET_LOOKUP_H

#include "frame_parse.h"

enum socket_here {
	SOCKET_NONE, /* no socket, or a listening one only */
	/*
	 * TIME_WAIT: the connection is closed; a peer may hold a newer one with the same addresses
	 */
	SOCKET_OVER,
	SOCKET_BRIEF, /* a handshake that is not complete: local, but it gets no entry in conns */
	SOCKET_LIVE,  /* the connection exists here */
	/* no socket yet, but the packet has a valid SYN cookie of a listener here */
	SOCKET_COOKIE,
};

/* The caller releases it. */
static __always_inline struct bpf_sock *socket_get(void *ctx, __be32 client, __be16 client_port,
						   __be32 vip, __be16 port)
{
	struct bpf_sock_tuple t = {};

	t.ipv4.saddr = client;
	t.ipv4.daddr = vip;
	t.ipv4.sport = client_port;
	t.ipv4.dport = port;
	return bpf_skc_lookup_tcp(ctx, &t, sizeof(t.ipv4), BPF_F_CURRENT_NETNS, 0);
}

static __always_inline enum socket_here socket_kind(__u32 state)
{
	if (state == BPF_TCP_LISTEN)
		return SOCKET_NONE;
	if (state == BPF_TCP_TIME_WAIT)
		return SOCKET_OVER;
	return state == BPF_TCP_NEW_SYN_RECV ? SOCKET_BRIEF : SOCKET_LIVE;
}

static __always_inline enum socket_here socket_look_up(void *ctx, __be32 client, __be16 client_port,
						       __be32 vip, __be16 port)
{
	struct bpf_sock *sk = socket_get(ctx, client, client_port, vip, port);
	__u32 state;

	if (!sk)
		return SOCKET_NONE;
	state = sk->state;
	bpf_sk_release(sk);
	return socket_kind(state);
}

/*
 * socket_of() as a function of its own: the verifier would otherwise check the look-up once for
 * each path that leads to it. Its result is enum socket_here.
 */
__noinline int socket_of_client(struct xdp_md *ctx, __be32 client, __u32 client_port, __u32 slot)
{
	const struct hokm_service_key *s;
	struct packet p = {};

	if (!cfg_read(&p))
		return SOCKET_NONE;
	s = &p.cfg->service[slot & (HOKM_MAX_SERVICES - 1)];
	return socket_look_up(ctx, client, client_port, s->vip.w[3], s->port);
}

/* Looks up the packet's connection; VIP and port come from the configuration of its service. */
static __always_inline enum socket_here socket_of(const struct packet *p)
{
	return socket_of_client(p->ctx, p->client, p->client_port, p->service);
}

/*
 * The same for a packet without any entry. During a flood of SYNs a listener keeps no request
 * sockets and answers with SYN cookies (RFC 4987 section 3.6). Then only the ACK that completes the
 * handshake names the connection, and only the kernel can tell whether its cookie is valid. A
 * forger who did not see the SYN-ACK cannot make a valid one.
 */
static __always_inline enum socket_here socket_or_cookie(const struct packet *p)
{
	const struct iphdr *ip = p->l3;
	const struct tcphdr *tcp = p->l3 + ip_header_len(ip);
	enum socket_here here = SOCKET_NONE;
	struct bpf_sock *sk;
	__u32 state;

	if ((void *)(tcp + 1) > p->end)
		return SOCKET_NONE;
	sk = socket_get(p->ctx, ip->saddr, tcp->source, ip->daddr, tcp->dest);
	if (!sk)
		return SOCKET_NONE;
	state = sk->state;
	if (state != BPF_TCP_LISTEN)
		here = socket_kind(state);
	else if (!bpf_tcp_check_syncookie(sk, (void *)ip, sizeof(*ip), (void *)tcp, sizeof(*tcp)))
		here = SOCKET_COOKIE;
	bpf_sk_release(sk);
	return here;
}

#endif
