/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files behind path/bpf.h share. No file outside user/path includes this header.
 *
 *   bpf.c         opening, adopting, closing, cleanup: the order of the steps and how to undo them
 *   bpf_load.c    the BPF object: open it, size or reuse its maps, load it, explain its errors
 *   bpf_elf.c     the bytes of the BPF object
 *   bpf_layout.c  the hash of the layout of the maps
 *   bpf_reuse.c   whether the pinned programs are those of this binary
 *   bpf_pins.c    the folder of the node in the bpffs
 *   bpf_xdp.c     ingress: the link, foreign programs, native and generic mode
 *   bpf_tc.c      egress and fences: the clsact filters
 *   bpf_fence.c   the fences on the other interfaces of the machine
 *   bpf_upkeep.c  reading back what is attached and pinned, and putting it back
 *   bpf_foreign.c filters and programs of others before ours
 *   bpf_maps.c    reading and writing the small maps
 *   bpf_grants.c  map grants
 *   bpf_bits.c    making the filter in front of map conns anew
 *   bpf_walk.c    walking and expiring local connections and replicated ones
 *   bpf_witness.c the packet path of a witness: one program and a few maps
 *   bpf_witness_left.c  whose pins these are, and what a witness left in other folders
 *   bpf_left.c    what a daemon that does not answer has left
 *   bpf_changes.c the ring of established and ended connections
 */
#ifndef HOKM_PATH_BPF_INTERNAL_H
#define HOKM_PATH_BPF_INTERNAL_H

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <net/if.h>

#include "path/bpf.h"
#include "path/bpf_witness.h"

/*
 * Every map that user space uses. All are pinned. The first ones hold what a later daemon adopts;
 * the others are taken over only with the programs that use them. The values index hokm_bpf.map and
 * pins.map.
 */
enum bpf_map_id {
	MAP_CFG,
	MAP_OWN,
	MAP_GRANTS,
	MAP_SERVICES,
	MAP_SUSPECTS,
	MAP_PEERS,
	MAP_PATH_PEERS,
	MAP_PEER_MACS,
	MAP_CONNS,
	MAP_CONN_BITS,
	MAP_HALF_OPEN,
	MAP_WAITS,
	MAP_REPLICA,
	MAP_CHANGES,
	MAP_COUNTERS,
	MAP_LATENCY,
	MAP_EVENTS,
	MAP_EVENT_LIMITS,
	MAP_META,
	MAP_ADOPTED, /* how many are adopted */
	MAP_KEYS = MAP_ADOPTED,
	MAP_FENCES,
	MAP_COUNT
};
extern const char *const bpf_map_names[MAP_COUNT];

#define PROG_INGRESS "hokm_ingress"
#define PROG_EGRESS  "hokm_egress"
#define PROG_FENCE   "hokm_fence"
#define PROG_WITNESS "hokm_witness"

#define PIN_DIR_MAX  (CONF_PATH_MAX + CONF_NAME_MAX + 16)
#define PIN_PATH_MAX (PIN_DIR_MAX + 32)
#define PIN_INGRESS  "prog_ingress"
#define PIN_EGRESS   "prog_egress"
#define PIN_FENCE    "prog_fence"
#define PIN_LINK     "link_ingress"

/* The folder of the folders of witnesses. */
#define PIN_ROOT_WITNESS "hokm-xdp-witness"

struct hokm_bpf {
	int map[MAP_COUNT]; /* -1: not open, as are those without a pin after opening the pins */
	int ifindex;
	/* Of a handle that loaded the programs, else -1: the programs, and the link of ingress. */
	int ingress, egress, fence, link;
	int lock;                 /* of a witness from opening to attaching, else -1 */
	char dir[PIN_DIR_MAX];    /* of the pins, "" in a view */
	char ifname[IF_NAMESIZE]; /* as configured */
	const char *mode;
	/* Maps that are mapped into memory. NULL in a view. */
	uint64_t *own;
	struct hokm_grants *grants;
	uint64_t *peers;
	uint64_t *path_peers;
	uint64_t *peer_macs;
	uint64_t *suspects;
	struct hokm_waits *waits;
	struct hokm_conn_bits *conn_bits;
	bool making_bits;            /* conn_bits is made anew */
	uint64_t hash_seed;          /* of cfg, meanwhile */
	struct ring_buffer *changes; /* NULL until the first read */
	hokm_change_fn change_fn;    /* of the present read */
	void *change_arg;
	unsigned int n_cpus;
	unsigned char *percpu; /* one value of the largest per-CPU map for each possible CPU */
	/* Buffers for batches of a walk, with room for batch_max entries each. */
	unsigned int batch_max;
	struct hokm_conn_key *batch_keys;
	struct hokm_conn *batch_conns;
};

/* bpf_pins.c: what is pinned for this node. A descriptor is -1 when the pin does not exist. */
struct pins {
	char dir[PIN_DIR_MAX];
	int map[MAP_COUNT];
	unsigned int n_maps; /* of the adopted ones */
	int link;
	int ingress;
	int egress;
	int fence;
	bool any;              /* at least one pin exists */
	struct hokm_meta meta; /* zero when it cannot be read or was never written */
};

/* Writes the name of the folder to `dir`. Returns 0, -ENAMETOOLONG or -EINVAL. */
int pins_dir(const struct conf *c, char dir[PIN_DIR_MAX]);
/* The same for the witness with this name. Its folder lies beside those of nodes. */
int pins_dir_witness(const struct conf *c, const char *name, char dir[PIN_DIR_MAX]);

/*
 * A bpffs that was mounted by hand is open to all users, as /tmp is: anybody may have made a folder
 * of this name, and would rule over the pins and the lock in it. Returns true, logged, when another
 * user than root and that of this process owns it or may write to it. False when there is none.
 */
bool pins_dir_is_foreign(const char *path);
/*
 * Checks that the folder lies in a bpffs, and creates it (0700). Returns 0 or -errno, logged;
 * -EBUSY when it is foreign.
 */
int pins_make_dir(const struct conf *c, const char *dir);

/*
 * Opens every pin that exists. Returns 0, also when there is none, or -errno, logged; -EBUSY when
 * the folder is foreign. The caller closes *p with pins_close().
 */
int pins_open(const char *dir, struct pins *p);
void pins_close(struct pins *p);

/* Writes the path of a pin to `path`. Returns 0 or -ENAMETOOLONG. */
int pins_path(const char *dir, const char *name, char path[PIN_PATH_MAX]);

/* Pins fd. An earlier pin of that name is replaced atomically. Returns 0 or -errno, logged. */
int pins_put(const char *dir, const char *name, int fd);

/* Removes every pin and the folder. Returns 0, also when there is no folder, or -errno, logged. */
int pins_remove(const char *dir);
/* The same without the folder above it, which others may have locked. */
int pins_remove_folder(const char *dir);

/* bpf_cleanup.c: detaches the pinned ingress link from its interface. 0 or -errno, logged. */
int bpf_detach_ingress(const struct pins *p);

/*
 * bpf_cleanup.c: returns the interface of this network namespace that has the program of these
 * pins, 0 for none.
 */
int pins_interface(const struct pins *p);

/*
 * bpf_witness_left.c: whether the pins have the address and port of this witness, in whatever
 * version. False also when they are not whole.
 */
bool witness_pins_are_of(const struct pins *p, const struct conf *c, unsigned int self);

/*
 * bpf_witness_left.c: whether these pins, which have the name of this witness, must not be touched:
 * their program is on an interface of another network namespace, or their witness has another
 * address or port, and its process runs, or may come again to a program that answers here.
 */
bool witness_pins_of_another(const struct pins *p, const struct conf *c, unsigned int self,
			     hokm_witness_process_fn process);

/*
 * bpf_witness_left.c: makes processes that open or remove a witness in this bpffs wait for each
 * other. What is locked is the folder above those of the witnesses, which is made if it is missing:
 * in a bpffs that others may enter, this folder is still root's alone. Nobody but the holder of the
 * lock removes it. Returns a descriptor for witness_unlock(), -EBUSY, logged, after a bounded wait,
 * or -ENOENT when there is no bpffs: then there is nothing to wait for.
 */
int witness_lock(const char *bpffs);
/* Removes the folder if it is empty, and ends the lock. Nothing happens when lock < 0. */
void witness_unlock(const char *bpffs, int lock);

/*
 * bpf_witness_left.c: removes the programs and pins that this witness left in other folders than
 * `own_dir`; it is known by its address and port. Nobody else may run as this witness: the caller
 * has its port. Returns how many there were, or the first -errno, logged.
 */
int witness_left_remove(const struct conf *c, unsigned int self, const char *own_dir);

/*
 * bpf_cleanup.c: removes the packet paths that daemons of other names left in this network
 * namespace. `own_dir` is the folder of this node. Returns 0 or the first -errno, logged;
 * -EADDRINUSE: such a daemon is alive, and nothing of it was touched.
 */
int leftovers_remove(const char *own_dir);

/* ---- bpf_load.c ---- */

/*
 * Opens the BPF object and hashes its layout. Returns 0 or -errno, logged. The caller closes *out
 * with bpf_object__close().
 */
int load_open(struct bpf_object **out, uint64_t *layout_hash);

/*
 * Checks that the kernel has BTF, and sizes the maps by the configuration, or with `adopt` reuses
 * the adopted maps of `p` after a look at their types and sizes. Returns 0 or -errno, logged.
 */
int load_prepare(struct bpf_object *obj, const struct conf *c, const struct pins *p, bool adopt);

/* Loads the programs, with the maps that load_prepare() chose. Returns 0 or -errno, logged. */
int load_object(struct bpf_object *obj, const struct conf *c);

/*
 * Loads the program of a witness alone, with new maps, or with `adopt` those of `p`. Returns 0 or
 * -errno, logged.
 */
int load_witness(struct bpf_object *obj, const struct conf *c, const struct pins *p, bool adopt);

/* The maps of a witness, terminated by MAP_COUNT. All of them are adopted. */
extern const enum bpf_map_id bpf_witness_maps[];

/*
 * bpf_layout.c: computes FNV-1a 64 over names, offsets and sizes of all keys and values of the
 * adopted maps, down to their members. Returns 0 or -errno.
 */
int layout_hash(const struct bpf_object *obj, uint64_t *out);

/* ---- bpf_reuse.c ---- */

/* Returns the build id of the BPF object in this binary, never 0. */
uint64_t build_id(void);

/*
 * Returns NULL when the pinned programs are those of this binary, whole, and use the pinned maps:
 * then loading the object anew would change nothing. Otherwise the reason, in words.
 */
const char *reuse_obstacle(const struct pins *p);

/* Reads the tag of a program; 0 on failure. */
uint64_t prog_tag(int prog_fd);

/* ---- bpf_xdp.c ---- */

/* What xdp_attach() attaches where. Everything is borrowed. */
struct xdp_job {
	int ifindex;
	const char *ifname;
	int prog_fd;
	const struct hokm_bpf_opts *opts;
	const struct pins *pins;
};

/*
 * Attaches the ingress program: updates the pinned link, or creates a link and pins it. Returns 0
 * or -errno, logged; on an error the interface is as before.
 */
int xdp_attach(const struct xdp_job *j);

/* Returns the mode of the XDP program of an interface: "native", "generic", or "none". */
const char *xdp_mode(int ifindex);

/*
 * Returns the interface that a link is attached to, 0 for none, or -errno. *program (may be NULL)
 * is the id of its program.
 */
int xdp_link_ifindex(int link_fd, uint32_t *program);

/* Returns the id of a loaded program, 0 on failure. */
uint32_t bpf_prog_id_of(int prog_fd);

/* ---- bpf_tc.c ---- */

/* Our filters have a handle and a priority of their own. */
#define TC_HANDLE   0x484b /* "HK" */
#define TC_PRIORITY 0x484b

/* Which filter of ours: that of the egress program, or the fence at the ingress of an interface. */
enum tc_filter { TC_EGRESS, TC_FENCE };

/*
 * Attaches a program: adds our filter or replaces it. Returns 0 or -errno. -EBUSY: the interface
 * has the qdisc `ingress` of another program, which has no egress.
 */
int tc_attach(int ifindex, enum tc_filter which, int prog_fd);

/* Returns the id of the program of our filter, 0 when there is none that sees its packets. */
uint32_t tc_program(int ifindex, enum tc_filter which);
/* The same, whatever packets the list of filters sees in which it is. */
uint32_t tc_listed(int ifindex, enum tc_filter which);

/*
 * Removes our filter, and the qdisc when no other filter uses it. Returns 0, also when there was no
 * filter, or -errno, logged.
 */
int tc_detach(int ifindex, enum tc_filter which);

/* bpf_fence.c: removes the fences of all interfaces. Returns 0 or the first -errno, logged. */
int fence_remove_all(void);

/*
 * bpf_upkeep.c: opens the pinned link into b->link. So the link stays when another program
 * removes its pin. Returns 0 or -errno.
 */
int bpf_hold_link(struct hokm_bpf *b);

/* Attaches b->ingress to the interface of b, and holds and pins its link. 0 or -errno, logged. */
int bpf_attach_ingress(struct hokm_bpf *b);

/* ---- bpf_maps.c ---- */

/* bpf.c: a handle without anything in it, or NULL; each handle begins so. */
struct hokm_bpf *bpf_blank(void);

/* bpf.c: the same with the buffers of bpf_maps_init(). */
struct hokm_bpf *bpf_new(void);

/* Allocates the buffers of b. Returns 0, -ENOMEM, or -errno. */
int bpf_maps_init(struct hokm_bpf *b);

/* bpf_bits.c: sets all bits, for programs of another build than the one that set them. */
void bpf_bits_fill(struct hokm_bpf *b);

/*
 * Maps own, grants, peers, path_peers, peer_macs, suspects, waits and conn_bits into memory; their
 * descriptors must be open. 0 or -errno.
 */
int bpf_maps_map(struct hokm_bpf *b);
/* The same for a witness: grants, peers and peer_macs, and nothing else. */
int bpf_maps_map_witness(struct hokm_bpf *b);
void bpf_maps_unmap(struct hokm_bpf *b);

/*
 * bpf_grants.c: a new map does not know what this node promised before: it grants nothing until all
 * of that has ended. longest_ns: the longest grant that it gives; 0: it takes no part.
 */
void bpf_grants_begin(struct hokm_bpf *b, uint64_t longest_ns);

/* A peer loses its slot: nothing that it was promised, or answered, belongs to the next one. */
void bpf_grants_forget(struct hokm_bpf *b, unsigned int slot);

/* Removes the unanswered requests of a deleted connection from map waits. */
void bpf_waits_forget(struct hokm_bpf *b, const struct hokm_conn_key *k, const struct hokm_conn *c);

/* bpf_changes.c: frees the reader of map changes, when there is one. */
void bpf_changes_close(struct hokm_bpf *b);

#endif
