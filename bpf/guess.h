/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets that nothing vouches for and that a peer may still want.
 *
 * A guess is a packet of a connection that no map, no socket and no replica knows: an alive peer
 * may hold it all the same. Guesses are given while that can be true:
 *
 *   - the daemon wants it (own.guess_until_ns): the replica of an alive peer is not complete, or
 *     ownership changed within the last second, so that the newest connections may not be
 *     replicated yet;
 *   - the daemon shows no sign of life. Then nobody brings the replica up to date, and a guess too
 *     many costs a peer a few packets, while one too few would end an intact connection;
 *   - new connections go to a peer, and a flood of SYNs replaces their half-open entries before the
 *     handshake is complete. Then the packet may be the ACK of a handshake.
 *
 * Otherwise the packet is nobody's, and the local kernel answers it.
 *
 * A guess is never entered into conns. The map guesses remembers the peer, so that the packets that
 * follow cost the limits nothing. New guesses are limited for each /24 of the clients, and in all;
 * the packets of one guess are limited too. What is over a limit is dropped and not answered,
 * because TCP repeats what an intact connection sent.
 *
 * A stray is a packet whose numbers do not fit the entry of a connection that a peer holds. Only
 * the holder can judge it, but a flood of them must not reach the holder. While guesses are given
 * the numbers of an entry may be old, because no replica corrects them. Then a stray may be the
 * player's own, and more of them go on, with a limit for each /24, as guesses have one. All that
 * such a time lets through to peers is less than 1,000 packets in a window of a second for new
 * guesses, strays and ICMP errors together.
 */
#ifndef HOKM_BPF_GUESS_H
#define HOKM_BPF_GUESS_H

#include "half_open.h"
#include "peer_state.h"
#include "rate_limit.h"
#include "steer.h"

#define GUESSES_PER_SECOND 400 /* new ones */
#define GUESSES_A_PREFIX   200 /* new ones of the clients of one /24 */
#define PACKETS_A_GUESS    256
#define STRAYS_PER_SECOND  200
#define STRAYS_GUESSED     350 /* while guesses are given */
#define STRAYS_A_PREFIX    200 /* the same, of the clients of one /24 */
#define PREFIX_MASK        bpf_htonl(0xffffff00)

static __always_inline bool guesses_given(const struct packet *p)
{
	__u32 zero = 0;
	const struct hokm_own *o = bpf_map_lookup_elem(&own, &zero);

	return o && (p->now < o->guess_until_ns ||
		     !within(o->daemon_ns, p->now, p->cfg->daemon_stale_ns));
}

/* The place of a client's network among RATE_PREFIXES. */
static __always_inline __u32 prefix_place(const struct packet *p, __be32 client)
{
	__u64 h = hokm_hash_step(p->cfg->hash_seed, client & PREFIX_MASK) * HOKM_HASH_MULT_2;

	return h >> 32 & (RATE_PREFIXES - 1);
}

/* May a new guess be given to this client? */
static __always_inline bool guess_allowed(const struct packet *p, __be32 client)
{
	return rate_allowed(RATE_PREFIX + prefix_place(p, client), p->now, GUESSES_A_PREFIX) &&
	       rate_allowed(RATE_GUESS, p->now, GUESSES_PER_SECOND);
}

/* The packet is over a limit; beside HOLDER_ALIVE and HOLDER_DEAD. */
#define GUESS_LIMITED 0x400

/*
 * The alive peer that gets a packet of an unknown connection, HOKM_NO_PEER when it is nobody's, or
 * GUESS_LIMITED. A function of its own for the verifier, for the reason given at event_conn().
 */
__noinline int guess_peer(const struct hokm_conn_key *k, __u64 now, __u32 likely)
{
	struct hokm_conn_key key;
	struct guess fresh = {};
	struct packet p = {};
	struct guess *g;

	if (!k || !question_packet(&p, now))
		return HOKM_NO_PEER;
	if (likely == HOKM_NO_PEER && guesses_given(&p))
		likely = first_alive_peer(&p);
	fresh.peer = likely;
	if (fresh.peer == HOKM_NO_PEER)
		return HOKM_NO_PEER;
	key = *k;
	g = bpf_map_lookup_elem(&guesses, &key);
	if (g) {
		if (!peer_alive(&p, g->peer))
			g->peer = fresh.peer;
		return rate_take_shared(&g->rate, now, PACKETS_A_GUESS) ? g->peer : GUESS_LIMITED;
	}
	if (!guess_allowed(&p, key.client.w[3]))
		return GUESS_LIMITED;
	/* Without a place in the map the next packet is a new guess. */
	(void)bpf_map_update_elem(&guesses, &key, &fresh, BPF_ANY);
	return fresh.peer;
}

/*
 * The peer that got the SYN of the connection, if an entry in half_open may have named it and was
 * replaced: both places have entries that are younger than a handshake may take. Else HOKM_NO_PEER.
 */
#define HANDSHAKE_NS (10 * NS_PER_SECOND)
__noinline int lost_syn_peer(const struct hokm_conn_key *k, __u64 now)
{
	const struct hokm_half_open_set *set;
	struct packet p = {};
	__u32 oldest, target;

	if (!k || !question_packet(&p, now))
		return HOKM_NO_PEER;
	set = half_open_set(&p, k);
	oldest = half_open_oldest(set) & (HOKM_HALF_OPEN_WAYS - 1);
	if (!set || !within(set->way[oldest].created_ns, now, HANDSHAKE_NS))
		return HOKM_NO_PEER;
	target = syn_target(k->service, now);
	return target == HOKM_LOCAL ? HOKM_NO_PEER : target;
}

/*
 * May a stray of this client go to this target? A stray is also a SYN of a connection that exists:
 * its holder answers it with a challenge ACK (RFC 5961 section 4).
 */
__noinline int stray_allowed(__u64 now, __u32 target, __be32 client)
{
	struct packet p = {};

	if (target == HOKM_LOCAL)
		return 1;
	if (!question_packet(&p, now))
		return 0;
	if (!guesses_given(&p))
		return rate_allowed(RATE_STRAY, now, STRAYS_PER_SECOND);
	return rate_allowed(RATE_STRAY_PREFIX + prefix_place(&p, client), now, STRAYS_A_PREFIX) &&
	       rate_allowed(RATE_STRAY, now, STRAYS_GUESSED);
}

#endif
