/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Steered probes (struct hokm_steer_probe): a peer tests whether its steered frames arrive here.
 * The daemon of the peer sends them; the next answers to its pulses say that one arrived.
 *
 * Only the MAC address tells a steered frame from a client's, so a probe counts only when it comes
 * from the MAC address that the peer signs in its pulses. No host has an address of TEST-NET-1:
 * every TCP packet to a VIP and this node from there ends here.
 */
#ifndef HOKM_BPF_STEER_PROBE_H
#define HOKM_BPF_STEER_PROBE_H

#include "accounting.h"
#include "frame_parse.h"
#include "peer_state.h"
#include "hokm/pulse_tag.h"

/* Steered probes come about every second; within this time one of several has arrived. */
#define STEER_SEEN_NS (3 * 1000000000ULL)

static __always_inline bool is_steer_probe(const struct iphdr *ip)
{
	return (ip->saddr & bpf_htonl(HOKM_STEER_MASK)) == bpf_htonl(HOKM_STEER_NET);
}

/*
 * Did the peer of this slot sign the probe, with one of the secrets? A function of its own as
 * pulse_tag_of().
 */
__noinline int steer_tag_right(const struct hokm_steer_probe *probe, __u32 slot)
{
	__u32 zero = 0;
	const struct hokm_keys *k = bpf_map_lookup_elem(&keys, &zero);
	struct packet p = {};

	if (!k || !probe || !cfg_read(&p))
		return 0;
	slot &= HOKM_MAX_PEERS - 1;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < HOKM_MAX_SECRETS; i++) {
		if (i >= k->n)
			break;
		if (probe->tag ==
		    bpf_cpu_to_be64(hokm_steer_tag(probe, p.cfg->peer[slot].addr.w[3],
						   p.cfg->addr.w[3], k->from[i][slot])))
			return 1;
	}
	return 0;
}

static __always_inline bool steer_tag_ok(const struct packet *p,
					 const struct hokm_steer_probe *probe, __u32 slot)
{
	__u32 place = WORK_IN, at = (__u32)((const void *)probe - (void *)p->eth);
	struct work *w = bpf_map_lookup_elem(&work, &place);

	return w && !bpf_xdp_load_bytes(p->ctx, at, &w->probe, sizeof(w->probe)) &&
	       steer_tag_right(&w->probe, slot);
}

/* Notes a valid probe, unless it is a replay. */
static __always_inline enum verdict steer_probe_note(struct packet *p, struct hokm_peer *peer,
						     const struct hokm_steer_probe *probe)
{
	__u64 nonce = bpf_be64_to_cpu(probe->nonce);
	__u64 sent = bpf_be64_to_cpu(probe->sent_ns);

	if (nonce == peer->steer_nonce && sent <= peer->steer_sent_ns)
		return DROP_FOR(p, drop_steer_probe);
	peer->steer_nonce = nonce;
	peer->steer_sent_ns = sent;
	peer->steer_ns = p->now;
	COUNT(p, steer_probes);
	return CONSUMED;
}

/* A TCP packet to a VIP from TEST-NET-1. */
static __always_inline enum verdict steer_probe_ingress(struct packet *p, enum ip_kind kind)
{
	const struct iphdr *ip = p->l3;
	const struct hokm_steer_probe *probe = (void *)(ip + 1) + sizeof(struct tcphdr);
	struct hokm_peer *peer;
	__u64 mac = 0;
	__u32 slot;

	/* A switch that floods shows the probes of others. */
	if (!mac_equal(p->eth->h_dest, p->cfg->mac))
		return LEAVE_AS(p, other_host);
	if (!account(p, HOKM_NODE_SLOT))
		return PASS;
	clock_read(p);
	p->client = ip->saddr;
	if (kind != IP_WHOLE || ip->ihl != 5 ||
	    ip_payload_len(ip) != sizeof(struct tcphdr) + sizeof(*probe) ||
	    (void *)(probe + 1) > p->end)
		return DROP_FOR(p, drop_steer_probe);
	mac_copy(&mac, p->eth->h_source);
	slot = peer_by_mac(mac);
	peer = peer_get(p, slot);
	if (!peer || probe->magic != bpf_htonl(HOKM_STEER_MAGIC) ||
	    probe->version != HOKM_STEER_VERSION || probe->vrid != p->cfg->vrid ||
	    !steer_tag_ok(p, probe, slot))
		return DROP_FOR(p, drop_steer_probe);
	return steer_probe_note(p, peer, probe);
}

#endif
