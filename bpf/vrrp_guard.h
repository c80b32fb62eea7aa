/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VRRP guard (RFC 9568 section 7.1): an advert of our virtual router reaches the daemon only
 * from a configured peer, with TTL 255, whole, and, while that peer pulses, from the MAC its signed
 * pulses came from. So a forger on the link who knows the password changes nothing. Adverts of
 * other virtual routers pass.
 *
 * The guard looks at every destination address: a raw socket hears unicast and broadcast too. Later
 * fragments are dropped, since the kernel would join them to an advert nobody looked at.
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

/* VRID, or -1 when the packet is too short to hold one. */
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
	COUNT(p, vrrp_seen);
	return PASS;
}

#endif
