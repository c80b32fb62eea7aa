/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Grants in pulses, both sides: what this node as a member answers to the wish in a peer's probe
 * (hokm/grant.h), and how it counts a member's answer to its own wish (hokm/grant_count.h).
 *
 * What others say of their promises may also prove that the clock of this node stood still: then
 * its own grants end here, at once (hokm_grants_void()).
 *
 * Invariants
 *  - The pulse has passed all checks of pulse_answer.h, those against replay too. A wish passes a
 *    window of its own besides, which a new session of the peer's daemon does not open.
 *  - The promise of this node to itself is made by its daemon; this program only counts it.
 *  - The moment of a packet was read before its wish is carried out: a promise of another owner
 *    counts a little longer for it, and its own begins after its probe was sent.
 */
#ifndef HOKM_BPF_GRANT_PULSE_H
#define HOKM_BPF_GRANT_PULSE_H

#include "peer_state.h"

/* The address of the node that has a promise of this node; `member` is this node's number of it. */
static __always_inline __be32 grant_holder(const struct packet *p, __u32 member)
{
	__u32 slot = member - HOKM_GRANT_PEER(0);

	if (member == HOKM_GRANT_SELF)
		return p->cfg->addr.w[3];
	if (member < HOKM_GRANT_PEER(0) || slot >= HOKM_MAX_PEERS)
		return 0;
	barrier_var(slot);
	slot &= HOKM_MAX_PEERS - 1;
	return p->cfg->peer[slot].used ? p->cfg->peer[slot].addr.w[3] : 0;
}

/* Writes into an answer which node has the promise of this node now. */
static __always_inline void grant_fill_holder(const struct packet *p, struct hokm_pulse_grant *out,
					      __u64 word)
{
	__u64 until = hokm_grant_until_ns(word);

	out->holder = 0;
	out->left_us = 0;
	if (p->now >= until)
		return;
	out->holder = grant_holder(p, hokm_grant_member(word));
	out->left_us = bpf_htonl((until - p->now + 999) / 1000);
}

/*
 * What ends by the proof that this node's clock stood still; below is 0 when there is none.
 * `owner`: who was granted meanwhile.
 */
static __always_inline void grant_end(struct packet *p, struct hokm_grants *g, __u64 below,
				      __be32 owner)
{
	if (!below || !hokm_grants_void(g, below, owner, p->now))
		return;
	if (account(p, HOKM_NODE_SLOT))
		COUNT(p, clock_stood);
}

/* Does a daemon of this node ask the peers? It was not stopped, and shows signs of life. */
static __always_inline bool daemon_asks(const struct packet *p)
{
	__u32 zero = 0;
	const struct hokm_own *o = bpf_map_lookup_elem(&own, &zero);

	return o && p->cfg->pulse_nonce && within(o->daemon_ns, p->now, p->cfg->daemon_stale_ns);
}

/*
 * A valid and fresh probe of the peer of the slot may say that it owns by grants, by a wish that
 * began after that of this node. A function of its own for the verifier, as those below, and called
 * before grant_answer(): the verifier counts the stacks of nested calls together.
 *
 * The probe alone is no proof. It may be one of an earlier daemon of the peer that was recorded,
 * and when the whole group has booted its epoch is greater than any of now. So the lease of the
 * peer must run too, as it has answered a question of this node's daemon: nobody else can make such
 * an answer, nor repeat it. While no daemon asks, as in an upgrade, the probe is believed.
 */
__noinline int grant_followed(const struct hokm_pulse *pulse, __u32 slot, __u64 now)
{
	__u32 zero = 0;
	struct hokm_grants *g = bpf_map_lookup_elem(&grants, &zero);
	const struct hokm_peer *peer;
	struct packet p = {};

	if (!g || !pulse || pulse->grant.wish != HOKM_WISH_OWN || !pulse->lease_left_ns ||
	    !question_packet(&p, now))
		return 0;
	slot &= HOKM_MAX_PEERS - 1;
	peer = peer_get(&p, slot);
	if (!peer || (daemon_asks(&p) && p.now >= peer->lease_until_ns))
		return 0;
	grant_end(&p, g, hokm_grants_followed(g, bpf_be64_to_cpu(pulse->grant.wish_epoch)),
		  p.cfg->peer[slot].addr.w[3]);
	return 1;
}

/*
 * Carries out the wish of a valid and fresh probe from the peer of the slot, and turns its part
 * about grants into the answer. A function of its own for the verifier; to the verifier pulse may
 * be NULL.
 */
__noinline int grant_answer(struct hokm_pulse *pulse, __u32 slot, __u64 now)
{
	__u32 zero = 0;
	struct hokm_grants *g = bpf_map_lookup_elem(&grants, &zero);
	struct hokm_pulse_grant *out;
	struct hokm_wished *newest;
	struct hokm_grant_ask ask;
	struct packet p = {};

	if (!g || !pulse || !question_packet(&p, now))
		return 0;
	out = &pulse->grant;
	slot &= HOKM_MAX_PEERS - 1;
	newest = &g->member[slot].wished;
	ask.member = HOKM_GRANT_PEER(slot);
	ask.wish = out->wish;
	ask.epoch = bpf_be64_to_cpu(out->epoch);
	ask.length_ns = bpf_ntohl(out->length_us) * 1000ULL;
	out->verdict = hokm_grant_take_wish(
		&g->own, newest, &ask, bpf_be64_to_cpu(pulse->sent_ns), now);
	out->wish_epoch = out->epoch;
	out->epoch = bpf_cpu_to_be64(hokm_grant_seen_epoch(&g->own, newest));
	if (out->verdict != HOKM_VERDICT_GRANTED)
		ask.length_ns = g->own.longest_ns;
	out->length_us = bpf_htonl(ask.length_ns / 1000);
	out->rsv[0] = out->rsv[1] = 0;
	grant_fill_holder(&p, out, HOKM_GRANT_READ(&g->own.word));
	return 1;
}

/*
 * Which node has the promise of the member, as its answer says. That to a node that was removed
 * from the member's file runs on, and is nobody's.
 */
static __always_inline enum hokm_promised grant_promised(const struct packet *p,
							 const struct hokm_pulse_grant *in)
{
	if (!in->left_us || !in->holder)
		return HOKM_PROMISED_NOBODY;
	return in->holder == p->cfg->addr.w[3] ? HOKM_PROMISED_US : HOKM_PROMISED_OTHER;
}

/* Notes which other node has the promise of the member, as its answer says. */
static __always_inline void grant_note_holder(const struct packet *p, struct hokm_granted *m,
					      const struct hokm_pulse_grant *in)
{
	__u64 left = bpf_ntohl(in->left_us) * 1000ULL;

	if (!left || in->holder == p->cfg->addr.w[3]) {
		m->held_until_ns = 0;
		m->holder = 0;
		return;
	}
	m->holder = in->holder;
	m->held_until_ns = p->now + left;
}

/*
 * A valid and fresh answer of the peer of the slot may say that its promise to this node is over. A
 * function of its own as above, called before grant_take_in().
 */
__noinline int grant_refuted(const struct hokm_pulse *pulse, __u32 slot, __u64 now)
{
	__u32 zero = 0;
	struct hokm_grants *g = bpf_map_lookup_elem(&grants, &zero);
	enum hokm_promised whose;
	struct packet p = {};

	if (!g || !pulse || !question_packet(&p, now))
		return 0;
	whose = grant_promised(&p, &pulse->grant);
	grant_end(&p, g,
		  hokm_grants_refuted(g, slot, whose, bpf_be64_to_cpu(pulse->grant.epoch),
				      bpf_be64_to_cpu(pulse->sent_ns), now),
		  whose == HOKM_PROMISED_OTHER ? pulse->grant.holder : 0);
	return 1;
}

/*
 * Takes in what a valid and fresh answer of the peer of the slot says of grants. A function of its
 * own as above.
 */
__noinline int grant_take_in(const struct hokm_pulse *pulse, __u32 slot, __u64 now)
{
	__u32 zero = 0;
	struct hokm_grants *g = bpf_map_lookup_elem(&grants, &zero);
	const struct hokm_pulse_grant *in;
	struct hokm_granted *m;
	struct packet p = {};
	__u64 length;

	if (!g || !pulse || !question_packet(&p, now))
		return 0;
	in = &pulse->grant;
	slot &= HOKM_MAX_PEERS - 1;
	m = &g->member[slot];
	length = bpf_ntohl(in->length_us) * 1000ULL;
	grant_note_holder(&p, m, in);
	m->seen_epoch = bpf_be64_to_cpu(in->epoch);
	m->verdict = in->verdict;
	if (in->verdict != HOKM_VERDICT_GRANTED)
		m->longest_ns = length;
	if (in->verdict == HOKM_VERDICT_GRANTED && in->wish == HOKM_WISH_OWN) {
		/* Before it counts: a CPU that sees the end finds this moment, or a later one. */
		*(volatile __u64 *)&g->stood.granted_ns[slot] = now;
		hokm_grants_note(g, slot, bpf_be64_to_cpu(in->wish_epoch),
				 bpf_be64_to_cpu(pulse->sent_ns) + hokm_grant_used_ns(length));
	}
	m->answered_ns = now;
	return 1;
}

#endif
