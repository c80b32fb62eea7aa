/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Connections: the keys and values of conns, half_open and replica, and the records of changes.
 *
 *   half_open   a SYN was seen, the handshake is not complete
 *   conns       the handshake is complete, or the connection was found in a local socket, or the
 *               replica names a peer as its holder
 *   replica     the connections whose holder is a peer, as that peer replicated them
 *   changes     a ring buffer of records: a local connection opened, or it was closed or terminated
 */
#ifndef HOKM_ABI_CONN_H
#define HOKM_ABI_CONN_H

#include "hokm/abi_states.h"

/**
 * struct hokm_conn_key - the key of a connection in conns, half_open and replica
 * @client: the client's address
 * @client_port: the client's port
 * @service: slot of services; it stands for VIP and port, and does not change while it is used
 */
struct hokm_conn_key {
	struct hokm_addr client;
	__be16 client_port;
	__u16 service;
};
_Static_assert(sizeof(struct hokm_conn_key) == 20, "conn key");

/* struct hokm_ws.flags */
#define HOKM_WS_FLAG_GAP     0x01 /* gap is valid */
#define HOKM_WS_FLAG_MESSAGE 0x02 /* a fragmented message has begun and not ended */
/* FRAMES: whether a message has begun is not known (after LOST); HEAD: the head may be a body */
#define HOKM_WS_FLAG_UNSURE 0x04

/**
 * struct hokm_ws - how far the byte stream of one direction has been read (hokm/ws.h)
 * @next: sequence number of what is read next: in HEAD the next byte of the HTTP head, else the
 *        next byte of a frame or record header; the header may lie after payload that has not come
 * @gap: with FLAG_GAP, the sequence number of the first segment that came too early
 * @left: with have > 0, the bytes of the length field read so far; in HEAD, the last eight
 *        characters; else payload bytes after @next that belong to the frame before (frames that
 *        are longer than WS_STRIDE)
 * @state: enum hokm_follow_state
 * @have: bytes read of a header that is split over segments; in HEAD, WS_MARK_*
 * @b0: first byte of a split header; in HEAD, characters of the line read so far, at most 255
 * @b1: second byte of a split header; in HEAD, with @code, the length of the body plus one
 * @mask: first two bytes of the masking key of a split header; in HEAD, the HTTP status
 * @code: first byte of a split close code; in HEAD, see @b1
 * @flags: HOKM_WS_FLAG_*
 */
struct hokm_ws {
	__u32 next;
	__u32 gap;
	__u64 left;
	__u8 state;
	__u8 have;
	__u8 b0;
	__u8 b1;
	__u8 mask[2];
	__u8 code;
	__u8 flags;
};
_Static_assert(sizeof(struct hokm_ws) == 24, "ws");

/**
 * struct hokm_flow - one direction of a connection
 * @last_ns: last packet, by the coarse clock
 * @last_data_ns: last packet with bytes that were not seen before
 * @bytes: sum of the IP total lengths
 * @packets: packets; wraps
 * @frames: WebSocket frames or TLS records; wraps
 * @seq_next: sequence number after the newest byte seen; the server's is replicated
 * @ack: newest acknowledgement sent in this direction
 * @ws: how far the byte stream has been read
 *
 * One program writes a flow, on one CPU at a time: the ingress program writes client to server, the
 * egress program server to client.
 */
struct hokm_flow {
	__u64 last_ns;
	__u64 last_data_ns;
	__u64 bytes;
	__u32 packets;
	__u32 frames;
	__u32 seq_next;
	__u32 ack;
	struct hokm_ws ws;
};
_Static_assert(sizeof(struct hokm_flow) == 64, "flow");

/* Flags of struct hokm_conn and struct hokm_half_open. */
#define HOKM_CONN_STEERED_IN 0x01 /* a peer steered it to this node */
/* Its first packet here belonged to an established connection. */
#define HOKM_CONN_ADOPTED 0x02
#define HOKM_CONN_OPENED  0x04 /* counted and reported as established */
#define HOKM_CONN_ENDED   0x08 /* counted and reported as closed or terminated */
/* Its SYN was refused here and sent to a peer, which happens once per connection. */
#define HOKM_CONN_REPLAYED 0x10

/**
 * struct hokm_conn - value of conns
 * @created_ns: when the SYN was seen, or else the first packet
 * @syn_ack_ns: when the SYN-ACK was seen; 0: it was not
 * @established_ns: when the handshake completed; 0: this node did not see it
 * @ended_ns: when the RST or the second FIN was seen; 0: the connection is open
 * @isn: the client's initial sequence number; ADOPTED: the sequence number of the first packet
 * @tcp_state: enum hokm_tcp_state
 * @target: HOKM_LOCAL or a slot of peers: where its packets go
 * @flags: HOKM_CONN_*
 * @close_side: the side that began to close, by close frame, FIN or RST (HOKM_SIDE_*)
 * @ws: enum hokm_ws_phase
 * @sync_lost: times frame tracking of a direction lost synchronization; stays at 255
 * @status: HTTP status that answered the upgrade; 0: no answer yet
 * @close_code: code of the first close frame (RFC 6455 section 7.4); 1005: the frame had no code;
 *              1006: closed without a close frame; 0: no close frame yet
 * @c2s: client to server
 * @s2c: server to client
 * @rsv16: zero, as @rsv8 and @rsv32; it shares its 32-bit word with @close_code
 * @upgrade_ns: when the upgrade request came that waits for an answer; 0: none waits
 * @switch_ns: when the upgrade request was answered
 * @ping_c2s_ns: the client's oldest ping without a pong; 0: none waits
 * @ping_s2c_ns: the server's oldest ping without a pong; 0: none waits
 * @upgrade_us: time from the upgrade request to its answer
 * @rtt_c2s_us: time from the client's last ping to its pong: how fast the server answers
 * @rtt_s2c_us: time from the server's last ping to its pong: the way to the client and back
 * @requests: HTTP requests read to the end of their heads; wraps
 * @answers: how many of them have a final answer; wraps
 * @asked_ns: when the upgrade request came that has no answer, whether it waits or not; 0: none
 * @due: 1 from an upgrade request until the server's kernel has acknowledged it: then it waits
 * @vouched: the numbers by which segments of the client are judged (bpf/vouch.h): in the lower half
 *           the client's next sequence number, in the upper half the server's; 0: not known yet
 *
 * The kernel puts 48 bytes of its own and the key, rounded up to 24 bytes, before the value. So an
 * element has five cache lines, and each part of the value lies in one: the head, c2s, s2c, and the
 * rest, which changes rarely. A data packet touches the kernel's line, the head and one flow.
 *
 * Who writes which field. "ingress" and "egress" are the two programs, which may run on two CPUs at
 * once. User space writes none of them.
 *
 *   created_ns, syn_ack_ns,         ingress, before the entry is stored
 *   established_ns, isn
 *   tcp_state, flags, close_side    both, by compare-and-swap or atomic OR of their 32-bit word
 *   target                          ingress, by a store of its byte: the word's compare-and-swap
 *                                   of the other program then fails and is tried again
 *   ended_ns                        the program that set ENDED, once; ENDED is there before it
 *   ws                              both, by a store: the newer one of either side counts
 *   close_code                      both, by compare-and-swap of its 32-bit word: the first counts
 *   sync_lost                       both, by a plain increment: a count may be lost, no more
 *   vouched                         egress by one 64-bit store when target is HOKM_LOCAL; ingress
 *                                   when it is a peer
 *   c2s                             ingress
 *   s2c                             egress
 *   upgrade_ns, ping_c2s_ns,        both, by compare-and-swap from 0 and atomic exchange to 0
 *   ping_s2c_ns
 *   status, switch_ns, upgrade_us,  egress
 *   rtt_c2s_us, answers
 *   requests                        ingress
 *   asked_ns, due                   ingress when it reads the request; then egress, which sees the
 *                                   answer of the server after that
 *   rtt_s2c_us                      ingress
 *
 * Readers take each field by itself: fields of one entry need not be of the same moment.
 */
struct hokm_conn {
	__u64 created_ns;
	__u64 syn_ack_ns;
	__u64 established_ns;
	__u64 ended_ns;
	__u32 isn;
	__u8 tcp_state;
	__u8 target;
	__u8 flags;
	__u8 close_side;
	__u8 ws;
	__u8 sync_lost;
	__u16 status;
	__u16 close_code;
	__u16 rsv16;
	__u64 vouched;
	struct hokm_flow c2s;
	struct hokm_flow s2c;
	__u64 upgrade_ns;
	__u64 switch_ns;
	__u64 ping_c2s_ns;
	__u64 ping_s2c_ns;
	__u32 upgrade_us;
	__u32 rtt_c2s_us;
	__u32 rtt_s2c_us;
	__u16 requests;
	__u16 answers;
	__u64 asked_ns;
	__u8 due;
	__u8 rsv8[3];
	__u32 rsv32;
};
_Static_assert(sizeof(struct hokm_conn) == 248, "conn");
_Static_assert(HOKM_OFFSETOF(struct hokm_conn, c2s) == 56, "conn c2s");
_Static_assert(HOKM_OFFSETOF(struct hokm_conn, s2c) == 120, "conn s2c");
_Static_assert(HOKM_OFFSETOF(struct hokm_conn, upgrade_ns) == 184, "conn rare");
_Static_assert(HOKM_OFFSETOF(struct hokm_conn, asked_ns) == 232, "conn asked");

/* Greatest length of TCP options (RFC 9293 section 3.1: a header has at most 60 bytes). */
#define HOKM_SYN_OPTIONS 40

/**
 * struct hokm_syn - a client's SYN without its sequence number, to be sent to a peer if the local
 * kernel refuses it (bpf/syn_replay.h)
 * @words: length of @options in words of 4 bytes, 0 to 10
 * @flags: byte 13 of the TCP header: SYN, ECE, CWR
 * @tos: IP TOS byte
 * @ttl: IP TTL
 * @window: TCP window
 * @frag: IP flags and fragment offset
 * @options: TCP options, as they were on the wire
 * @data: bytes of data in the SYN (TCP Fast Open, RFC 7413); the data is not kept
 * @rsv16: zero, as @rsv64
 */
struct hokm_syn {
	__u8 words;
	__u8 flags;
	__u8 tos;
	__u8 ttl;
	__be16 window;
	__be16 frag;
	__u8 options[HOKM_SYN_OPTIONS];
	__u16 data;
	__u16 rsv16[3];
	__u64 rsv64;
};
_Static_assert(sizeof(struct hokm_syn) == 64, "syn");

/**
 * struct hokm_half_open - a connection whose handshake is not complete
 * @key: the connection
 * @isn: the client's initial sequence number
 * @created_ns: when the first SYN with this @isn came; 0: the place is free
 * @syn_ack_ns: when the SYN-ACK was seen; 0: it was not
 * @server_next: the acknowledgement number that completes the handshake
 * @tcp_state: HOKM_TCP_SYN or HOKM_TCP_SYN_ACK
 * @target: HOKM_LOCAL or a slot of peers
 * @flags: HOKM_CONN_*
 * @syn_kept: 1 when struct hokm_syn of the same way holds the SYN
 * @packets_in: packets from the client
 * @packets_out: packets from the server
 * @bytes_in: sum of the IP total lengths of @packets_in
 * @bytes_out: sum of the IP total lengths of @packets_out
 *
 * One cache line, much less than struct hokm_conn, because a flood of SYNs must cost little.
 */
struct hokm_half_open {
	struct hokm_conn_key key;
	__u32 isn;
	__u64 created_ns;
	__u64 syn_ack_ns;
	__u32 server_next;
	__u8 tcp_state;
	__u8 target;
	__u8 flags;
	__u8 syn_kept;
	__u32 packets_in;
	__u32 packets_out;
	__u32 bytes_in;
	__u32 bytes_out;
};
_Static_assert(sizeof(struct hokm_half_open) == 64, "half open");

/* Places that an entry of half_open may have. */
#define HOKM_HALF_OPEN_WAYS 2

/**
 * struct hokm_half_open_set - value of half_open, an array that a hash of the key indexes
 * @way: the places that an entry with this hash may have
 * @syn: the SYN of each way; only a SYN that this node serves is kept
 *
 * The SYNs stand after all ways, so that a search touches neighbouring cache lines only. See
 * bpf/half_open.h for how entries are placed.
 */
struct hokm_half_open_set {
	struct hokm_half_open way[HOKM_HALF_OPEN_WAYS];
	struct hokm_syn syn[HOKM_HALF_OPEN_WAYS];
};
_Static_assert(sizeof(struct hokm_half_open_set) == 256, "half open set");

/* Words of a half of conn_bits: 128 KiB. */
#define HOKM_CONN_BIT_WORDS 16384

/**
 * struct hokm_conn_bits - value of conn_bits, one entry: the filter in front of conns
 * @turn: the half that is read is that of its lowest bit; it only rises
 * @rsv: zero
 * @storing: programs between the moment before they set a bit and the moment after its entry is
 *           stored
 * @rsv2: zero
 * @half: bits for each hash of a key (hokm/conn_hash.h); a bit that is not set says that conns has
 *        no such entry
 *
 * bpf/conn_bits.h states how it works. User space changes @turn and the half that is not read.
 */
struct hokm_conn_bits {
	__u64 turn;
	__u64 rsv[7];
	__u64 storing;
	__u64 rsv2[7];
	__u64 half[2][HOKM_CONN_BIT_WORDS];
};
_Static_assert(sizeof(struct hokm_conn_bits) == 262272, "conn bits");

/**
 * struct hokm_replica - value of replica: a connection whose holder is a peer
 * @since_ns: when it was established, computed from the age that the holder replicated
 * @told_ns: when the holder last replicated it
 * @answered_ns: the holder is dead, and this client was notified or has reset the connection;
 *               0: not yet. A holder that turns out to be alive is informed (user/daemon/ended.h)
 * @isn: the client's initial sequence number, or the first one that the holder saw
 * @seq_next: the server's next sequence number
 * @ack_next: the newest acknowledgement of the server: the client's next sequence number
 * @holder: slot of peers
 * @generation: number of the holder's last full list that contained the connection
 * @gone: BPF: the holder is dead, and the client has acknowledged the notification by a RST
 * @rsv: zero
 *
 * The key is that of conns, with this node's slot of the service. A packet of an unknown connection
 * finds its holder here. user/decide/repl.h describes how entries are replicated.
 */
struct hokm_replica {
	__u64 since_ns;
	__u64 told_ns;
	__u64 answered_ns;
	__u32 isn;
	__u32 seq_next;
	__u32 ack_next;
	__u8 holder;
	__u8 generation;
	__u8 gone;
	__u8 rsv;
};
_Static_assert(sizeof(struct hokm_replica) == 40, "replica");

/* struct hokm_change.kind */
#define HOKM_CHANGE_OPEN  1
#define HOKM_CHANGE_CLOSE 2
/* Size of the ring buffer changes in bytes: 18,000 records. */
#define HOKM_CHANGES_SIZE (1u << 20)

/**
 * struct hokm_change - record of changes: a connection with target HOKM_LOCAL opened, or it was
 * closed or terminated
 * @now_ns: when
 * @key: the connection
 * @isn: as in struct hokm_conn
 * @seq_next: conn.s2c.seq_next; 0: the server has sent nothing
 * @ack_next: conn.s2c.ack; conn.c2s.seq_next while the server has sent nothing
 * @kind: HOKM_CHANGE_*
 * @began: 1: the handshake was complete at @now_ns, and @isn is the client's own; 0: the connection
 *         is older, or its beginning is not known
 * @rsv: zero
 *
 * The daemon reads the records once a tick, in the order in which they were written; no record
 * wakes it. A record that does not fit is counted in changes_lost, and the daemon then walks conns.
 */
struct hokm_change {
	__u64 now_ns;
	struct hokm_conn_key key;
	__u32 isn;
	__u32 seq_next;
	__u32 ack_next;
	__u8 kind;
	__u8 began;
	__u8 rsv[6];
};
_Static_assert(sizeof(struct hokm_change) == 48, "change");

#endif
