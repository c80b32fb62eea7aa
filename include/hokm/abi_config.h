/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the daemon writes for the programs: the configuration (cfg), ownership (own), the state of
 * each service (services, suspects), the pulse keys (keys), and the description of the pins (meta).
 */
#ifndef HOKM_ABI_CONFIG_H
#define HOKM_ABI_CONFIG_H

#include "hokm/abi_base.h"

/**
 * struct hokm_service_key - VIP and port of one service
 * @vip: the VIP
 * @port: the TCP port
 * @used: 1 when the slot holds a service
 * @rsv: zero
 *
 * All of them stand in cfg, so that a SYN finds its service with one array look-up.
 */
struct hokm_service_key {
	struct hokm_addr vip;
	__be16 port;
	__u8 used;
	__u8 rsv[5];
};
_Static_assert(sizeof(struct hokm_service_key) == 24, "service key");

/**
 * struct hokm_peer_cfg - one peer of the configuration
 * @addr: its address
 * @used: 1 when the slot holds a peer
 * @priority: its configured priority; 0 for a witness
 * @witness: 1 when it is a witness: it answers pulses, but nothing is steered to it, and what comes
 *           from its MAC address was not steered here. It may be the router of the clients.
 * @rsv: zero
 */
struct hokm_peer_cfg {
	struct hokm_addr addr;
	__u8 used;
	__u8 priority;
	__u8 witness;
	__u8 rsv[5];
};
_Static_assert(sizeof(struct hokm_peer_cfg) == 24, "peer cfg");

/**
 * struct hokm_path_cfg - a path beside the segment on which pulses go between the nodes
 * @ifindex: the interface of this node that has @addr; 0: the path is not in use now
 * @addr: this node's address on it
 * @mac: MAC address of the interface
 * @rsv: zero
 * @peer: by slot, the address of each peer on it; 0: none
 */
struct hokm_path_cfg {
	__u32 ifindex;
	__be32 addr;
	__u8 mac[6];
	__u8 rsv[2];
	__be32 peer[HOKM_MAX_PEERS];
};
_Static_assert(sizeof(struct hokm_path_cfg) == 48, "path cfg");

/**
 * struct hokm_cfg - value of cfg, one entry: the configuration
 * @addr: this node's own address
 * @mac: MAC address of the instance's interface
 * @vrid: VRID of the instance, 1 to 255
 * @n_vips: used entries of @vip
 * @pulse_port: UDP port of pulses
 * @n_order: used entries of @order
 * @n_peers: highest used slot of @peer + 1
 * @n_services: highest used slot of @service + 1
 * @rsv: zero, as @rsv32
 * @repl_port: UDP port of replication messages; 0: replication is off
 * @peer_dead_ns: a peer that has answered no pulse for this long gets no new connections
 * @players_dead_ns: the connections of a peer that showed no sign of life for this long are dead
 * @daemon_stale_ns: a peer whose daemon showed no sign of life for this long gets no new
 *                   connections
 * @suspect_ns: how long a refused SYN keeps new connections away from the local service
 * @pulse_nonce: nonce of this daemon's probes; 0: no daemon runs, no answer is accepted
 * @hash_seed: random seed of half_open; it stays the same as long as the map exists
 * @boot_ahead_ns: CLOCK_BOOTTIME minus CLOCK_MONOTONIC, the time that the node was suspended: the
 *                 kernel has a cheap coarse clock for the latter only
 * @linger_ns: how long after the last sign of life of this node's daemon the programs learn the
 *             owner from the probes of the peers (bpf/pulse_answer.h)
 * @half_open_mask: sets of half_open - 1; the number of sets is a power of two
 * @order: slots of peers by falling priority: the order in which peers are preferred
 * @vip: the VIPs
 * @service: the services
 * @peer: the peers
 * @path: the paths beside the segment; no packet of a client reads them
 *
 * Slots of services and peers stay the same across restarts and reloads.
 *
 * @addr and @pulse_port have their places in every version: by them a witness knows pins of another
 * map schema (user/path/bpf_witness_left.c).
 */
struct hokm_cfg {
	struct hokm_addr addr;
	__u8 mac[6];
	__u8 vrid;
	__u8 n_vips;
	__be16 pulse_port;
	__u8 n_order;
	__u8 n_peers;
	__u8 n_services;
	__u8 rsv;
	__be16 repl_port;
	__u64 peer_dead_ns;
	__u64 players_dead_ns;
	__u64 daemon_stale_ns;
	__u64 suspect_ns;
	__u64 pulse_nonce;
	__u64 hash_seed;
	__u64 boot_ahead_ns;
	__u64 linger_ns;
	__u32 half_open_mask;
	__u32 rsv32;
	__u8 order[HOKM_MAX_PEERS];
	struct hokm_addr vip[HOKM_MAX_VIPS];
	struct hokm_service_key service[HOKM_MAX_SERVICES];
	struct hokm_peer_cfg peer[HOKM_MAX_PEERS];
	struct hokm_path_cfg path[HOKM_MAX_PATHS];
};
_Static_assert(sizeof(struct hokm_cfg) == 656, "cfg");
_Static_assert(__builtin_offsetof(struct hokm_cfg, addr) == 0, "cfg in every version");
_Static_assert(__builtin_offsetof(struct hokm_cfg, pulse_port) == 24, "cfg in every version");

/**
 * struct hokm_own - value of own, one entry: ownership
 * @lease_until_ns: the node is owner while the boot time is below this
 * @daemon_ns: last sign of life of the daemon
 * @epoch: raised by each takeover of the VIP; reserved for fencing
 * @arbiter: reserved for the arbiter
 * @state: enum hokm_vrrp_state
 * @priority: effective priority
 * @successor: slot of the peer to which a handover gives the VIP, or HOKM_NO_PEER
 * @unsteerable: a bit for each slot: no new connection is steered to this peer, because steered
 *               probes do not arrive there, or it is not known yet
 * @untested: of these, the peers that were not tested yet: packets of connections that such a peer
 * may have go there
 * @misdirected: 1: packets of clients come to this node, which is not owner
 *               (HOKM_PULSE_MISDIRECTED)
 * @announces: 1: the daemon announces that it becomes owner, or is owner (HOKM_PULSE_ANNOUNCES)
 * @rsv: zero
 * @successor_until_ns: until then SYNs are steered to the successor
 * @asking_ns: since when the daemon sends probes without a break
 * @asked_ns: when it had sent the last probe before that; 0: not known
 * @guess_until_ns: until then a packet of a connection that nobody is known to hold goes to an
 * alive peer (bpf/guess.h)
 *
 * The daemon alone writes it, word by word, the lease last.
 */
struct hokm_own {
	__u64 lease_until_ns;
	__u64 daemon_ns;
	__u64 epoch;
	__u64 arbiter;
	__u8 state;
	__u8 priority;
	__u8 successor;
	__u8 unsteerable;
	__u8 untested;
	__u8 misdirected;
	__u8 announces;
	__u8 rsv;
	__u64 successor_until_ns;
	__u64 asking_ns;
	__u64 asked_ns;
	__u64 guess_until_ns;
};
_Static_assert(sizeof(struct hokm_own) == 72, "own");

/**
 * struct hokm_service - value of services: the state of one service on this node
 * @tag: the name of the service between nodes (hokm_service_tag() in user space); 0: unused slot
 * @state: enum hokm_svc_state
 * @rsv: zero
 * @ending_until_ns: until then this node terminates connections of the service, so that their RSTs
 *                   prove nothing about the server
 */
struct hokm_service {
	__u32 tag;
	__u8 state;
	__u8 rsv[3];
	__u64 ending_until_ns;
};
_Static_assert(sizeof(struct hokm_service) == 16, "service");

/**
 * struct hokm_suspect - value of suspects: whether new connections avoid a local service
 * @until_ns: BPF: a refused SYN made the service suspect until then
 * @since_ns: BPF: when the present series of refused SYNs began
 * @held_until_ns: daemon: passive checks made the service suspect until then
 * @rsv: zero
 *
 * The service is suspect while @until_ns or @held_until_ns lies ahead.
 */
struct hokm_suspect {
	__u64 until_ns;
	__u64 since_ns;
	__u64 held_until_ns;
	__u64 rsv;
};
_Static_assert(sizeof(struct hokm_suspect) == 32, "suspect");

/* Secrets at a time: the one that signs, and while it is replaced the other one too. */
#define HOKM_MAX_SECRETS 2

/**
 * struct hokm_keys - value of keys: from the secrets of the instance
 * @from: SipHash keys of the pulses that each peer sends to this node, by the secret and the peer's
 *        slot, each as two little-endian words of the reference implementation
 * @to: the same of the pulses that this node sends to each peer, of the first secret
 * @n: secrets that verify, 1 to HOKM_MAX_SECRETS; the others of @from are not used
 */
struct hokm_keys {
	__u64 from[HOKM_MAX_SECRETS][HOKM_MAX_PEERS][2];
	__u64 to[HOKM_MAX_PEERS][2];
	__u64 n;
};
_Static_assert(sizeof(struct hokm_keys) == 392, "keys");

/**
 * struct hokm_fence - value of fences: another interface of the machine
 * @seen_ns: BPF: when ARP with a VIP as sender or target was last seen on it, which shows that the
 *           interface is in the segment of the VIP
 */
struct hokm_fence {
	__u64 seen_ns;
};
_Static_assert(sizeof(struct hokm_fence) == 8, "fence");

/**
 * struct hokm_meta - value of meta: what the pins of this folder are
 * @abi_version: HOKM_ABI_VERSION of the daemon that created them
 * @ifindex: the interface of the instance
 * @layout_hash: hash of the layout of all adopted maps (user/path/bpf_layout.c)
 * @created_ns: when the pins were created
 * @build_id: which BPF object the pinned programs come from (user/path/bpf_reuse.c); 0: unknown, as
 *            while they are being replaced
 * @tags: what the kernel calls the instructions of each pinned program: ingress, egress, fence
 */
struct hokm_meta {
	__u32 abi_version;
	__u32 ifindex;
	__u64 layout_hash;
	__u64 created_ns;
	__u64 build_id;
	__u64 tags[3];
};
_Static_assert(sizeof(struct hokm_meta) == 56, "meta");

#endif
