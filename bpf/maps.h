/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The maps. Their names, keys and values are the interface to user space; hokm/abi.h lists who
 * writes each map. They carry BTF, so that `bpftool map dump pinned` prints named fields.
 *
 * Half-open connections have a map of their own (half_open.h), so that a SYN flood can replace
 * half-open entries only, never an established connection. The daemon maps own, grants, peers,
 * path_peers, peer_macs, conn_bits, suspects and waits into its memory; a process that lists
 * half-open connections maps half_open.
 */
#ifndef HOKM_BPF_MAPS_H
#define HOKM_BPF_MAPS_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "hokm/abi.h"
#include "hokm/ws.h"

#define CONNS_MAX      131072 /* entries of conns, and of replica */
#define HALF_OPEN_SETS 8192   /* a power of two */
#define FRAGMENTS_MAX  1024
#define GUESSES_MAX    16384

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct hokm_cfg);
} cfg SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(value, struct hokm_own);
} own SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(value, struct hokm_grants);
} grants SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, HOKM_MAX_SERVICES);
	__type(key, __u32);
	__type(value, struct hokm_service);
} services SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, HOKM_MAX_SERVICES);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct hokm_suspect);
} suspects SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, HOKM_MAX_SERVICES);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct hokm_waits);
} waits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, HOKM_MAX_SERVICES);
	__type(key, __u32);
	__type(value, struct hokm_latency);
} latency SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, HOKM_MAX_PEERS);
	__type(key, __u32);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(value, struct hokm_peer);
} peers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(value, struct hokm_peer_macs);
} peer_macs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, HOKM_PATH_KEYS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct hokm_path_peer);
} path_peers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CONNS_MAX);
	__type(key, struct hokm_conn_key);
	__type(value, struct hokm_conn);
} conns SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct hokm_conn_bits);
} conn_bits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, HALF_OPEN_SETS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct hokm_half_open_set);
} half_open SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CONNS_MAX);
	__type(key, struct hokm_conn_key);
	__type(value, struct hokm_replica);
} replica SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, HOKM_CHANGES_SIZE);
} changes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, HOKM_COUNTER_SLOTS);
	__type(key, __u32);
	__type(value, struct hokm_counters);
} counters SEC(".maps");

/*
 * Working memory of the programs, one entry per direction: a new entry of conns, the work of the
 * frame parser, the event that is sent, and a copy of a signed message. They are too large for the
 * stack. On the stack the
 * verifier would also track every value that a parser step may leave, and would not finish.
 */
struct work {
	struct hokm_conn conn;
	struct ws_run run;
	struct hokm_event event;
	union {
		struct hokm_pulse pulse;
		struct hokm_steer_probe probe;
	};
};
#define WORK_IN  0
#define WORK_OUT 1

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct work);
} work SEC(".maps");

/*
 * What anybody can cause, a place each (rate_limit.h). The last ones are those of guesses, and of
 * strays, for the clients of a network, by a hash of its prefix.
 */
#define RATE_PREFIXES 1024 /* a power of two */
enum rate_kind {
	RATE_ICMP,
	RATE_STRAY,
	RATE_GUESS,
	RATE_PREFIX,
	RATE_STRAY_PREFIX = RATE_PREFIX + RATE_PREFIXES,
	RATE_KINDS = RATE_STRAY_PREFIX + RATE_PREFIXES
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, RATE_KINDS);
	__type(key, __u32);
	__type(value, __u64);
} rates SEC(".maps");

/* A connection that an alive peer may hold (guess.h). */
struct guess {
	__u64 rate; /* its packets, as rate_take_shared() counts them */
	__u64 peer; /* slot */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, GUESSES_MAX);
	__type(key, struct hokm_conn_key);
	__type(value, struct guess);
} guesses SEC(".maps");

/* The peer that got the first fragment of an IP packet (fragment.h). */
struct fragment_key {
	struct hokm_addr source;
	struct hokm_addr dest;
	__be16 id;
	__u16 protocol;
};

struct fragment {
	__u64 seen_ns;
	__u32 holder; /* slot of a peer */
	__u32 left;   /* fragments that may follow without a limit in time */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FRAGMENTS_MAX);
	__type(key, struct fragment_key);
	__type(value, struct fragment);
} fragments SEC(".maps");

/* The other interfaces of the machine by their index (fence.h); the daemon makes the entries. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, HOKM_MAX_FENCES);
	__type(key, __u32);
	__type(value, struct hokm_fence);
} fences SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, HOKM_EVENT_KIND_COUNT);
	__type(key, __u32);
	__type(value, struct hokm_event_limit);
} event_limits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct hokm_keys);
} keys SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct hokm_meta);
} meta SEC(".maps");

#endif
