/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pulses over a path beside the segment: a direct cable, or a second network between the nodes
 * (struct hokm_path_cfg). The path ends at another interface of the machine, where the fence runs
 * (fence.h). It answers probes and takes in answers there, as the ingress program does on the
 * interface of the instance (pulse_answer.h), so a path works without the daemon too.
 *
 * Why tc and not XDP: the fence is on each other interface anyway, is put back when another program
 * removes it, and does not meet an XDP program of others. Some thousand pulses in a second would be
 * needed for the difference in cost to matter.
 *
 * Invariants
 *  - The checks are those of the segment, in the same order. The tag covers the addresses of the
 *    path, so a pulse of one path is refused on another one.
 *  - A path is only a sign of life, and brings the state of the peer. Nothing is steered by it: it
 *    never changes hokm_peer.seen_ns, hokm_peer.mac and peer_macs.
 *  - Only pulses to this node's address on the path, on the interface that has it, end here.
 *  - Replication messages to this address come to the daemon only if they pass the guard of the
 *    segment (repl_guard.h), with the address of a peer on this path. What else comes is left
 * alone.
 */
#ifndef HOKM_BPF_PULSE_PATH_H
#define HOKM_BPF_PULSE_PATH_H

#include "pulse_answer.h"
#include "repl_guard.h"

/* The path of this interface that has this address, or HOKM_PATH_SEGMENT for none. */
static __always_inline __u32 path_of(const struct hokm_cfg *c, __u32 ifindex, __be32 addr)
{
#pragma clang loop unroll(full)
	for (int i = 0; i < HOKM_MAX_PATHS; i++)
		if (c->path[i].ifindex == ifindex && c->path[i].addr == addr)
			return i + 1;
	return HOKM_PATH_SEGMENT;
}

static __always_inline const struct hokm_path_cfg *path_cfg(const struct packet *p, __u32 path)
{
	return &p->cfg->path[(path - 1) & (HOKM_MAX_PATHS - 1)];
}

/* Slot of the peer that has this address on the path, or HOKM_NO_PEER. */
static __always_inline __u8 path_peer_by_addr(const struct packet *p, __u32 path, __be32 addr)
{
	const struct hokm_path_cfg *way = path_cfg(p, path);

#pragma clang loop unroll(full)
	for (int i = 0; i < HOKM_MAX_PEERS; i++)
		if (addr && way->peer[i] == addr && p->cfg->peer[i].used)
			return i;
	return HOKM_NO_PEER;
}

/* A valid probe: answered in `copy`, unless it is a replay. */
static __always_inline enum verdict path_probe(struct packet *p, __u32 path, __u32 slot,
					       struct hokm_path_peer *on, struct hokm_pulse *copy)
{
	__u64 nonce = bpf_be64_to_cpu(copy->nonce), sent = bpf_be64_to_cpu(copy->sent_ns);
	struct hokm_peer *peer = peer_get(p, slot);

	if (!peer)
		return CONSUMED;
	if (nonce == on->probe_nonce && sent <= on->probe_sent_ns)
		return DROP_FOR(p, drop_pulse_replay);
	on->probe_nonce = nonce;
	on->probe_sent_ns = sent;
	peer->alive_ns = p->now;
	pulse_told(copy, slot, p->now, path);
	if (!pulse_fill(p, copy, slot, copy, path_cfg(p, path)->mac))
		return CONSUMED;
	copy->tag = bpf_cpu_to_be64(pulse_tag_of(copy, slot, KEY_TO_PEER, path));
	COUNT(p, pulse_probes);
	return REPLY;
}

/* A valid answer: noted unless it is a replay, is late, or belongs to another daemon session. */
static __always_inline enum verdict path_answer(
	struct packet *p, __u32 slot, struct hokm_path_peer *on, const struct hokm_pulse *copy)
{
	__u64 nonce = bpf_be64_to_cpu(copy->nonce), sent = bpf_be64_to_cpu(copy->sent_ns);
	struct hokm_peer *peer = peer_get(p, slot);

	if (!peer)
		return CONSUMED;
	if (!nonce || nonce != p->cfg->pulse_nonce)
		return DROP_FOR(p, drop_pulse_nonce);
	if (sent <= on->answer_sent_ns || sent > p->now)
		return DROP_FOR(p, drop_pulse_replay);
	if (!within(sent, p->now, p->cfg->peer_dead_ns))
		return DROP_FOR(p, drop_pulse_late);
	on->answer_sent_ns = sent;
	on->rtt_ns = p->now - sent;
	on->seen_ns = p->now;
	on->answers++;
	peer->alive_ns = p->now;
	pulse_take_all(copy, slot, p->now);
	COUNT(p, pulse_answers);
	return CONSUMED;
}

/*
 * Writes the answer over the probe and sends it back. The kernel may have left the checksum of the
 * probe to be completed later; there is none in the answer, and its receiver looks for none.
 */
static __always_inline bool path_reply(struct __sk_buff *skb, const struct packet *p,
				       const struct udphdr *udp, __u32 l4,
				       const struct hokm_pulse *pulse, const __u8 *mac)
{
	const struct iphdr *ip = p->l3;
	const __u32 l3 = sizeof(struct ethhdr);
	struct {
		__u8 to[ETH_ALEN], from[ETH_ALEN];
	} macs;
	__be32 addrs[2] = {ip->daddr, ip->saddr};
	__be16 ports[2] = {udp->dest, udp->source};
	__be16 none = 0;

	mac_copy(macs.to, p->eth->h_source);
	mac_copy(macs.from, mac);
	return !bpf_skb_store_bytes(skb, 0, &macs, sizeof(macs), 0) &&
	       !bpf_skb_store_bytes(skb, l3 + offsetof(struct iphdr, saddr), addrs, sizeof(addrs),
				    0) &&
	       !bpf_skb_store_bytes(skb, l4, ports, sizeof(ports), 0) &&
	       !bpf_skb_store_bytes(skb, l4 + offsetof(struct udphdr, check), &none, sizeof(none),
				    0) &&
	       !bpf_skb_store_bytes(skb, l4 + sizeof(*udp), pulse, sizeof(*pulse), 0);
}

/* A pulse to this node over the path. The head of the packet lies in the linear part. */
static __always_inline enum verdict path_pulse(struct packet *p, struct __sk_buff *skb, __u32 path,
					       const struct udphdr *udp, enum ip_kind kind)
{
	const struct iphdr *ip = p->l3;
	__u32 l4 = sizeof(struct ethhdr) + ip_header_len(ip);
	__u32 slot = path_peer_by_addr(p, path, ip->saddr);
	__u32 place = WORK_IN, key = HOKM_PATH_KEY(path, slot);
	struct work *w = bpf_map_lookup_elem(&work, &place);
	struct hokm_path_peer *on;
	struct hokm_peer *peer;
	enum verdict v;

	clock_read(p);
	p->client = ip->saddr;
	p->client_port = udp->source;
	peer = peer_get(p, slot);
	on = bpf_map_lookup_elem(&path_peers, &key);
	if (!w || !peer || !on)
		return DROP_FOR(p, drop_pulse_source);
	if (ip->ttl != PULSE_TTL)
		return DROP_FOR(p, drop_pulse_ttl);
	if (kind == IP_WHOLE &&
	    !bpf_skb_load_bytes(skb, l4 + sizeof(*udp), &w->pulse, PULSE_HEAD) &&
	    pulse_of_other_version(p, &w->pulse))
		return DROP_FOR(p, drop_pulse_version);
	if (kind != IP_WHOLE || ip_payload_len(ip) != PULSE_UDP_LEN ||
	    udp->len != bpf_htons(PULSE_UDP_LEN) ||
	    bpf_skb_load_bytes(skb, l4 + sizeof(*udp), &w->pulse, sizeof(w->pulse)))
		return DROP_FOR(p, drop_pulse_short);
	if (!pulse_version_ok(p, &w->pulse))
		return DROP_FOR(p, drop_pulse_version);
	if (!pulse_secret_of(&w->pulse, slot, path)) {
		peer->wrong_tag_ns = p->now;
		return DROP_FOR(p, drop_pulse_tag);
	}
	if (!mac_equal(w->pulse.mac, p->eth->h_source))
		return DROP_FOR(p, drop_pulse_mac);
	if (w->pulse.kind == HOKM_PULSE_ANSWER)
		return path_answer(p, slot, on, &w->pulse);
	v = path_probe(p, path, slot, on, &w->pulse);
	if (v == REPLY && !path_reply(skb, p, udp, l4, &w->pulse, path_cfg(p, path)->mac))
		v = CONSUMED;
	return v;
}

/* An IPv4 packet on another interface: a pulse, a replication message, or PASS. */
static __always_inline enum verdict path_ingress(struct packet *p, struct __sk_buff *skb)
{
	const struct iphdr *ip = p->l3;
	enum ip_kind kind = parse_ipv4(p);
	const struct udphdr *udp;
	__u32 path;

	if (kind == IP_SHORT)
		return MORE;
	if (kind == IP_BAD || ip->protocol != IPPROTO_UDP || !is_first_fragment(ip))
		return PASS;
	path = path_of(p->cfg, skb->ifindex, ip->daddr);
	if (path == HOKM_PATH_SEGMENT)
		return PASS;
	udp = p->l3 + ip_header_len(ip);
	if ((void *)(udp + 1) > p->end)
		return MORE;
	if ((udp->dest != p->cfg->pulse_port && udp->dest != p->cfg->repl_port) ||
	    !account(p, HOKM_NODE_SLOT))
		return PASS;
	if (udp->dest != p->cfg->pulse_port)
		return repl_judge(p, udp, kind, path_peer_by_addr(p, path, ip->saddr));
	return path_pulse(p, skb, path, udp, kind);
}

#endif
