/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The packet path, as user space sees it: the two BPF programs, their maps, and the pins that keep
 * both in the kernel when no daemon runs.
 *
 * A struct hokm_bpf is a handle: the file descriptors of the maps, buffers, and some maps mapped
 * into memory. Closing it leaves the packet path as it is. The daemon opens its handle with
 * hokm_bpf_open(), which loads and attaches the programs; ctl and the tests may open only the
 * pinned maps. A handle belongs to one thread. hokm_bpf_view() makes a second handle for another
 * thread.
 *
 * Pins: <bpffs>/hokm-xdp/<node>/, with the maps by their names, prog_ingress, prog_egress,
 * prog_fence and link_ingress. Ingress is an XDP link; egress is a filter of the clsact qdisc with
 * a handle and a priority of our own. The other interfaces of the machine have such a filter too,
 * the fence.
 *
 * Unless a comment says otherwise, functions that return int return 0 or -errno and log nothing;
 * -EINVAL means that a slot is out of range, -EBADF that this handle lacks the map.
 */
#ifndef HOKM_PATH_BPF_H
#define HOKM_PATH_BPF_H

#include <stdbool.h>
#include <stdint.h>

#include "hokm/abi.h"
#include "conf/conf.h"

struct hokm_bpf; /* opaque */

struct hokm_bpf_opts {
	bool replace_foreign; /* detach an XDP program of another origin and take its place */
	bool generic_only;    /* do not try native mode */
	bool adopt_address;   /* of act/apply.h: take over a VIP that another program set */
	/*
	 * The longest grant that this node gives as a member, when map grants is made anew: it is
	 * silent for so long then, from when no earlier program of it gives grants any more. 0: it
	 * takes no part.
	 */
	uint64_t longest_grant_ns;
};

/*
 * Adopts what is pinned for this node (after a check of schema version and layout hash), loads the
 * programs unless the pinned ones are those of this binary, attaches ingress (native; when the
 * driver cannot, generic with a warning) and egress, and pins everything. *adopted is set to true
 * when pins of an earlier daemon were adopted. Pins that are incomplete are removed; if their
 * programs are attached, new programs with new maps take their place without a gap. The caller
 * closes *out with hokm_bpf_close().
 *
 * On an error, this call undoes what it has done, and earlier pins stay; but of incomplete pins
 * only the programs do, and the next call replaces them. The cause and the remedy are logged.
 * Errors: -EPROTO the pins have another schema, -EBUSY there is a foreign XDP program, -ENODEV
 * there is no such interface, -EPERM a capability is missing, -ENOTSUP the kernel is too old or has
 * no BTF; or another -errno.
 */
int hokm_bpf_open(const struct conf *c, const struct hokm_bpf_opts *opts, struct hokm_bpf **out,
		  bool *adopted);

/*
 * Opens only the pinned maps, for reading (ctl, cleanup). Returns -ENOENT when nothing is pinned.
 * The caller closes *out with hokm_bpf_close().
 */
int hokm_bpf_open_pinned(const struct conf *c, struct hokm_bpf **out);

/* What a daemon that does not answer has left in the kernel. */
struct hokm_left {
	struct hokm_own own;
	uint64_t owner_until_ns; /* as hokm_bpf_owner_until() */
	uint64_t linger_ns;
	const char *mode;        /* as hokm_bpf_mode() */
	bool ingress, egress;    /* our program is attached */
	uint64_t local, steered; /* established connections, by where their packets go */
};

/*
 * Reads the pins and walks once through map conns. Returns 0; -ENOENT when nothing is pinned; or
 * another -errno, logged as an error.
 */
int hokm_bpf_look_left(const struct conf *c, struct hokm_left *left);

/* Frees the handle. Programs, links, maps and pins stay. NULL is allowed. */
void hokm_bpf_close(struct hokm_bpf *b);

/*
 * Detaches all programs, removes the pins and the folder of the node. It needs nothing but the
 * pins. Returns 0, also when nothing was there, or the first -errno, logged.
 */
int hokm_bpf_cleanup(const struct conf *c);

/* Returns the mode of the XDP program: "native", "generic", or "none" when none is attached. */
const char *hokm_bpf_mode(const struct hokm_bpf *b);

/*
 * The XDP program of an interface, ours or that of others. Writes its id, 0 for none, and its name.
 * Returns 0 or -errno.
 */
#define HOKM_BPF_NAME_MAX 17
int hokm_bpf_program_of(int ifindex, uint32_t *id, char name[HOKM_BPF_NAME_MAX]);
/* A program of this name on an interface is that of a node or of a witness. */
bool hokm_bpf_is_ours(const char *name);

/* Returns the folder of the pins. It is valid as long as the handle. */
const char *hokm_bpf_folder(const struct hokm_bpf *b);

/* Returns the index of the interface. */
int hokm_bpf_ifindex(const struct hokm_bpf *b);

/* ---- what others remove, or put before ours ---- */

/*
 * Read back from the kernel whether the ingress link, the egress filter and all pins are there, and
 * put back what is missing. Each returns how many things were put back, 0 when all were there, or
 * -errno. Failures of ingress and pins are logged, with the program that is in the way; but for
 * -EMEDIUMTYPE: no bpffs is mounted where the pins were.
 */
int hokm_bpf_again_ingress(struct hokm_bpf *b);
int hokm_bpf_again_egress(struct hokm_bpf *b);
int hokm_bpf_again_pins(struct hokm_bpf *b);
#define HOKM_AGAIN_TEXT_MAX (CONF_PATH_MAX + 192)
/* The error of one of them in words; some are written to dst. bpffs: as configured. */
const char *hokm_bpf_again_text(int err, const char *bpffs, char dst[HOKM_AGAIN_TEXT_MAX]);

/*
 * The interface was made again, with this index: from now on the handle is about that one.
 * hokm_bpf_move() also writes the index to map meta; then the functions above attach the programs.
 * hokm_bpf_follow() brings another handle after that. Each returns 0 or -errno.
 */
int hokm_bpf_move(struct hokm_bpf *b, int ifindex);
int hokm_bpf_follow(struct hokm_bpf *b, int ifindex);

/*
 * Makes a handle for another thread, on which the functions of this section and of the next one
 * work. It may outlive b. Returns 0 or -errno. The caller closes *out with hokm_bpf_close().
 */
int hokm_bpf_twin(const struct hokm_bpf *b, struct hokm_bpf **out);

/* A filter or program of others that may keep packets from our filter on an interface. */
struct hokm_foreign {
	int ifindex;
	char kind[16];     /* "tcx", or the kind of the filter: "bpf", "u32" ... */
	uint32_t priority; /* of the filter; 0 for tcx */
	uint32_t id;       /* of the program, 0 unknown */
	char name[64];     /* of the program, "" unknown */
};

/*
 * Lists what runs before our filter: at egress of our own interface, at ingress of another one.
 * Returns how many there are in `list`, at most `max`, or -errno.
 */
int hokm_bpf_foreign(const struct hokm_bpf *b, int ifindex, struct hokm_foreign *list,
		     unsigned int max);

/* ---- fences: the other interfaces of the machine ---- */

/*
 * Makes sure that this interface, which is not that of the instance, has its fence: on it the
 * machine answers no ARP for a VIP and takes no connection without a lease. Returns 1 when the
 * fence was put there, 0 when it was there already, or -errno.
 */
int hokm_bpf_fence_put(struct hokm_bpf *b, int ifindex);

/* Removes the fence of an interface. Returns 0, also when there was none, or -errno. */
int hokm_bpf_fence_remove(struct hokm_bpf *b, int ifindex);

/* Reads what the fence saw. Returns 0, -ENOENT when the interface has none, or -errno. */
int hokm_bpf_fence_get(struct hokm_bpf *b, int ifindex, struct hokm_fence *out);

/* ---- settings and states ---- */

int hokm_bpf_get_cfg(struct hokm_bpf *b, struct hokm_cfg *out);
int hokm_bpf_set_cfg(struct hokm_bpf *b, const struct hokm_cfg *in);
/* Writes boot_ahead_ns of cfg alone. */
int hokm_bpf_set_boot_ahead(struct hokm_bpf *b, uint64_t ns);
int hokm_bpf_set_keys(struct hokm_bpf *b, const struct hokm_keys *in);
int hokm_bpf_get_own(struct hokm_bpf *b, struct hokm_own *out);

/* Writes ownership. The lease is written last, as one 64-bit word. */
int hokm_bpf_set_own(struct hokm_bpf *b, const struct hokm_own *in);

/*
 * Map grants in memory; it stays b's, and NULL means that this handle lacks it. The packet path
 * changes it at any time: use the functions of hokm/grant.h and hokm/grant_count.h. A map that was
 * adopted knows its promises: then only longest_ns may be written, and silent_until_ns if it is 0.
 */
struct hokm_grants *hokm_bpf_grants(const struct hokm_bpf *b);

/*
 * Until when this node is owner, if it has this lease: the lease and, where they count, the grants
 * of a majority. 0: it is not. Everything that asks whether this node is owner asks this. b may be
 * NULL: a node without a packet path, as in tests, has its lease alone.
 */
uint64_t hokm_bpf_owner_until(const struct hokm_bpf *b, uint64_t lease_until_ns);

int hokm_bpf_get_service(struct hokm_bpf *b, unsigned int slot, struct hokm_service *out);
int hokm_bpf_set_service(struct hokm_bpf *b, unsigned int slot, const struct hokm_service *in);
int hokm_bpf_get_suspect(struct hokm_bpf *b, unsigned int slot, struct hokm_suspect *out);

/*
 * Steers new connections away from the local service until `until_ns`. 0 ends that, and also ends
 * what the packet path began when the service refused a SYN.
 */
int hokm_bpf_hold_suspect(struct hokm_bpf *b, unsigned int slot, uint64_t until_ns);

int hokm_bpf_get_peer(struct hokm_bpf *b, unsigned int slot, struct hokm_peer *out);
/* The same of the peer on a path beside the segment: 1 to HOKM_MAX_PATHS. */
int hokm_bpf_get_path_peer(struct hokm_bpf *b, unsigned int path, unsigned int slot,
			   struct hokm_path_peer *out);
/* The path is another one now, or leads to another address of the peer. */
int hokm_bpf_clear_path_peer(struct hokm_bpf *b, unsigned int path, unsigned int slot);
/* Notes a sign of life of the peer that this process verified. */
int hokm_bpf_note_sign(struct hokm_bpf *b, unsigned int slot, uint64_t now_ns);
/* Forgets what is known of the peer of this slot, its MAC address too. */
int hokm_bpf_clear_peer(struct hokm_bpf *b, unsigned int slot);

/* ---- counters and times ---- */

/* Adds up the counters of all CPUs. `slot` is that of a service, or HOKM_NODE_SLOT. */
int hokm_bpf_get_counters(struct hokm_bpf *b, unsigned int slot, struct hokm_counters *out);

/* Adds up the latency histograms of all CPUs. */
int hokm_bpf_get_latency(struct hokm_bpf *b, unsigned int slot, struct hokm_latency *out);

/*
 * Counts the requests of this kind that began in [from_ns, to_ns), rounded down to units of
 * HOKM_WAIT_NS, and that still wait for their answer. *oldest_ns (may be NULL) is when the oldest
 * counted one began, 0 for none.
 */
enum hokm_bpf_wait { HOKM_WAIT_UPGRADE, HOKM_WAIT_PING };
int hokm_bpf_count_waits(struct hokm_bpf *b, unsigned int slot, enum hokm_bpf_wait kind,
			 uint64_t from_ns, uint64_t to_ns, uint32_t *n, uint64_t *oldest_ns);

/* Returns the file descriptor of the map events, for perf_buffer__new(). It stays owned by b. */
int hokm_bpf_events_fd(const struct hokm_bpf *b);

/* ---- connections ---- */

/* Returns the sets of map half_open, a power of two, or 0 on failure. */
uint32_t hokm_bpf_half_open_sets(const struct hokm_bpf *b);

/*
 * Calls fn for every entry of map conns (half = false) or half_open (half = true). When fn returns
 * non-zero, the walk stops and returns that value. Returns 0 at the end of the map, or -errno.
 */
typedef int (*hokm_conn_fn)(const struct hokm_conn_key *k, const struct hokm_conn *c, void *arg);
int hokm_bpf_walk_conns(struct hokm_bpf *b, bool half, hokm_conn_fn fn, void *arg);

/* A client, and the VIP from which it is answered. */
struct hokm_client {
	struct in_addr addr, vip;
	uint64_t sent_ns; /* when a packet to it left this node last; 0: none is known */
};

/*
 * Writes clients, each one once, of established connections that this node tracks or peers
 * replicated: at most `max`, of the few entries that are read. Returns how many.
 */
unsigned int hokm_bpf_some_clients(struct hokm_bpf *b, struct hokm_client *list, unsigned int max);

/* Reads one entry of conns. Returns 0, -ENOENT when there is none, or another -errno. */
int hokm_bpf_get_conn(struct hokm_bpf *b, const struct hokm_conn_key *k, struct hokm_conn *out);

/*
 * Deletes the entry of a connection, and removes its unanswered requests from map waits. Returns 0,
 * -ENOENT when there was no entry, or another -errno.
 */
int hokm_bpf_delete_conn(struct hokm_bpf *b, const struct hokm_conn_key *k);

/*
 * The filter in front of map conns (bpf/conn_bits.h) is made anew by a whole walk: begin, put for
 * each entry that the walk visits, also one that it deletes, and end after the last one. A walk
 * that fails or is given up changes nothing, and neither do put and end by another handle. Begin
 * returns 0, -EAGAIN when a program stores an entry at this moment, so that this walk cannot do it,
 * or another -errno.
 */
int hokm_bpf_bits_begin(struct hokm_bpf *b);
void hokm_bpf_bits_put(struct hokm_bpf *b, const struct hokm_conn_key *k);
void hokm_bpf_bits_end(struct hokm_bpf *b);

/* A position in a walk that goes on with the next call. All zero: the start of the map. */
struct hokm_conn_cursor {
	bool started;
	uint32_t batch[2]; /* opaque to all but the kernel */
};

/*
 * One slice of a walk through map conns, for expiry: calls fn for about `max` entries from *cursor
 * on and deletes those for which fn returns 1. Returns how many entries were visited, or -errno.
 * *done is set to true when the slice reached the end of the map.
 */
int hokm_bpf_sweep_conns(struct hokm_bpf *b, struct hokm_conn_cursor *cursor, unsigned int max,
			 hokm_conn_fn fn, void *arg, bool *done);

/* ---- map replica: connections whose sockets are on peers ---- */

/* Reads one entry. Returns 0, -ENOENT when there is none, or another -errno. */
int hokm_bpf_get_replica(struct hokm_bpf *b, const struct hokm_conn_key *k,
			 struct hokm_replica *out);

/* Adds or overwrites one entry. Returns 0, -E2BIG or -ENOSPC when the map is full, or -errno. */
int hokm_bpf_set_replica(struct hokm_bpf *b, const struct hokm_conn_key *k,
			 const struct hokm_replica *in);

/* Deletes one entry. Returns 0, also when there was none, or -errno. */
int hokm_bpf_delete_replica(struct hokm_bpf *b, const struct hokm_conn_key *k);

/*
 * The same as hokm_bpf_walk_conns() and hokm_bpf_sweep_conns(), for map replica. The walk works on
 * a view too.
 */
typedef int (*hokm_replica_fn)(const struct hokm_conn_key *k, const struct hokm_replica *r,
			       void *arg);
int hokm_bpf_walk_replica(struct hokm_bpf *b, hokm_replica_fn fn, void *arg);
int hokm_bpf_sweep_replica(struct hokm_bpf *b, struct hokm_conn_cursor *cursor, unsigned int max,
			   hokm_replica_fn fn, void *arg, bool *done);

/* ---- map changes: local connections that were established or ended ---- */

/* Calls fn for every record that waits, oldest first. Returns how many there were, or -errno. */
typedef void (*hokm_change_fn)(const struct hokm_change *change, void *arg);
int hokm_bpf_read_changes(struct hokm_bpf *b, hokm_change_fn fn, void *arg);

/* ---- a second handle ---- */

/*
 * Makes a handle for another thread. It shares nothing with b and may outlive b. On it work
 * hokm_bpf_walk_conns(), hokm_bpf_walk_replica() and hokm_bpf_get_latency(). Returns 0 or -errno.
 * The caller closes *out with hokm_bpf_close().
 */
int hokm_bpf_view(const struct hokm_bpf *b, struct hokm_bpf **out);

#endif
