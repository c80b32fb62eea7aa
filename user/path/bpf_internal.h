/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files behind path/bpf.h share.
 *
 *   bpf.c         open, adopt, close, cleanup: the order of things, and how they are undone
 *   bpf_load.c    the object: open, size, reuse, load; what its errors mean
 *   bpf_elf.c     its bytes
 *   bpf_layout.c  hash of the maps' layout
 *   bpf_pins.c    the node's folder in the bpffs
 *   bpf_xdp.c     ingress: link, foreign programs, native and generic
 *   bpf_tc.c      egress: clsact filter
 *   bpf_maps.c    reading and writing the small maps
 *   bpf_walk.c    walking and expiring connections, here and on peers
 *   bpf_changes.c the ring of openings and ends
 */
#ifndef HOKM_ACT_BPF_INTERNAL_H
#define HOKM_ACT_BPF_INTERNAL_H

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "path/bpf.h"

/* Every map; the pinned ones first. Values index hokm_bpf.map and pins.map. */
enum bpf_map_id {
	MAP_CFG,
	MAP_OWN,
	MAP_SERVICES,
	MAP_SUSPECTS,
	MAP_PEERS,
	MAP_CONNS,
	MAP_HALF_OPEN,
	MAP_WAITS,
	MAP_REPLICA,
	MAP_CHANGES,
	MAP_COUNTERS,
	MAP_LATENCY,
	MAP_EVENTS,
	MAP_EVENT_LIMITS,
	MAP_META,
	MAP_PINNED, /* how many are pinned */
	MAP_KEYS = MAP_PINNED,
	MAP_COUNT
};
extern const char *const bpf_map_names[MAP_COUNT];

#define PROG_INGRESS "hokm_ingress"
#define PROG_EGRESS  "hokm_egress"

#define PIN_DIR_MAX  (CONF_PATH_MAX + CONF_NAME_MAX + 16)
#define PIN_PATH_MAX (PIN_DIR_MAX + 32)
#define PIN_INGRESS  "prog_ingress"
#define PIN_EGRESS   "prog_egress"
#define PIN_LINK     "link_ingress"

struct hokm_bpf {
	int map[MAP_COUNT]; /* -1: not open (keys, when only the pins were opened) */
	int ifindex;
	const char *mode;
	uint64_t *own;      /* map own, mapped */
	uint64_t *peers;    /* map peers, mapped read-only */
	uint64_t *suspects; /* map suspects, mapped */
	struct hokm_waits *waits;
	struct ring_buffer *changes; /* NULL until it is first read */
	hokm_change_fn change_fn;    /* of the read that goes on */
	void *change_arg;
	unsigned int n_cpus;
	unsigned char *percpu;  /* one value of the largest per-CPU map for each possible CPU */
	unsigned int batch_max; /* entries the two below hold */
	struct hokm_conn_key *batch_keys;
	struct hokm_conn *batch_conns;
};

/* bpf_pins.c: what is pinned for this node. Every fd -1 when absent. */
struct pins {
	char dir[PIN_DIR_MAX];
	int map[MAP_PINNED];
	unsigned int n_maps;
	int link;
	int ingress;
	int egress;
	bool any;
	struct hokm_meta meta; /* zero when unreadable or never written */
};

/* The folder's name; -ENAMETOOLONG or -EINVAL. */
int pins_dir(const struct conf *c, char dir[PIN_DIR_MAX]);
/* Checks that it would lie in a bpffs and makes it (0700). 0 or -errno, logged. */
int pins_make_dir(const struct conf *c, const char *dir);
/* Opens all that is there. 0 also when nothing is. Caller: pins_close(). */
int pins_open(const char *dir, struct pins *p);
void pins_close(struct pins *p);
int pins_path(const char *dir, const char *name, char path[PIN_PATH_MAX]);
/* Pins fd, atomically taking the place of what had that name. */
int pins_put(const char *dir, const char *name, int fd);
/* Removes every pin and the folder. 0 when it was not there. */
int pins_remove(const char *dir);

/* bpf_load.c */
/* Opens the object and hashes its layout. Caller: bpf_object__close(). 0 or -errno, logged. */
int load_open(struct bpf_object **out, uint64_t *layout_hash);
/* Sizes the maps, reuses what `p` has (all or nothing), loads. 0 or -errno, logged. */
int load_object(struct bpf_object *obj, const struct conf *c, const struct pins *p, bool adopt);

/* bpf_layout.c: FNV-1a 64 over names, offsets and sizes of all keys and values, recursively. */
int layout_hash(const struct bpf_object *obj, uint64_t *out);

/* bpf_xdp.c */
struct xdp_job {
	int ifindex;
	const char *ifname;
	int prog_fd;
	const struct hokm_bpf_opts *opts;
	const struct pins *pins;
};
/* Ingress: takes over the pinned link, or attaches anew and pins. 0 or -errno, logged, undone. */
int xdp_attach(const struct xdp_job *j);
/* "native", "generic", or "none". */
const char *xdp_mode(int ifindex);
/* Interface a link is attached to, 0 when to none. program: id, may be NULL. -errno. */
int xdp_link_ifindex(int link_fd, uint32_t *program);

/* Id of a loaded program, 0 on failure. */
uint32_t bpf_prog_id_of(int prog_fd);

/* bpf_tc.c */
/* Egress: adds or replaces our filter. *made: the clsact qdisc was made by this call. */
int tc_attach(int ifindex, int prog_fd, bool *made);
/* Id of the program at our place, 0 when there is none. */
uint32_t tc_program(int ifindex);
/* Removes our filter; the qdisc too when nothing else uses it. 0 when it was not there. */
int tc_detach(int ifindex);

/* bpf_maps.c */
/* Buffers for b: per-CPU values and batches. 0 or -ENOMEM. */
int bpf_maps_init(struct hokm_bpf *b);
/* Maps own and peers into the process, once their descriptors are there. 0 or -errno. */
int bpf_maps_map(struct hokm_bpf *b);
void bpf_maps_unmap(struct hokm_bpf *b);
/* bpf_changes.c */
void bpf_changes_close(struct hokm_bpf *b);
/* Takes what a deleted entry still waited for off map waits. */
void bpf_waits_forget(struct hokm_bpf *b, const struct hokm_conn_key *k, const struct hokm_conn *c);

#endif
