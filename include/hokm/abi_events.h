/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events: the records that the programs send to the daemon through the perf event array `events`.
 * Each record has a fixed size. Each kind is limited to HOKM_EVENTS_PER_SECOND records a second on
 * each CPU; what the limit or a full buffer keeps back is counted (events_limited, events_lost).
 */
#ifndef HOKM_ABI_EVENTS_H
#define HOKM_ABI_EVENTS_H

#include "hokm/abi_base.h"

#define HOKM_EVENT_KINDS(X, p)                                                                   \
	X(p, OPEN, "open", "a connection was established")                                       \
	X(p, CLOSED, "closed", "a connection was closed or terminated")                          \
	X(p, UPGRADED, "upgraded", "the server answered an upgrade with 101")                    \
	X(p, NOT_UPGRADED, "not-upgraded", "the server answered an upgrade with another status") \
	X(p, SYNC_LOST, "sync-lost", "frame tracking lost synchronization; only TCP is tracked") \
	X(p, SYNC_REGAINED, "sync-regained", "frame tracking regained synchronization")          \
	X(p, REFUSED, "refused", "the local kernel refused a SYN")                               \
	X(p, REPLAYED, "replayed", "a refused SYN was sent to a peer")                           \
	X(p, STEERED, "steered", "a new connection was steered to a peer")                       \
	X(p, SECOND_CHANCE, "second-chance",                                                     \
	  "a packet of an unknown connection was steered to a peer")                             \
	X(p, TARGET_DEAD, "target-dead", "the target of a connection is dead")                   \
	X(p, ANSWERED_DEAD, "answered-dead", "a client of a dead peer was notified by a RST")    \
	X(p, DROP, "drop", "a frame was dropped; the counter names the reason")                  \
	X(p, PEER_UP, "peer-up", "a peer began to answer pulses")                                \
	X(p, VIP_CLAIM, "vip-claim", "a MAC address that is no node's claims a VIP by ARP")
enum hokm_event_kind { HOKM_EVENT_KINDS(HOKM_ENUM, HOKM_EV) HOKM_EVENT_KIND_COUNT };

/* Records of one kind that one CPU may send in a second. */
#define HOKM_EVENTS_PER_SECOND 200

/**
 * struct hokm_event_limit - value of map event_limits: the rate limit of one kind on one CPU
 * @window_ns: when the present second began
 * @count: records sent in it
 */
struct hokm_event_limit {
	__u64 window_ns;
	__u64 count;
};
_Static_assert(sizeof(struct hokm_event_limit) == 16, "event limit");

/**
 * struct hokm_event - one record
 * @now_ns: when the packet passed
 * @age_ns: CLOSED: how long the connection lasted; UPGRADED and NOT_UPGRADED: time from the request
 *          to its answer
 * @bytes_in: CLOSED: IP bytes from the client
 * @bytes_out: CLOSED: IP bytes from the server
 * @client: the client; DROP: the sender of the frame; VIP_CLAIM: as IPv4 address the last four
 *          bytes of the MAC address
 * @client_port: its port; 0 where there is none; VIP_CLAIM: the first two bytes of the MAC address
 * @kind: enum hokm_event_kind
 * @service: slot of services, or HOKM_NODE_SLOT
 * @tcp_state: enum hokm_tcp_state
 * @target: HOKM_LOCAL, a slot of peers, or HOKM_NO_PEER; VIP_CLAIM: the index of the VIP in cfg
 * @counter: DROP: enum hokm_counter, the reason
 * @close_side: CLOSED: the side that began to close; SYNC_*: the sender of the frames (HOKM_SIDE_*)
 * @fault: SYNC_LOST: enum hokm_ws_fault; DROP with drop_pulse_version: the version of the pulse, 0
 *         if it is that of this program
 * @close_code: CLOSED: as in struct hokm_conn
 * @status: UPGRADED and NOT_UPGRADED: the HTTP status
 * @rsv: zero
 */
struct hokm_event {
	__u64 now_ns;
	__u64 age_ns;
	__u64 bytes_in;
	__u64 bytes_out;
	struct hokm_addr client;
	__be16 client_port;
	__u8 kind;
	__u8 service;
	__u8 tcp_state;
	__u8 target;
	__u16 counter;
	__u8 close_side;
	__u8 fault;
	__u16 close_code;
	__u16 status;
	__u8 rsv[2];
};
_Static_assert(sizeof(struct hokm_event) == 64, "event");

/* The MAC address of a VIP_CLAIM. */
static inline void hokm_event_mac(const struct hokm_event *e, __u8 mac[6])
{
	__builtin_memcpy(mac, &e->client_port, 2);
	__builtin_memcpy(mac + 2, &e->client.w[3], 4);
}

#endif
