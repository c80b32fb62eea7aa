/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TCP from clients to a service: where each packet goes (the table of DESIGN section 4), with the
 * connection tracked on the way. In the order in which a packet meets them:
 *
 *   syn_ingress        a new connection, or the repetition of one
 *   known_ingress      an entry in conns: the fast path, one look-up; the ACK that completes a
 *                      handshake moves its entry there first (half_open_complete)
 *   handshake_ingress  an entry in half_open that stays one
 *   unknown_ingress    no entry: local socket, else second chance: its holder by the replica, or a
 * guess
 *
 * Rules that hold throughout: what lives in a local socket is given to it, owner or not; what came
 * from a peer's MAC is never steered again; whose holder is dead is told so at once (replica.h).
 */
#ifndef HOKM_BPF_TCP_INGRESS_H
#define HOKM_BPF_TCP_INGRESS_H

#include "half_open.h"
#include "syn_replay.h"
#include "holder.h"
#include "frame_parse.h"
#include "service_lookup.h"
#include "socket_lookup.h"
#include "steer.h"

/* On to a peer if it lives; else the client is told, unless the connection lives here after all. */
static __always_inline enum verdict to_target(struct packet *p, __u8 target)
{
	if (target == HOKM_LOCAL)
		return PASS;
	p->target = target;
	if (peer_alive(p, target)) {
		COUNT(p, steered_conn);
		return STEER;
	}
	return DEAD;
}

/*
 * An entry that says "peer" for a packet that a peer sent here is wrong: two nodes would play
 * ping-pong.
 */
static __always_inline void note_arrival(struct packet *p, struct hokm_conn *c, bool steered)
{
	if (!steered)
		return;
	COUNT(p, steered_in);
	c->flags |= HOKM_CONN_STEERED_IN;
	if (c->target == HOKM_LOCAL)
		return;
	c->target = HOKM_LOCAL;
	change_send(p, HOKM_CHANGE_OPEN);
}

static __always_inline enum verdict known_ingress(struct packet *p, struct hokm_conn *c)
{
	note_arrival(p, c, arrived_steered(p));
	conn_track_in(p, c);
	return to_target(p, c->target);
}

/*
 * The client said FIN, and now SYN from the same port: another connection, which goes where new
 * ones go. A node that only steers never sees the server's FIN, so that its entry has not ended.
 */
static __always_inline bool client_reuses_port(const struct packet *p, const struct hokm_conn *c)
{
	return c->target != HOKM_LOCAL && c->tcp_state == HOKM_TCP_FIN_CLIENT &&
	       c->isn != p->seg.seq;
}

/*
 * A SYN of a connection in conns that has not ended: whether it still lives where the entry says.
 */
static __always_inline bool syn_is_known(const struct packet *p, const struct hokm_conn_key *k,
					 const struct hokm_conn *c, bool steered)
{
	if (conn_ended(c) || client_reuses_port(p, c))
		return false;
	if (c->target == HOKM_LOCAL || steered)
		return socket_of(p) == SOCKET_LIVE;
	/*
	 * Its end may have gone by without this node: a peer that takes nobody new gets only what
	 * it still holds.
	 */
	if (peer_service(p, c->target, service_tag(p)) != PEER_NOT_UP)
		return true;
	return holder_find(k, p->now) == (c->target | HOLDER_ALIVE);
}

static __always_inline enum verdict syn_deliver(struct packet *p, __u8 target, bool steered,
						bool owner)
{
	if (target == HOKM_LOCAL) {
		COUNT(p, syn_local);
		if (steered)
			COUNT(p, syn_steered_in);
		return PASS;
	}
	p->target = target;
	if (owner)
		COUNT(p, steered_syn);
	else
		COUNT(p, steered_owner);
	return STEER;
}

/* Enters a new SYN, or one that goes another way than before; its repetition is only counted. */
static __always_inline void half_open_enter(struct packet *p, const struct hokm_conn_key *k,
					    struct hokm_half_open_set *set,
					    struct hokm_half_open *half, __u8 target, bool steered)
{
	__u8 flags = steered ? HOKM_CONN_STEERED_IN : 0;

	if (half && half->isn == p->seg.seq) {
		if (half->target == target) {
			half->flags |= flags;
			half_open_count_in(half, p);
			return;
		}
		flags |= half->flags & HOKM_CONN_REPLAYED;
	}
	if (target != HOKM_LOCAL) {
		p->event = HOKM_EV_STEERED;
		p->target = target;
		p->tcp_state = HOKM_TCP_SYN;
	}
	if (!half)
		half = half_open_place(p, set);
	if (!half)
		return;
	half_open_init(half, p, k, target, flags);
	if (target == HOKM_LOCAL && !steered)
		half->syn_kept = syn_keep(p->ctx, half_open_syn(half), p->l3 - (void *)p->eth);
	half_open_count_in(half, p);
}

static __always_inline enum verdict syn_ingress(struct packet *p, const struct hokm_conn_key *k)
{
	bool steered = arrived_steered(p);
	__u32 zero = 0;
	struct hokm_own *o = bpf_map_lookup_elem(&own, &zero);
	/*
	 * Before the look-up in conns on purpose: both miss the caches, and so they miss together.
	 */
	struct hokm_half_open_set *set = half_open_set(p, k);
	struct hokm_half_open *half = half_open_find(set, k);
	struct hokm_conn *c = bpf_map_lookup_elem(&conns, k);
	bool owner = o && p->now < o->lease_until_ns;
	__u8 target = HOKM_LOCAL;

	COUNT(p, syn);
	if (steered)
		COUNT(p, steered_in);
	if (c) {
		if (syn_is_known(p, k, c, steered))
			return syn_deliver(p, steered ? HOKM_LOCAL : c->target, steered, owner);
		wait_give_up(p, c);
		if (!conn_ended(c))
			change_send(p, HOKM_CHANGE_CLOSE);
		bpf_map_delete_elem(&conns, k);
	}
	if (!steered) {
		if (half && target_holds(p, half, owner))
			target = half->target;
		else
			target = o ? target_of_new(p, o, owner) : TARGET_NONE;
	}
	if (target == TARGET_NONE)
		return DROP_FOR(p, drop_syn_fenced);
	half_open_enter(p, k, set, half, target, steered);
	return syn_deliver(p, target, steered, owner);
}

/* Found in a local socket, or given its second chance: entered as it is met. */
static __always_inline void conn_enter(struct packet *p, const struct hokm_conn_key *k, __u8 target)
{
	struct hokm_conn *c = conn_work();

	if (!c)
		return;
	conn_init(c, p, HOKM_TCP_ESTABLISHED, target, HOKM_CONN_ADOPTED | HOKM_CONN_OPENED);
	flow_track(&c->c2s, p);
	if (conn_store(p, k, c) && target == HOKM_LOCAL)
		change_send(p, HOKM_CHANGE_OPEN);
}

/*
 * To the peer that told of the connection; nobody did: to the best one that lives, for it may know.
 */
static __always_inline enum verdict second_chance(struct packet *p, const struct hokm_conn_key *k)
{
	int chance = holder_find(k, p->now);
	__u8 target = chance & 0xff;

	p->target = target;
	if (chance & HOLDER_DEAD)
		return DEAD;
	if (target == HOKM_NO_PEER) {
		COUNT(p, unknown_pass);
		return PASS;
	}
	if (chance & HOLDER_ALIVE)
		COUNT(p, steered_holder);
	COUNT(p, second_chance);
	p->target = target;
	p->event = HOKM_EV_SECOND_CHANCE;
	p->tcp_state = HOKM_TCP_ESTABLISHED;
	if (!(p->seg.flags & TCP_FLAG_RST))
		conn_enter(p, k, target);
	return STEER;
}

/*
 * A half-open entry that this packet does not belong to: of a SYN that anybody may have sent, or of
 * an attempt that came to nothing long ago, while a peer has told that it holds the connection.
 */
#define HANDSHAKE_BYTES (1U << 20)
static __always_inline bool half_open_is_foreign(
	const struct packet *p, const struct hokm_conn_key *k, const struct hokm_half_open *half)
{
	return half && p->seg.seq - half->isn > HANDSHAKE_BYTES &&
	       holder_find(k, p->now) & (HOLDER_ALIVE | HOLDER_DEAD);
}

/* half: this node's own half-open entry, when the packet did not complete it. */
static __always_inline enum verdict unknown_ingress(struct packet *p, const struct hokm_conn_key *k,
						    struct hokm_half_open *half)
{
	enum socket_here here = socket_of(p);
	bool steered = arrived_steered(p);

	if (steered)
		COUNT(p, steered_in);
	if (!steered && here != SOCKET_LIVE && half_open_is_foreign(p, k, half))
		return second_chance(p, k);
	if (here == SOCKET_BRIEF || here == SOCKET_LIVE) {
		COUNT(p, local_socket);
		if (here == SOCKET_LIVE && !(p->seg.flags & TCP_FLAG_RST)) {
			conn_enter(p, k, HOKM_LOCAL);
			if (half)
				half_open_free(half);
		}
		return PASS;
	}
	if (steered || half) {
		COUNT(p, unknown_pass);
		return PASS;
	}
	return second_chance(p, k);
}

/*
 * Does the packet prove that the handshake is complete? For a local server it must acknowledge the
 * SYN-ACK that egress saw, so that a forger who never saw it fills no table.
 */
static __always_inline bool completes_handshake(const struct packet *p,
						const struct hokm_half_open *half)
{
	if (!(p->seg.flags & TCP_FLAG_ACK) || p->seg.flags & TCP_FLAG_RST ||
	    p->seg.seq != half->isn + 1)
		return false;
	if (half->target != HOKM_LOCAL)
		return true;
	return half->tcp_state == HOKM_TCP_SYN_ACK && p->seg.ack == half->server_next;
}

/* The client gives up; only with the exact number (RFC 5961 section 3.2). */
static __always_inline void half_open_client_reset(struct packet *p, struct hokm_half_open *half)
{
	if (p->seg.seq != half->isn + 1)
		return;
	COUNT(p, rst_client);
	half_open_free(half);
}

/* Half-open no more: the entry moves to conns. NULL: no room there. */
static __always_inline struct hokm_conn *half_open_complete(
	struct packet *p, const struct hokm_conn_key *k, struct hokm_half_open *half)
{
	struct hokm_conn *c = conn_work();

	if (!c)
		return NULL;
	half_open_to_conn(half, p, c);
	c->tcp_state = HOKM_TCP_ESTABLISHED;
	conn_opened(p, c);
	if (!conn_store(p, k, c))
		return NULL;
	if (half->target == HOKM_LOCAL)
		change_send(p, HOKM_CHANGE_OPEN);
	half_open_free(half);
	return bpf_map_lookup_elem(&conns, k);
}

/*
 * A packet that does not complete the handshake of its half-open entry, or finds no room in conns.
 */
static __always_inline enum verdict handshake_ingress(
	struct packet *p, const struct hokm_conn_key *k, struct hokm_half_open *half)
{
	bool steered;
	__u8 target;

	if (half->target == HOKM_LOCAL && !(p->seg.flags & TCP_FLAG_RST) &&
	    !completes_handshake(p, half))
		return unknown_ingress(p, k, half);
	steered = arrived_steered(p);
	if (steered) {
		COUNT(p, steered_in);
		half->target = HOKM_LOCAL;
		half->flags |= HOKM_CONN_STEERED_IN;
	} else if (half_open_is_foreign(p, k, half)) {
		return second_chance(p, k);
	}
	target = half->target;
	if (p->seg.flags & TCP_FLAG_RST)
		half_open_client_reset(p, half);
	return to_target(p, target);
}

/*
 * A client may use the port of an ended connection again, and its SYN may have met another node:
 * then our ended entry, and a socket in TIME_WAIT, know nothing of the new connection. What still
 * belongs to the old one repeats its last bytes or acknowledges its last.
 */
#define OLD_BYTES 65536
static __always_inline bool is_port_reused(const struct packet *p, const struct hokm_conn *c)
{
	return conn_ended(c) && c->c2s.seq_next - p->seg.seq > OLD_BYTES;
}

static __always_inline enum verdict segment_ingress(struct packet *p)
{
	struct hokm_half_open *half;
	struct hokm_conn_key key;
	struct hokm_conn *c;

	COUNT(p, packets_in);
	p->count->bytes_in += p->seg.ip_len;
	conn_key(&key, p);
	if (p->seg.flags & TCP_FLAG_SYN)
		return syn_ingress(p, &key);
	c = bpf_map_lookup_elem(&conns, &key);
	if (!c || is_port_reused(p, c)) {
		half = half_open_find(half_open_set(p, &key), &key);
		if (!half)
			return unknown_ingress(p, &key, NULL);
		c = completes_handshake(p, half) ? half_open_complete(p, &key, half) : NULL;
		if (!c)
			return handshake_ingress(p, &key, half);
	}
	return known_ingress(p, c);
}

/* Is the frame shorter than its IP total length says? Only the length of all buffers tells. */
static __always_inline bool is_cut_off(const struct packet *p, const struct iphdr *ip)
{
	__u32 ip_len = bpf_ntohs(ip->tot_len);
	__u32 l3_at = p->l3 - (void *)p->eth;

	if (ip_len <= (__u32)(p->end - p->l3))
		return false;
	return l3_at + ip_len > bpf_xdp_get_buff_len(p->ctx);
}

/* A TCP packet for a VIP. */
static __always_inline enum verdict tcp_ingress(struct packet *p, enum ip_kind kind)
{
	const struct iphdr *ip = p->l3;
	const struct tcphdr *tcp = p->l3 + ip_header_len(ip);
	__u32 slot;

	if (!mac_equal(p->eth->h_dest, p->cfg->mac))
		return LEAVE_AS(p, other_host);
	if (kind == IP_FRAGMENT)
		return LEAVE_AS(p, fragments);
	if (is_cut_off(p, ip))
		return LEAVE_AS(p, bad_ip);
	if (parse_tcp(p, tcp, bpf_ntohs(ip->tot_len), ip_header_len(ip)) != TCP_GOOD)
		return LEAVE_AS(p, bad_tcp);
	if (p->seg.flags & TCP_FLAG_SYN && p->seg.flags & TCP_FLAG_ACK)
		return LEAVE_AS(p, bad_tcp);
	slot = service_find(p->cfg, ip->daddr, tcp->dest);
	if (slot == HOKM_NODE_SLOT || !account(p, slot))
		return PASS;
	p->client = ip->saddr;
	p->client_port = tcp->source;
	clock_read(p);
	return segment_ingress(p);
}

#endif
