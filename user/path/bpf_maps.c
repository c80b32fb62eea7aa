/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading and writing the small maps. The functions return 0 or -errno and log nothing: the caller
 * knows what a failure means.
 *
 * The maps own and peers are used at every pulse and are mapped into memory: an access needs no
 * system call, and each 64-bit word is stored at once, so that the packet path never sees half a
 * lease. The maps grants, peers, path_peers, peer_macs, suspects and waits are mapped because BPF
 * writes them too: this file changes only single words of them. An access to another map is one
 * system call of about a microsecond.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "path/bpf_internal.h"

#define BATCH_ENTRIES 256

#define OWN_WORDS     (sizeof(struct hokm_own) / sizeof(uint64_t))
#define PEER_WORDS    (sizeof(struct hokm_peer) / sizeof(uint64_t))
#define PATH_WORDS    (sizeof(struct hokm_path_peer) / sizeof(uint64_t))
#define SUSPECT_WORDS (sizeof(struct hokm_suspect) / sizeof(uint64_t))

#define PATHS_SIZE    (HOKM_PATH_KEYS * sizeof(struct hokm_path_peer))
#define SUSPECTS_SIZE (HOKM_MAX_SERVICES * sizeof(struct hokm_suspect))
#define WAITS_SIZE    (HOKM_MAX_SERVICES * sizeof(struct hokm_waits))
#define PERCPU_SIZE                                                 \
	(sizeof(struct hokm_latency) > sizeof(struct hokm_counters) \
		 ? sizeof(struct hokm_latency)                      \
		 : sizeof(struct hokm_counters))

_Static_assert(sizeof(struct hokm_own) % sizeof(uint64_t) == 0, "own is whole words");
_Static_assert(sizeof(struct hokm_peer) % sizeof(uint64_t) == 0, "peer is whole words");
_Static_assert(offsetof(struct hokm_own, lease_until_ns) == 0, "the lease is the first word");

/* Maps one map into memory. *err keeps the first failure. */
static void *map_in(struct hokm_bpf *b, enum bpf_map_id id, size_t size, int prot, int *err)
{
	void *p = mmap(NULL, size, prot, MAP_SHARED, b->map[id], 0);

	if (p != MAP_FAILED)
		return p;
	if (!*err)
		*err = -errno;
	return NULL;
}

int bpf_maps_map(struct hokm_bpf *b)
{
	const int both = PROT_READ | PROT_WRITE;
	int err = 0;

	b->own = map_in(b, MAP_OWN, sizeof(struct hokm_own), both, &err);
	b->grants = map_in(b, MAP_GRANTS, sizeof(*b->grants), both, &err);
	b->peers = map_in(b, MAP_PEERS, HOKM_MAX_PEERS * sizeof(struct hokm_peer), both, &err);
	b->path_peers = map_in(b, MAP_PATH_PEERS, PATHS_SIZE, both, &err);
	b->peer_macs = map_in(b, MAP_PEER_MACS, sizeof(struct hokm_peer_macs), both, &err);
	b->suspects = map_in(b, MAP_SUSPECTS, SUSPECTS_SIZE, both, &err);
	b->waits = map_in(b, MAP_WAITS, WAITS_SIZE, both, &err);
	b->conn_bits = map_in(b, MAP_CONN_BITS, sizeof(*b->conn_bits), both, &err);
	return err;
}

int bpf_maps_map_witness(struct hokm_bpf *b)
{
	const int both = PROT_READ | PROT_WRITE;
	int err = 0;

	b->grants = map_in(b, MAP_GRANTS, sizeof(*b->grants), both, &err);
	b->peers = map_in(b, MAP_PEERS, HOKM_MAX_PEERS * sizeof(struct hokm_peer), both, &err);
	b->peer_macs = map_in(b, MAP_PEER_MACS, sizeof(struct hokm_peer_macs), both, &err);
	return err;
}

static void unmap(void *p, size_t size)
{
	if (p)
		munmap(p, size);
}

void bpf_maps_unmap(struct hokm_bpf *b)
{
	unmap(b->own, sizeof(struct hokm_own));
	unmap(b->grants, sizeof(*b->grants));
	unmap(b->peers, HOKM_MAX_PEERS * sizeof(struct hokm_peer));
	unmap(b->path_peers, PATHS_SIZE);
	unmap(b->peer_macs, sizeof(struct hokm_peer_macs));
	unmap(b->suspects, SUSPECTS_SIZE);
	unmap(b->waits, WAITS_SIZE);
	unmap(b->conn_bits, sizeof(*b->conn_bits));
	b->own = b->peers = b->path_peers = b->peer_macs = b->suspects = NULL;
	b->grants = NULL;
	b->waits = NULL;
	b->conn_bits = NULL;
}

static void copy_words(void *out, const uint64_t *words, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t word = __atomic_load_n(&words[i], __ATOMIC_RELAXED);

		memcpy((char *)out + i * sizeof(word), &word, sizeof(word));
	}
}

int bpf_maps_init(struct hokm_bpf *b)
{
	int cpus = libbpf_num_possible_cpus();

	if (cpus < 0)
		return cpus;
	b->n_cpus = (unsigned int)cpus;
	b->percpu = calloc(b->n_cpus, PERCPU_SIZE);
	b->batch_keys = calloc(BATCH_ENTRIES, sizeof(*b->batch_keys));
	b->batch_conns = calloc(BATCH_ENTRIES, sizeof(*b->batch_conns));
	b->batch_max = BATCH_ENTRIES;
	return b->percpu && b->batch_keys && b->batch_conns ? 0 : -ENOMEM;
}

static int get(struct hokm_bpf *b, enum bpf_map_id id, unsigned int slot, unsigned int slots,
	       void *out)
{
	uint32_t key = slot;

	if (slot >= slots)
		return -EINVAL;
	return b->map[id] < 0 ? -EBADF : bpf_map_lookup_elem(b->map[id], &key, out);
}

static int set(struct hokm_bpf *b, enum bpf_map_id id, unsigned int slot, unsigned int slots,
	       const void *in)
{
	uint32_t key = slot;

	if (slot >= slots)
		return -EINVAL;
	return b->map[id] < 0 ? -EBADF : bpf_map_update_elem(b->map[id], &key, in, BPF_ANY);
}

int hokm_bpf_get_cfg(struct hokm_bpf *b, struct hokm_cfg *out)
{
	return get(b, MAP_CFG, 0, 1, out);
}

int hokm_bpf_set_cfg(struct hokm_bpf *b, const struct hokm_cfg *in)
{
	return set(b, MAP_CFG, 0, 1, in);
}

int hokm_bpf_set_boot_ahead(struct hokm_bpf *b, uint64_t ns)
{
	struct hokm_cfg cfg;
	int err = hokm_bpf_get_cfg(b, &cfg);

	cfg.boot_ahead_ns = ns;
	return err ? err : hokm_bpf_set_cfg(b, &cfg);
}

int hokm_bpf_set_keys(struct hokm_bpf *b, const struct hokm_keys *in)
{
	return set(b, MAP_KEYS, 0, 1, in);
}

int hokm_bpf_get_own(struct hokm_bpf *b, struct hokm_own *out)
{
	if (!b->own)
		return -EBADF;
	copy_words(out, b->own, OWN_WORDS);
	return 0;
}

int hokm_bpf_set_own(struct hokm_bpf *b, const struct hokm_own *in)
{
	uint64_t words[OWN_WORDS];

	if (!b->own)
		return -EBADF;
	memcpy(words, in, sizeof(words));
	/*
	 * Word 0, the lease, is written last: when the lease is dropped, the successor is already
	 * named; when it is taken, everything else is already in place.
	 */
	for (size_t i = OWN_WORDS; i-- > 0;)
		__atomic_store_n(&b->own[i], words[i], __ATOMIC_RELEASE);
	return 0;
}

int hokm_bpf_get_service(struct hokm_bpf *b, unsigned int slot, struct hokm_service *out)
{
	return get(b, MAP_SERVICES, slot, HOKM_MAX_SERVICES, out);
}

int hokm_bpf_set_service(struct hokm_bpf *b, unsigned int slot, const struct hokm_service *in)
{
	return set(b, MAP_SERVICES, slot, HOKM_MAX_SERVICES, in);
}

int hokm_bpf_get_suspect(struct hokm_bpf *b, unsigned int slot, struct hokm_suspect *out)
{
	if (slot >= HOKM_MAX_SERVICES)
		return -EINVAL;
	if (!b->suspects)
		return -EBADF;
	copy_words(out, b->suspects + slot * SUSPECT_WORDS, SUSPECT_WORDS);
	return 0;
}

int hokm_bpf_hold_suspect(struct hokm_bpf *b, unsigned int slot, uint64_t until_ns)
{
	const size_t held = offsetof(struct hokm_suspect, held_until_ns) / sizeof(uint64_t);
	const size_t refused = offsetof(struct hokm_suspect, until_ns) / sizeof(uint64_t);
	uint64_t *words;

	if (slot >= HOKM_MAX_SERVICES)
		return -EINVAL;
	if (!b->suspects)
		return -EBADF;
	words = b->suspects + slot * SUSPECT_WORDS;
	__atomic_store_n(&words[held], until_ns, __ATOMIC_RELAXED);
	if (!until_ns)
		__atomic_store_n(&words[refused], 0, __ATOMIC_RELAXED);
	return 0;
}

/* ---- map waits: requests without an answer ---- */

/* Returns the counter of the requests that began at this time. */
static uint32_t *wait_place(uint32_t *ring, uint64_t began_ns)
{
	return &ring[(began_ns >> HOKM_WAIT_SHIFT) & (HOKM_WAIT_SLOTS - 1)];
}

int hokm_bpf_count_waits(struct hokm_bpf *b, unsigned int slot, enum hokm_bpf_wait kind,
			 uint64_t from_ns, uint64_t to_ns, uint32_t *n, uint64_t *oldest_ns)
{
	uint64_t first = from_ns >> HOKM_WAIT_SHIFT, end = to_ns >> HOKM_WAIT_SHIFT;
	uint32_t *ring;

	*n = 0;
	if (oldest_ns)
		*oldest_ns = 0;
	if (slot >= HOKM_MAX_SERVICES)
		return -EINVAL;
	if (!b->waits)
		return -EBADF;
	ring = kind == HOKM_WAIT_PING ? b->waits[slot].ping : b->waits[slot].upgrade;
	/* Requests older than the ring share a counter with younger ones: count each place once. */
	if (end > first + HOKM_WAIT_SLOTS)
		first = end - HOKM_WAIT_SLOTS;
	for (uint64_t t = first; t < end; t++) {
		uint64_t began_ns = t << HOKM_WAIT_SHIFT;
		uint32_t here = __atomic_load_n(wait_place(ring, began_ns), __ATOMIC_RELAXED);

		if (here && oldest_ns && !*oldest_ns)
			*oldest_ns = began_ns ? began_ns : 1;
		*n += here;
	}
	return 0;
}

void bpf_waits_forget(struct hokm_bpf *b, const struct hokm_conn_key *k, const struct hokm_conn *c)
{
	struct hokm_waits *w;

	if (!b->waits || k->service >= HOKM_MAX_SERVICES)
		return;
	w = &b->waits[k->service];
	if (c->upgrade_ns)
		__atomic_sub_fetch(wait_place(w->upgrade, c->upgrade_ns), 1, __ATOMIC_RELAXED);
	if (c->ping_c2s_ns)
		__atomic_sub_fetch(wait_place(w->ping, c->ping_c2s_ns), 1, __ATOMIC_RELAXED);
}

int hokm_bpf_get_peer(struct hokm_bpf *b, unsigned int slot, struct hokm_peer *out)
{
	if (slot >= HOKM_MAX_PEERS)
		return -EINVAL;
	if (!b->peers)
		return -EBADF;
	copy_words(out, b->peers + slot * PEER_WORDS, PEER_WORDS);
	return 0;
}

int hokm_bpf_get_path_peer(struct hokm_bpf *b, unsigned int path, unsigned int slot,
			   struct hokm_path_peer *out)
{
	if (!path || path > HOKM_MAX_PATHS || slot >= HOKM_MAX_PEERS)
		return -EINVAL;
	if (!b->path_peers)
		return -EBADF;
	copy_words(out, b->path_peers + HOKM_PATH_KEY(path, slot) * PATH_WORDS, PATH_WORDS);
	return 0;
}

int hokm_bpf_clear_path_peer(struct hokm_bpf *b, unsigned int path, unsigned int slot)
{
	const struct hokm_path_peer none = {0};

	if (!path || path > HOKM_MAX_PATHS || slot >= HOKM_MAX_PEERS)
		return -EINVAL;
	return set(b, MAP_PATH_PEERS, HOKM_PATH_KEY(path, slot), HOKM_PATH_KEYS, &none);
}

int hokm_bpf_note_sign(struct hokm_bpf *b, unsigned int slot, uint64_t now_ns)
{
	const size_t alive = offsetof(struct hokm_peer, alive_ns) / sizeof(uint64_t);
	uint64_t *word;

	if (slot >= HOKM_MAX_PEERS)
		return -EINVAL;
	if (!b->peers)
		return -EBADF;
	word = &b->peers[slot * PEER_WORDS + alive];
	if (__atomic_load_n(word, __ATOMIC_RELAXED) < now_ns)
		__atomic_store_n(word, now_ns, __ATOMIC_RELAXED);
	return 0;
}

int hokm_bpf_clear_peer(struct hokm_bpf *b, unsigned int slot)
{
	const struct hokm_peer none = {0};
	int err = set(b, MAP_PEERS, slot, HOKM_MAX_PEERS, &none);

	/* A witness has pulses on the segment alone, and not this map. */
	for (unsigned int path = 1; !err && b->map[MAP_PATH_PEERS] >= 0 && path <= HOKM_MAX_PATHS;
	     path++)
		err = hokm_bpf_clear_path_peer(b, path, slot);
	if (err)
		return err;
	if (!b->peer_macs)
		return -EBADF;
	__atomic_store_n(&b->peer_macs[slot], 0, __ATOMIC_RELAXED);
	bpf_grants_forget(b, slot);
	return 0;
}

/* Reads a per-CPU value of n words and adds up the CPUs. */
static int get_sum(struct hokm_bpf *b, enum bpf_map_id id, unsigned int slot, unsigned int slots,
		   uint64_t *sum, size_t n)
{
	int err = get(b, id, slot, slots, b->percpu);

	if (err)
		return err;
	memset(sum, 0, n * sizeof(*sum));
	for (unsigned int cpu = 0; cpu < b->n_cpus; cpu++)
		for (size_t i = 0; i < n; i++) {
			uint64_t one;

			memcpy(&one, b->percpu + (cpu * n + i) * sizeof(one), sizeof(one));
			sum[i] += one;
		}
	return 0;
}

int hokm_bpf_get_counters(struct hokm_bpf *b, unsigned int slot, struct hokm_counters *out)
{
	uint64_t sum[HOKM_CTR_COUNT];
	int err = get_sum(b, MAP_COUNTERS, slot, HOKM_COUNTER_SLOTS, sum, HOKM_CTR_COUNT);

	_Static_assert(sizeof(sum) == sizeof(*out), "counters are all u64");
	if (!err)
		memcpy(out, sum, sizeof(sum));
	return err;
}

int hokm_bpf_get_latency(struct hokm_bpf *b, unsigned int slot, struct hokm_latency *out)
{
	uint64_t sum[HOKM_LAT_COUNT * HOKM_LATENCY_PLACES];
	int err = get_sum(b, MAP_LATENCY, slot, HOKM_MAX_SERVICES, sum,
			  HOKM_LAT_COUNT * HOKM_LATENCY_PLACES);

	_Static_assert(sizeof(sum) == sizeof(*out), "latency is all u64");
	if (!err)
		memcpy(out, sum, sizeof(sum));
	return err;
}

uint32_t hokm_bpf_half_open_sets(const struct hokm_bpf *b)
{
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);

	return bpf_obj_get_info_by_fd(b->map[MAP_HALF_OPEN], &info, &len) ? 0 : info.max_entries;
}

int hokm_bpf_events_fd(const struct hokm_bpf *b)
{
	return b->map[MAP_EVENTS];
}

int hokm_bpf_get_conn(struct hokm_bpf *b, const struct hokm_conn_key *k, struct hokm_conn *out)
{
	return bpf_map_lookup_elem(b->map[MAP_CONNS], k, out);
}

/* ---- replica ---- */

int hokm_bpf_get_replica(struct hokm_bpf *b, const struct hokm_conn_key *k,
			 struct hokm_replica *out)
{
	return bpf_map_lookup_elem(b->map[MAP_REPLICA], k, out);
}

int hokm_bpf_set_replica(struct hokm_bpf *b, const struct hokm_conn_key *k,
			 const struct hokm_replica *in)
{
	return bpf_map_update_elem(b->map[MAP_REPLICA], k, in, BPF_ANY);
}

int hokm_bpf_delete_replica(struct hokm_bpf *b, const struct hokm_conn_key *k)
{
	int err = bpf_map_delete_elem(b->map[MAP_REPLICA], k);

	return err == -ENOENT ? 0 : err;
}
