/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The packet path as the daemon holds it: load or adopt the pinned maps, attach or replace the two
 * programs, read and write the maps. The only file pair that includes libbpf's headers for the
 * daemon; ctl and tests go through it too.
 *
 * Pins: <bpffs>/hokm-xdp/<node>/{maps by name, prog_ingress, prog_egress, link_ingress}. `keys` is
 * never pinned. The egress filter is clsact's, with our own handle and priority.
 */
#ifndef HOKM_ACT_BPF_H
#define HOKM_ACT_BPF_H

#include <stdbool.h>
#include <stdint.h>

#include "hokm/abi.h"
#include "conf/conf.h"

struct hokm_bpf; /* opaque */

struct hokm_bpf_opts {
	bool replace_foreign; /* take the place of another XDP program */
	bool generic_only;    /* do not try native mode */
};

/*
 * Loads the programs, reuses what is pinned for this node (after checking schema version and layout
 * hash), attaches ingress (native, else generic with a warning) and egress, pins. On any error
 * everything this call made is undone, what was pinned before stays, the cause and what to do are
 * logged, and -errno is returned: -EPROTO schema mismatch, -EBUSY foreign XDP program, -ENODEV no
 * such interface, -EPERM, -ENOTSUP no BTF or kernel too old.
 * *adopted says whether pins of an earlier daemon were found. Caller: hokm_bpf_close().
 */
int hokm_bpf_open(const struct conf *c, const struct hokm_bpf_opts *opts, struct hokm_bpf **out,
		  bool *adopted);

/* Opens only the pinned maps, to look (ctl, cleanup). -ENOENT when nothing is pinned. */
int hokm_bpf_open_pinned(const struct conf *c, struct hokm_bpf **out);

/* Closes file descriptors; the packet path stays as it is. */
void hokm_bpf_close(struct hokm_bpf *b);

/*
 * Detaches, unpins, removes the node's folder. Works from the pins alone; 0 when nothing was there.
 */
int hokm_bpf_cleanup(const struct conf *c);

/* "native" or "generic". */
const char *hokm_bpf_mode(const struct hokm_bpf *b);
int hokm_bpf_ifindex(const struct hokm_bpf *b);

int hokm_bpf_get_cfg(struct hokm_bpf *b, struct hokm_cfg *out);
int hokm_bpf_set_cfg(struct hokm_bpf *b, const struct hokm_cfg *in);
int hokm_bpf_set_keys(struct hokm_bpf *b, const struct hokm_keys *in);
int hokm_bpf_get_own(struct hokm_bpf *b, struct hokm_own *out);
int hokm_bpf_set_own(struct hokm_bpf *b, const struct hokm_own *in);
int hokm_bpf_get_service(struct hokm_bpf *b, unsigned int slot, struct hokm_service *out);
int hokm_bpf_set_service(struct hokm_bpf *b, unsigned int slot, const struct hokm_service *in);
int hokm_bpf_get_suspect(struct hokm_bpf *b, unsigned int slot, struct hokm_suspect *out);
/* New players avoid the service here until then; 0 ends it, and what a refused SYN began too. */
int hokm_bpf_hold_suspect(struct hokm_bpf *b, unsigned int slot, uint64_t until_ns);
int hokm_bpf_get_peer(struct hokm_bpf *b, unsigned int slot, struct hokm_peer *out);
int hokm_bpf_clear_peer(struct hokm_bpf *b, unsigned int slot);
/* Sum over the CPUs. slot: a service's, or HOKM_NODE_SLOT. */
int hokm_bpf_get_counters(struct hokm_bpf *b, unsigned int slot, struct hokm_counters *out);
/* Sum over the CPUs. */
int hokm_bpf_get_latency(struct hokm_bpf *b, unsigned int slot, struct hokm_latency *out);
/*
 * Requests that wait for their answer, by map waits: how many began in [from_ns, to_ns), to the
 * HOKM_WAIT_NS. *oldest_ns (may be NULL): when the oldest of all that wait began, 0 for none.
 */
enum hokm_bpf_wait { HOKM_WAIT_UPGRADE, HOKM_WAIT_PING };
int hokm_bpf_count_waits(struct hokm_bpf *b, unsigned int slot, enum hokm_bpf_wait kind,
			 uint64_t from_ns, uint64_t to_ns, uint32_t *n, uint64_t *oldest_ns);
/* File descriptor of the events map for perf_buffer__new; owned by b. */
int hokm_bpf_events_fd(const struct hokm_bpf *b);

/* Sets of half_open, a power of two; 0 on failure. cfg.half_open_mask is one less. */
uint32_t hokm_bpf_half_open_sets(const struct hokm_bpf *b);

/*
 * Calls fn for every entry of conns (half = false) or half_open (true), by batches; stops early
 * when fn returns non-zero and returns that. -errno on failure.
 */
typedef int (*hokm_conn_fn)(const struct hokm_conn_key *k, const struct hokm_conn *c, void *arg);
int hokm_bpf_walk_conns(struct hokm_bpf *b, bool half, hokm_conn_fn fn, void *arg);
/* Deletes it, and takes what it still waited for off map waits. */
int hokm_bpf_delete_conn(struct hokm_bpf *b, const struct hokm_conn_key *k);

/*
 * A walk in slices for the daemon's expiry: looks at up to `max` entries from where *cursor stands,
 * calls fn for each, deletes those for which fn returns 1. Returns entries seen; *done at the end.
 */
struct hokm_conn_cursor {
	bool started;
	uint32_t batch[2]; /* opaque position of the batch look-up */
};
int hokm_bpf_sweep_conns(struct hokm_bpf *b, struct hokm_conn_cursor *cursor, unsigned int max,
			 hokm_conn_fn fn, void *arg, bool *done);

/* ---- replica: connections that live on peers ---- */

/* 0 and the entry, -ENOENT, or -errno. */
int hokm_bpf_get_replica(struct hokm_bpf *b, const struct hokm_conn_key *k,
			 struct hokm_replica *out);
/* Makes or overwrites. -ENOSPC (or -E2BIG as the kernel says it): the map is full. */
int hokm_bpf_set_replica(struct hokm_bpf *b, const struct hokm_conn_key *k,
			 const struct hokm_replica *in);
/* 0 also when there was none. */
int hokm_bpf_delete_replica(struct hokm_bpf *b, const struct hokm_conn_key *k);
/* As hokm_bpf_walk_conns() and hokm_bpf_sweep_conns(); the walk works on a view too. */
typedef int (*hokm_replica_fn)(const struct hokm_conn_key *k, const struct hokm_replica *r,
			       void *arg);
int hokm_bpf_walk_replica(struct hokm_bpf *b, hokm_replica_fn fn, void *arg);
int hokm_bpf_sweep_replica(struct hokm_bpf *b, struct hokm_conn_cursor *cursor, unsigned int max,
			   hokm_replica_fn fn, void *arg, bool *done);

/* ---- changes: openings and ends of connections that live here ---- */

/* Calls fn for every record that waits, oldest first. How many, or -errno. */
typedef void (*hokm_change_fn)(const struct hokm_change *change, void *arg);
int hokm_bpf_read_changes(struct hokm_bpf *b, hokm_change_fn fn, void *arg);

/*
 * A handle for another thread that shares nothing with b and may outlive it: hokm_bpf_walk_conns()
 * and hokm_bpf_get_latency() work on it, by long batches. Caller: hokm_bpf_close(). 0 or -errno.
 */
int hokm_bpf_view(const struct hokm_bpf *b, struct hokm_bpf **out);

#endif
