/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which segments of a client may change the entry of their connection.
 *
 * Anybody who knows a client's address and port can send segments in its name, without seeing those
 * of the other direction. So a segment counts only when both its numbers lie where the other
 * direction says that they must (RFC 9293 section 3.10.7.4, RFC 5961 section 5.2): its sequence
 * number near the one that the server expects, its acknowledgement near the newest byte that the
 * server sent.
 *
 *   target is local   The kernel of this node speaks for the server. The egress program notes its
 *                     numbers in `vouched`, in the head of the entry, which ingress reads anyway.
 *                     It does so once in VOUCH_STEP bytes, so that the cache line stays with
 *                     ingress.
 *   target is a peer  The server's segments do not pass this node. The replica gives the first
 *                     numbers, and each segment that fits moves them on (c2s.seq_next, c2s.ack).
 *                     When the client's packets took another way meanwhile, the replica gives
 *                     them once more (vouch_anew() in holder.h).
 *
 *        from - BEHIND     from <= server's ack           newest + AHEAD
 *   seq  ----[-------------|----------------------|-------]----
 *            repeated                          newest byte that fitted
 *
 *        acked - BEHIND                  sent <= server's newest byte     sent + STEP
 *   ack  ----[----------------------------|-------------------------------]----
 *            repeated
 *
 * Windows are fixed and not those that the two ends advertise: their scale stands in the SYN only,
 * which this node may not have seen. They move with the connection, so they need to hold what may
 * arrive out of order or repeated, however much is in flight. A blind segment fits by chance once
 * in 2^29 for a silent local connection, and once in 2^23 for one of a peer.
 *
 * Invariants
 *  - A segment that does not fit changes nothing of the entry, not even a time or a count.
 *  - Nothing fits as long as `vouched` is 0.
 *  - Numbers are compared by differences modulo 2^32.
 */
#ifndef HOKM_BPF_VOUCH_H
#define HOKM_BPF_VOUCH_H

#include "accounting.h"

/* The numbers in `vouched` lie less than this behind those of the server. */
#define VOUCH_STEP (1U << 16)
/* Repeated segments lie less than this behind. */
#define VOUCH_BEHIND (1U << 16)
/* Segments that overtake others lie less than this ahead, counted from a number that may lag. */
#define VOUCH_AHEAD (VOUCH_STEP + (1U << 16))
/*
 * The same where the numbers of the other direction are not seen: what a connection of a game
 * moves between two packets of the client, or within the second that the replica is old.
 */
#define VOUCH_UNSEEN (1U << 20)

static __always_inline __u64 vouch_pack(__u32 client_next, __u32 server_next)
{
	return (__u64)server_next << 32 | client_next;
}

/* Does the number lie in [low, high]? high is less than 2^31 after low. */
static __always_inline bool in_reach(__u32 n, __u32 low, __u32 high)
{
	return n - low <= high - low;
}

/* The connection of a local socket. */
static __always_inline bool fits_server(const struct segment *s, const struct hokm_conn *c,
					__u64 vouched)
{
	__u32 from = vouched, sent = vouched >> 32;
	__u32 newest = from, acked = sent - VOUCH_UNSEEN;

	if (c->c2s.packets) {
		acked = c->c2s.ack;
		if ((__s32)(c->c2s.seq_next - from) > 0)
			newest = c->c2s.seq_next;
	}
	return in_reach(s->seq, from - VOUCH_BEHIND, newest + VOUCH_AHEAD) &&
	       in_reach(s->ack, acked - VOUCH_BEHIND, sent + VOUCH_STEP);
}

/* Numbers of the client as they were last known, when the server's are not seen. */
static __always_inline bool fits_client(const struct segment *s, __u32 seq, __u32 ack)
{
	return in_reach(s->seq, seq - VOUCH_BEHIND, seq + VOUCH_UNSEEN) &&
	       in_reach(s->ack, ack - VOUCH_BEHIND, ack + VOUCH_UNSEEN);
}

/*
 * Will the server accept the client's RST (RFC 5961 section 3.2)? Its sequence number must be that
 * of the next byte, or the server's newest acknowledgement. A RST from a sender that does not see
 * the connection must change nothing (architecture rule 8).
 */
static __always_inline bool rst_is_exact(const struct hokm_conn *c, __u32 seq)
{
	return (c->c2s.packets && seq == c->c2s.seq_next) || (c->s2c.packets && seq == c->s2c.ack);
}

/* May the client's segment, which is no RST, change the entry? */
static __always_inline bool numbers_fit(const struct segment *s, const struct hokm_conn *c)
{
	__u64 vouched = *(const volatile __u64 *)&c->vouched;

	if (!vouched)
		return false;
	if (c->target == HOKM_LOCAL)
		return fits_server(s, c, vouched);
	return fits_client(s, c->c2s.seq_next, c->c2s.ack);
}

/*
 * May the client's segment change the entry? numbers: its acknowledgement in the upper half, its
 * sequence number in the lower. A function of its own for the verifier, for the reason given at
 * event_conn(); to the verifier c may be NULL.
 */
__noinline int segment_fits(const struct hokm_conn *c, __u64 numbers, __u32 rst)
{
	const struct segment s = {.seq = numbers, .ack = numbers >> 32};

	if (!c)
		return 0;
	return rst ? rst_is_exact(c, s.seq) : numbers_fit(&s, c);
}

/* Notes the server's numbers, after a segment of the local server was tracked. */
static __always_inline void vouch_note(const struct segment *s, struct hokm_conn *c)
{
	__u32 from = c->vouched, sent = c->vouched >> 32;

	if (c->target != HOKM_LOCAL || s->flags & TCP_FLAG_RST)
		return;
	if (c->vouched && c->s2c.ack - from < VOUCH_STEP && c->s2c.seq_next - sent < VOUCH_STEP)
		return;
	*(volatile __u64 *)&c->vouched = vouch_pack(c->s2c.ack, c->s2c.seq_next);
}

#endif
