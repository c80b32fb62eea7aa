/* SPDX-License-Identifier: GPL-2.0-only */
/* Peers: the pulse on the wire, and what this node knows of each peer (map peers). */
#ifndef HOKM_ABI_PEER_H
#define HOKM_ABI_PEER_H

#include "hokm/abi_grant.h"
#include "hokm/abi_states.h"

/* struct hokm_pulse_svc.flags: the traffic of the service looks bad on that node. */
#define HOKM_PULSE_SVC_SUSPECT 0x01

/**
 * struct hokm_pulse_svc - state of one service in a pulse
 * @tag: name of the service between nodes; 0: unused
 * @state: enum hokm_svc_state
 * @flags: HOKM_PULSE_SVC_*
 * @rsv: zero
 */
struct hokm_pulse_svc {
	__be32 tag;
	__u8 state;
	__u8 flags;
	__u8 rsv[2];
};
_Static_assert(sizeof(struct hokm_pulse_svc) == 8, "pulse svc");

/**
 * struct hokm_pulse_heard - in the answer of a witness, in the place of a service: a node it hears
 * @addr: address of the node; 0: unused
 * @age_us: time from the node's newest valid probe to this answer
 */
struct hokm_pulse_heard {
	__be32 addr;
	__be32 age_us;
};
_Static_assert(sizeof(struct hokm_pulse_heard) == sizeof(struct hokm_pulse_svc), "pulse heard");
_Static_assert(HOKM_MAX_PEERS <= HOKM_MAX_SERVICES, "a witness has room for all other nodes");

/*
 * struct hokm_pulse.flags, answers: the answering node has fresh answers of the asking one itself,
 * and steered frames arrive there: it can steer to it.
 */
#define HOKM_PULSE_HEARS 0x01

/* The same: a steered probe of the asking daemon arrived at the answering node a moment ago. */
#define HOKM_PULSE_STEERED 0x02

/*
 * The same: packets of clients for a VIP come to the answering node's MAC address, and it is not
 * owner. ARP entries are out of date. What a peer steered to it does not count.
 */
#define HOKM_PULSE_MISDIRECTED 0x04

/*
 * The answering node becomes owner as soon as it may, or is owner. Who sees it does not become
 * owner at the same moment.
 */
#define HOKM_PULSE_ANNOUNCES 0x10

/* The answer of a witness: its kernel made it, not its process. */
#define HOKM_PULSE_KERNEL 0x08

#define HOKM_PULSE_MAGIC   0x484b4d50 /* "HKMP" */
#define HOKM_PULSE_VERSION 3
#define HOKM_PULSE_PROBE   1
#define HOKM_PULSE_ANSWER  2

/**
 * struct hokm_pulse - a pulse on the wire: UDP payload of fixed length, sent with TTL 255
 * @magic: HOKM_PULSE_MAGIC
 * @version: HOKM_PULSE_VERSION
 * @kind: HOKM_PULSE_PROBE or HOKM_PULSE_ANSWER
 * @vrid: VRID of the instance
 * @state: enum hokm_vrrp_state
 * @nonce: random number of the daemon session that sends the probes
 * @sent_ns: boot time at which the probe was sent, on the clock of its sender
 * @lease_left_ns: for how long the sender is owner, by lease and grants; 0: it is not owner
 * @daemon_age_ns: time since the last sign of life of the sender's daemon
 * @epoch: epoch of the sender
 * @priority: effective priority of the sender
 * @flags: HOKM_PULSE_HEARS, HOKM_PULSE_STEERED, HOKM_PULSE_MISDIRECTED, HOKM_PULSE_KERNEL,
 *         HOKM_PULSE_ANNOUNCES; answers only
 * @mac: MAC address of the sender of this packet; the frame must come from it
 * @grant: its wish, or its answer to a wish
 * @svc: its services
 * @heard: in their place, in the answer of a witness, which has none: the other nodes that it hears
 * @tag: SipHash-2-4 over everything before it and the addresses of the packet (hokm/pulse_tag.h)
 *
 * The daemon sends a probe: @nonce, @sent_ns, @mac and the state of its node are set. The peer's
 * XDP program sends the answer: @nonce and @sent_ns as in the probe, @mac and the state of its own
 * node filled in. The state in a probe counts only at a node whose daemon does not ask.
 *
 * Each direction between two nodes has a key of its own, and the tag covers the addresses. So a
 * pulse is valid from one node to one other node only: a probe that is reflected to its sender, or
 * an answer that is presented as another node's, has a wrong tag.
 *
 * An answer counts only when it has the nonce of the present session and a @sent_ns that is greater
 * than that of every answer before and less than peer_dead_ns old. A forged answer has a wrong tag,
 * a replayed one is not newer, and one that was held back is too old. Durations cross the wire,
 * never clock readings, so the clocks of nodes are never compared.
 */
struct hokm_pulse {
	__be32 magic;
	__u8 version;
	__u8 kind;
	__u8 vrid;
	__u8 state;
	__be64 nonce;
	__be64 sent_ns;
	__be64 lease_left_ns;
	__be64 daemon_age_ns;
	__be64 epoch;
	__u8 priority;
	__u8 flags;
	__u8 mac[6];
	struct hokm_pulse_grant grant;
	union {
		struct hokm_pulse_svc svc[HOKM_MAX_SERVICES];
		struct hokm_pulse_heard heard[HOKM_MAX_SERVICES];
	};
	__be64 tag;
};
_Static_assert(sizeof(struct hokm_pulse) == 160, "pulse");

/* Bytes of the pulse that the tag covers. */
#define HOKM_PULSE_SIGNED (sizeof(struct hokm_pulse) - sizeof(__be64))

#define HOKM_STEER_MAGIC   0x484b4d53 /* "HKMS" */
#define HOKM_STEER_VERSION 1
/* Source addresses of steered probes: TEST-NET-1, 192.0.2.0/24, which no host has (RFC 5737). */
#define HOKM_STEER_NET  0xc0000200
#define HOKM_STEER_MASK 0xffffff00

/**
 * struct hokm_steer_probe - a steered probe: the payload of a TCP segment to a VIP
 * @magic: HOKM_STEER_MAGIC
 * @version: HOKM_STEER_VERSION
 * @vrid: VRID of the instance
 * @rsv: zero
 * @nonce: that of the sender's pulses
 * @sent_ns: boot time at which it was sent, on the clock of its sender
 * @tag: SipHash-2-4 over everything before it and the addresses of the two nodes, with the key of
 *       the pulses in this direction
 *
 * The frame looks exactly as a steered one: from the MAC address of this node to that of the peer,
 * from an address that is not this node's to the VIP. So it shows whether the network delivers
 * steered frames, and with which source MAC address. It never reaches a kernel.
 */
struct hokm_steer_probe {
	__be32 magic;
	__u8 version;
	__u8 vrid;
	__u8 rsv[2];
	__be64 nonce;
	__be64 sent_ns;
	__be64 tag;
};
_Static_assert(sizeof(struct hokm_steer_probe) == 32, "steer probe");
#define HOKM_STEER_SIGNED (sizeof(struct hokm_steer_probe) - sizeof(__be64))

/**
 * struct hokm_peer - value of peers: what the pulses and adverts of one peer contained
 * @seen_ns: when the last valid answer came over the segment: what is steered goes there
 * @alive_ns: when the last sign of life of any kind came (bpf/peer_state.h)
 * @since_ns: when the present series of answers began
 * @rtt_ns: round trip of the last answer over the segment
 * @answer_sent_ns: sent_ns of the newest answer over the segment; one that is not newer is a replay
 * @lease_until_ns: end of the peer's lease on this node's clock, never too early; 0: not owner
 * @daemon_seen_ns: last sign of life of the peer's daemon on this node's clock
 * @epoch: epoch of the peer
 * @vrrp_ns: when the last advert of the peer passed the VRRP guard
 * @probe_nonce: nonce of the peer's probes, with @probe_sent_ns the window against their replay
 * @probe_sent_ns: sent_ns of the peer's newest probe, on the peer's clock
 * @steer_ns: when the peer's newest steered probe arrived
 * @steer_nonce: its nonce
 * @steer_sent_ns: its sent_ns, on the peer's clock
 * @wrong_tag_ns: when the last pulse from the peer's address came that none of the secrets signed
 * @newest_sent_ns: sent_ns of the newest answer of all paths: @lease_until_ns, @daemon_seen_ns,
 *                  @epoch, @state, @priority, @flags and @svc are as it says
 * @answers: how many answers came over the segment
 * @mac: MAC address from which the last answer over the segment came; zero: none came yet
 * @state: enum hokm_vrrp_state
 * @priority: effective priority
 * @vrrp_mac: MAC address from which the last advert came
 * @flags: HOKM_PULSE_* of the last answer
 * @secret: number of the secret, counted from 1, that the last answer was signed with
 * @svc: the peer's services
 */
struct hokm_peer {
	__u64 seen_ns;
	__u64 alive_ns;
	__u64 since_ns;
	__u64 rtt_ns;
	__u64 answer_sent_ns;
	__u64 lease_until_ns;
	__u64 daemon_seen_ns;
	__u64 epoch;
	__u64 vrrp_ns;
	__u64 probe_nonce;
	__u64 probe_sent_ns;
	__u64 steer_ns;
	__u64 steer_nonce;
	__u64 steer_sent_ns;
	__u64 wrong_tag_ns;
	__u64 newest_sent_ns;
	__u64 answers;
	__u8 mac[6];
	__u8 state;
	__u8 priority;
	__u8 vrrp_mac[6];
	__u8 flags;
	__u8 secret;
	struct hokm_pulse_svc svc[HOKM_MAX_SERVICES];
};
_Static_assert(sizeof(struct hokm_peer) == 216, "peer");

/**
 * struct hokm_path_peer - value of path_peers: a peer on one path beside the segment
 * @seen_ns: when the last valid answer came over the path
 * @rtt_ns: its round trip
 * @answer_sent_ns: its sent_ns; an answer over the path that is not newer is a replay
 * @probe_nonce: nonce of the peer's probes over the path, with
 * @probe_sent_ns: the window against their replay
 * @answers: how many answers came over the path
 *
 * The key is HOKM_PATH_KEY(). The tag of a pulse covers the addresses of its path, so no pulse of
 * one path is valid on another, and each path has windows of its own.
 */
struct hokm_path_peer {
	__u64 seen_ns;
	__u64 rtt_ns;
	__u64 answer_sent_ns;
	__u64 probe_nonce;
	__u64 probe_sent_ns;
	__u64 answers;
};
_Static_assert(sizeof(struct hokm_path_peer) == 48, "path peer");

#define HOKM_PATH_KEY(path, slot) (((path)-1) * HOKM_MAX_PEERS + (slot))
#define HOKM_PATH_KEYS            (HOKM_MAX_PATHS * HOKM_MAX_PEERS)

/**
 * struct hokm_peer_macs - value of peer_macs, one entry: hokm_peer.mac of all peers, in one cache
 * line
 * @peer: by slot; the first byte of the address is the lowest byte of the word; 0: not known
 *
 * Each packet of a connection is compared with all of them, because one from a peer's MAC address
 * was steered here. BPF writes a word together with hokm_peer.mac. User space clears the word of a
 * slot before another peer gets the slot.
 */
struct hokm_peer_macs {
	__u64 peer[HOKM_MAX_PEERS];
};
_Static_assert(sizeof(struct hokm_peer_macs) == 64, "peer macs");

#endif
