/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pulses (struct hokm_pulse). The ingress program answers a peer's probe in place, and stores a
 * peer's answer to a probe of the local daemon in the map peers. No process wakes up for either.
 * Every packet to the pulse port of this node ends here.
 *
 * Invariants
 *  - Nothing changes before source, TTL, version, length, tag, MAC address and freshness have been
 *    checked, in this order (architecture rule 8). Only a wrong tag is noted, for the operator.
 *  - A probe changes nothing but the window against its own replay, the peer's sign of life, and
 * the promise of this node (grant_pulse.h). Only while no daemon of this node asks, for
 * cfg.linger_ns, its state is stored as that of an answer is: so a node that was stopped knows the
 * owner, and steers to it what still comes here.
 *  - An answer counts once, and only for the probes of the present daemon session.
 *  - A peer's lease is never stored with an end that is too early: it is the rest at the moment of
 *    the peer's answer, counted from the moment at which the answer came.
 */
#ifndef HOKM_BPF_PULSE_ANSWER_H
#define HOKM_BPF_PULSE_ANSWER_H

#include "event_send.h"
#include "frame_parse.h"
#include "grant_pulse.h"
#include "peer_state.h"
#include "service_lookup.h"
#include "steer_probe.h"
#include "hokm/pulse_tag.h"

#define PULSE_TTL     255
#define PULSE_UDP_LEN (sizeof(struct udphdr) + sizeof(struct hokm_pulse))
#define PULSE_HEAD    offsetof(struct hokm_pulse, nonce) /* the same in every version */

/* The key of pulses that this node sends; the others are numbers of secrets. */
#define KEY_TO_PEER HOKM_MAX_SECRETS

/*
 * The tag of a pulse between this node and the peer of the slot, on this path: with the key of the
 * peer's pulses by the number of the secret, or with KEY_TO_PEER. A function of its own for the
 * verifier, which would else follow the rounds of SipHash once for each way of headers that leads
 * here. To the verifier pulse may be NULL.
 */
__noinline __u64 pulse_tag_of(const struct hokm_pulse *pulse, __u32 slot, __u32 key, __u32 path)
{
	__u32 zero = 0;
	const struct hokm_keys *k = bpf_map_lookup_elem(&keys, &zero);
	struct packet p = {};
	__be32 peer, own_addr;

	if (!k || !pulse || !cfg_read(&p))
		return 0;
	slot &= HOKM_MAX_PEERS - 1;
	peer = p.cfg->peer[slot].addr.w[3];
	own_addr = p.cfg->addr.w[3];
	if (path != HOKM_PATH_SEGMENT) {
		const struct hokm_path_cfg *way = &p.cfg->path[(path - 1) & (HOKM_MAX_PATHS - 1)];

		peer = way->peer[slot];
		own_addr = way->addr;
	}
	if (key >= HOKM_MAX_SECRETS)
		return hokm_pulse_tag(pulse, own_addr, peer, k->to[slot]);
	return hokm_pulse_tag(pulse, peer, own_addr, k->from[key][slot]);
}

/* The secret, counted from 1, that the peer of the slot signed the pulse with; 0: none of ours. */
__noinline int pulse_secret_of(const struct hokm_pulse *pulse, __u32 slot, __u32 path)
{
	__u32 zero = 0;
	const struct hokm_keys *k = bpf_map_lookup_elem(&keys, &zero);

	if (!k || !pulse)
		return 0;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < HOKM_MAX_SECRETS; i++) {
		if (i >= k->n)
			break;
		if (pulse->tag == bpf_cpu_to_be64(pulse_tag_of(pulse, slot, i, path)))
			return (int)i + 1;
	}
	return 0;
}

/* A copy of the pulse in the packet for the functions that take one, or NULL. */
static __always_inline struct hokm_pulse *pulse_copy(const struct packet *p,
						     const struct hokm_pulse *pulse)
{
	__u32 place = WORK_IN, at = (__u32)((const void *)pulse - (void *)p->eth);
	struct work *w = bpf_map_lookup_elem(&work, &place);

	if (!w || bpf_xdp_load_bytes(p->ctx, at, &w->pulse, sizeof(w->pulse)))
		return NULL;
	return &w->pulse;
}

/*
 * Does it begin as a pulse of another version of hokm-xdp? It may have another length. The version
 * goes into the event of the drop. The head is in the packet or a copy of it.
 */
static __always_inline bool pulse_of_other_version(struct packet *p, const struct hokm_pulse *head)
{
	if (head->magic != bpf_htonl(HOKM_PULSE_MAGIC) || head->version == HOKM_PULSE_VERSION)
		return false;
	p->fault = head->version;
	return true;
}

static __always_inline bool pulse_version_ok(const struct packet *p, const struct hokm_pulse *pulse)
{
	return pulse->magic == bpf_htonl(HOKM_PULSE_MAGIC) &&
	       pulse->version == HOKM_PULSE_VERSION && pulse->vrid == p->cfg->vrid &&
	       (pulse->kind == HOKM_PULSE_PROBE || pulse->kind == HOKM_PULSE_ANSWER);
}

static __always_inline void pulse_fill_services(const struct packet *p, struct hokm_pulse *pulse)
{
#pragma clang loop unroll(full)
	for (int i = 0; i < HOKM_MAX_SERVICES; i++) {
		__u32 slot = i;
		const struct hokm_service *s = bpf_map_lookup_elem(&services, &slot);

		if (!s)
			continue;
		pulse->svc[i].tag = bpf_htonl(s->tag);
		pulse->svc[i].state = s->tag ? s->state : 0;
		pulse->svc[i].flags = s->tag && is_suspect(p, slot) ? HOKM_PULSE_SVC_SUSPECT : 0;
		pulse->svc[i].rsv[0] = 0;
		pulse->svc[i].rsv[1] = 0;
	}
}

/*
 * What the answer to a probe with this nonce says of the ways to this node: from the peer of this
 * slot, and from clients. A function of its own for the verifier, which would else check the rest
 * of the answer once for each combination of flags.
 */
__noinline int pulse_flags(__u32 slot, __u64 nonce, __u64 now)
{
	const struct hokm_peer *peer;
	const struct hokm_own *o;
	struct packet p = {};
	__u32 zero = 0;
	int flags = 0;

	if (!question_packet(&p, now))
		return 0;
	peer = peer_get(&p, slot);
	if (!peer)
		return 0;
	if (within(peer->seen_ns, now, p.cfg->peer_dead_ns) && peer_steerable(slot))
		flags |= HOKM_PULSE_HEARS;
	if (peer->steer_nonce == nonce && within(peer->steer_ns, now, STEER_SEEN_NS))
		flags |= HOKM_PULSE_STEERED;
	o = bpf_map_lookup_elem(&own, &zero);
	if (o && o->misdirected)
		flags |= HOKM_PULSE_MISDIRECTED;
	if (o && o->announces)
		flags |= HOKM_PULSE_ANNOUNCES;
	return flags;
}

/*
 * Makes the peer's probe, of which `copy` is a copy, an answer but for its tag, from the interface
 * with this MAC address. The wish is carried out first. Returns false when there is no state to
 * answer with.
 */
static __always_inline bool pulse_fill(const struct packet *p, struct hokm_pulse *pulse, __u32 slot,
				       struct hokm_pulse *copy, const __u8 *mac)
{
	__u32 zero = 0;
	const struct hokm_own *o = bpf_map_lookup_elem(&own, &zero);
	__u64 until, left, age;

	/* The probe may end the lease. */
	grant_followed(copy, slot, p->now);
	if (!o || !grant_answer(copy, slot, p->now))
		return false;
	until = owner_until();
	pulse->grant = copy->grant;
	left = until > p->now ? until - p->now : 0;
	age = p->now > o->daemon_ns ? p->now - o->daemon_ns : 0;
	pulse->kind = HOKM_PULSE_ANSWER;
	pulse->state = o->state;
	pulse->priority = o->priority;
	pulse->flags = pulse_flags(slot, bpf_be64_to_cpu(pulse->nonce), p->now);
	pulse->lease_left_ns = bpf_cpu_to_be64(left);
	pulse->daemon_age_ns = bpf_cpu_to_be64(age);
	pulse->epoch = bpf_cpu_to_be64(o->epoch);
	mac_copy(pulse->mac, mac);
	pulse_fill_services(p, pulse);
	return true;
}

/* Signs the answer in the packet. */
static __always_inline bool pulse_tag_answer(const struct packet *p, struct hokm_pulse *pulse,
					     __u32 slot)
{
	const struct hokm_pulse *copy = pulse_copy(p, pulse);

	if (!copy)
		return false;
	pulse->tag = bpf_cpu_to_be64(pulse_tag_of(copy, slot, KEY_TO_PEER, HOKM_PATH_SEGMENT));
	return true;
}

/* Turns the frame round to its sender. Swapping the addresses does not change the IP checksum. */
static __always_inline void pulse_turn_round(struct packet *p, struct iphdr *ip, struct udphdr *udp)
{
	__be32 addr = ip->saddr;
	__be16 port = udp->source;

	ip->saddr = ip->daddr;
	ip->daddr = addr;
	udp->source = udp->dest;
	udp->dest = port;
	udp->check = 0;
	mac_copy(p->eth->h_dest, p->eth->h_source);
	mac_copy(p->eth->h_source, p->cfg->mac);
}

/* Stores from which MAC address of the segment the peer's valid pulse came. */
static __always_inline void pulse_note_mac(const struct packet *p, struct hokm_peer *peer,
					   __u32 slot, const struct hokm_pulse *pulse)
{
	if (!mac_equal(peer->mac, pulse->mac))
		mac_copy(peer->mac, pulse->mac);
	/* A witness steers nothing here, and may be the router through which clients come. */
	if (!p->cfg->peer[slot & (HOKM_MAX_PEERS - 1)].witness)
		peer_mac_publish(slot, pulse->mac);
}

/* Stores the state of the peer that a valid pulse contains. */
static __always_inline void pulse_note_state(const struct packet *p, struct hokm_peer *peer,
					     __u32 slot, const struct hokm_pulse *pulse)
{
	__u64 left = bpf_be64_to_cpu(pulse->lease_left_ns);
	__u64 age = bpf_be64_to_cpu(pulse->daemon_age_ns);
	__u64 until = p->now + left;

	peer->state = pulse->state;
	peer->priority = pulse->priority;
	peer->epoch = bpf_be64_to_cpu(pulse->epoch);
	peer->daemon_seen_ns = age < p->now ? p->now - age : 0;
	if (!left)
		peer->lease_until_ns = 0;
	else
		peer->lease_until_ns = until < left ? ~0ULL : until;
	/* A witness has no services. */
	if (p->cfg->peer[slot & (HOKM_MAX_PEERS - 1)].witness)
		return;
#pragma clang loop unroll(full)
	for (int i = 0; i < HOKM_MAX_SERVICES; i++) {
		peer->svc[i].tag = pulse->svc[i].tag;
		peer->svc[i].state = pulse->svc[i].state;
		peer->svc[i].flags = pulse->svc[i].flags;
	}
}

/* Does no daemon of this node ask the peers any more, and did one less than linger_ns ago? */
static __always_inline bool lingers(const struct packet *p)
{
	__u32 zero = 0;
	const struct hokm_own *o = bpf_map_lookup_elem(&own, &zero);

	return o && within(o->daemon_ns, p->now, p->cfg->linger_ns) && !daemon_asks(p);
}

/*
 * Stores the state in a valid probe when there is no daemon that would ask for it. A function of
 * its own for the verifier; to the verifier pulse may be NULL.
 */
__noinline int pulse_told(const struct hokm_pulse *pulse, __u32 slot, __u64 now, __u32 path)
{
	struct hokm_peer *peer;
	struct packet p = {};

	if (!pulse || !question_packet(&p, now) || !lingers(&p))
		return 0;
	peer = peer_get(&p, slot);
	if (!peer)
		return 0;
	if (path == HOKM_PATH_SEGMENT)
		pulse_note_mac(&p, peer, slot, pulse);
	pulse_note_state(&p, peer, slot, pulse);
	return 1;
}

/* A valid probe, of which `copy` is a copy: answered unless it is a replay. */
static __always_inline enum verdict pulse_probe(struct packet *p, struct hokm_peer *peer,
						__u32 slot, struct udphdr *udp,
						struct hokm_pulse *copy)
{
	struct hokm_pulse *pulse = (void *)(udp + 1);
	__u64 nonce = bpf_be64_to_cpu(pulse->nonce);
	__u64 sent = bpf_be64_to_cpu(pulse->sent_ns);

	if (nonce == peer->probe_nonce && sent <= peer->probe_sent_ns)
		return DROP_FOR(p, drop_pulse_replay);
	peer->probe_nonce = nonce;
	peer->probe_sent_ns = sent;
	peer->alive_ns = p->now;
	pulse_told(copy, slot, p->now, HOKM_PATH_SEGMENT);
	if (!pulse_fill(p, pulse, slot, copy, p->cfg->mac) || !pulse_tag_answer(p, pulse, slot))
		return CONSUMED;
	pulse_turn_round(p, p->l3, udp);
	COUNT(p, pulse_probes);
	return REPLY;
}

/*
 * Takes in what the valid and fresh answer of a witness says of the nodes: who answers a witness is
 * not dead (rule 11, docs/architecture.md). A function of its own for the verifier; to the verifier
 * pulse may be NULL.
 */
__noinline int pulse_heard(const struct hokm_pulse *pulse, __u32 slot, __u64 now)
{
	struct packet p = {};
	int n = 0;

	if (!pulse || !question_packet(&p, now))
		return 0;
	slot &= HOKM_MAX_PEERS - 1;
	if (!p.cfg->peer[slot].witness)
		return 0;
	for (int i = 0; i < HOKM_MAX_SERVICES; i++) {
		const struct hokm_pulse_heard *h = &pulse->heard[i];

		if (h->addr)
			n += peer_heard(h->addr, bpf_ntohl(h->age_us) * 1000ULL, now);
	}
	return n;
}

/*
 * Takes in what a valid and fresh answer says of the peer, unless one over another path that
 * belongs to a newer probe was taken in before. Two paths may be served by two CPUs at the same
 * moment: what both write is as one of them says, and right again with the next pulse. A function
 * of its own for the verifier; to the verifier pulse may be NULL.
 */
__noinline int pulse_take_in(const struct hokm_pulse *pulse, __u32 slot, __u64 now)
{
	struct hokm_peer *peer;
	struct packet p = {};
	__u64 sent;

	if (!pulse || !question_packet(&p, now))
		return 0;
	peer = peer_get(&p, slot);
	if (!peer)
		return 0;
	sent = bpf_be64_to_cpu(pulse->sent_ns);
	if (sent <= peer->newest_sent_ns)
		return 0;
	peer->newest_sent_ns = sent;
	peer->flags = pulse->flags;
	pulse_note_state(&p, peer, slot, pulse);
	return 1;
}

/* Takes in all that a valid and fresh answer says, unless a newer one was taken in before. */
static __always_inline void pulse_take_all(const struct hokm_pulse *pulse, __u32 slot, __u64 now)
{
	if (!pulse_take_in(pulse, slot, now))
		return;
	grant_refuted(pulse, slot, now);
	grant_take_in(pulse, slot, now);
	pulse_heard(pulse, slot, now);
}

/*
 * A valid answer: stored unless it is a replay, was held back too long, or belongs to another
 * daemon session.
 */
static __always_inline enum verdict pulse_answer(struct packet *p, struct hokm_peer *peer,
						 __u32 slot, const struct hokm_pulse *pulse,
						 const struct hokm_pulse *copy, int secret)
{
	__u64 nonce = bpf_be64_to_cpu(pulse->nonce);
	__u64 sent = bpf_be64_to_cpu(pulse->sent_ns);

	if (!nonce || nonce != p->cfg->pulse_nonce)
		return DROP_FOR(p, drop_pulse_nonce);
	if (sent <= peer->answer_sent_ns || sent > p->now)
		return DROP_FOR(p, drop_pulse_replay);
	if (!within(sent, p->now, p->cfg->peer_dead_ns))
		return DROP_FOR(p, drop_pulse_late);
	peer->answer_sent_ns = sent;
	peer->secret = secret;
	peer->rtt_ns = p->now - sent;
	peer->answers++;
	pulse_note_mac(p, peer, slot, pulse);
	if (!within(peer->seen_ns, p->now, p->cfg->peer_dead_ns)) {
		peer->since_ns = p->now;
		p->target = slot;
		p->event = HOKM_EV_PEER_UP;
	}
	peer->seen_ns = p->now;
	peer->alive_ns = p->now;
	pulse_take_all(copy, slot, p->now);
	COUNT(p, pulse_answers);
	return CONSUMED;
}

/* A UDP packet to this node's address and the pulse port. */
static __always_inline enum verdict pulse_ingress(struct packet *p, struct udphdr *udp,
						  enum ip_kind kind)
{
	const struct iphdr *ip = p->l3;
	struct hokm_pulse *pulse = (void *)(udp + 1);
	__u32 slot = peer_by_addr(p, ip->saddr);
	struct hokm_peer *peer = peer_get(p, slot);
	struct hokm_pulse *copy;
	int secret;

	clock_read(p);
	p->client = ip->saddr;
	p->client_port = udp->source;
	if (!peer)
		return DROP_FOR(p, drop_pulse_source);
	if (ip->ttl != PULSE_TTL)
		return DROP_FOR(p, drop_pulse_ttl);
	if (kind == IP_WHOLE && (void *)&pulse->nonce <= p->end && pulse_of_other_version(p, pulse))
		return DROP_FOR(p, drop_pulse_version);
	if (kind != IP_WHOLE || ip_payload_len(ip) != PULSE_UDP_LEN ||
	    udp->len != bpf_htons(PULSE_UDP_LEN) || (void *)(pulse + 1) > p->end)
		return DROP_FOR(p, drop_pulse_short);
	if (!pulse_version_ok(p, pulse))
		return DROP_FOR(p, drop_pulse_version);
	copy = pulse_copy(p, pulse);
	secret = copy ? pulse_secret_of(copy, slot, HOKM_PATH_SEGMENT) : 0;
	if (!secret) {
		peer->wrong_tag_ns = p->now;
		return DROP_FOR(p, drop_pulse_tag);
	}
	if (!mac_equal(pulse->mac, p->eth->h_source))
		return DROP_FOR(p, drop_pulse_mac);
	if (pulse->kind == HOKM_PULSE_PROBE)
		return pulse_probe(p, peer, slot, udp, copy);
	return pulse_answer(p, peer, slot, pulse, copy, secret);
}

#endif
