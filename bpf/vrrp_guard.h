/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VRRP guard (RFC 9568 section 7.1). An advert of the instance's virtual router reaches the
 * daemon only when it comes from a configured peer, with TTL 255, and unfragmented. While that peer
 * answers pulses, it must also come from the MAC address of its signed pulses. So a sender of
 * forged adverts on the link changes nothing then, even if it knows the password. While the peer
 * answers none, the daemon judges its adverts (judge_sender() in user/daemon/settle.c). Adverts of
 * other virtual routers pass. An advert is a sign of life of the peer.
 *
 * The guard checks adverts to every destination address, because a raw socket also receives unicast
 * and broadcast. Later fragments are dropped, because the kernel would assemble an advert that the
 * guard has not checked.
 */
#ifndef HOKM_BPF_VRRP_GUARD_H
#define HOKM_BPF_VRRP_GUARD_H

#include "event_send.h"
#include "frame_parse.h"
#include "peer_state.h"

#define IPPROTO_VRRP 112
#define VRRP_TTL     255
#define VRRP_MIN_LEN 8
#define VRRP_VRID_AT 1

/* The VRID, or -1 when the packet is too short to have one. */
static __always_inline int vrrp_vrid(const struct packet *p, const struct iphdr *ip)
{
	const __u8 *vrrp = (void *)ip + ip_header_len(ip);

	if (!is_first_fragment(ip) || ip_payload_len(ip) <= VRRP_VRID_AT ||
	    (void *)(vrrp + VRRP_VRID_AT + 1) > p->end)
		return -1;
	return vrrp[VRRP_VRID_AT];
}

static __always_inline bool vrrp_is_whole(const struct packet *p, const struct iphdr *ip,
					  enum ip_kind kind)
{
	return kind == IP_WHOLE && ip_payload_len(ip) >= VRRP_MIN_LEN &&
	       (void *)ip + ip_header_len(ip) + VRRP_MIN_LEN <= p->end;
}

/* An incoming VRRP packet. */
static __always_inline enum verdict vrrp_ingress(struct packet *p, enum ip_kind kind)
{
	const struct iphdr *ip = p->l3;
	struct hokm_peer *peer;
	int vrid = vrrp_vrid(p, ip);

	if ((vrid >= 0 && vrid != p->cfg->vrid) || !account(p, HOKM_NODE_SLOT))
		return PASS;
	clock_read(p);
	p->client = ip->saddr;
	if (vrid < 0)
		return DROP_FOR(p, drop_vrrp_short);
	peer = peer_get(p, peer_by_addr(p, ip->saddr));
	if (!peer)
		return DROP_FOR(p, drop_vrrp_source);
	if (ip->ttl != VRRP_TTL)
		return DROP_FOR(p, drop_vrrp_ttl);
	if (!vrrp_is_whole(p, ip, kind))
		return DROP_FOR(p, drop_vrrp_short);
	if (peer_is_alive(p, peer) && !mac_equal(peer->mac, p->eth->h_source))
		return DROP_FOR(p, drop_vrrp_mac);
	peer->vrrp_ns = p->now;
	mac_copy(peer->vrrp_mac, p->eth->h_source);
	note_sign(p);
	COUNT(p, vrrp_seen);
	return PASS;
}

#endif
