/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The small maps. Every function gives 0 or -errno and logs nothing: the caller knows what it means.
 *
 * own and peers are read and written at every pulse and mapped into this process: no system call, and
 * each 64-bit word is stored whole, so that the packet path never sees half a lease. The other maps
 * take one system call of about a microsecond.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "act/bpf_internal.h"

#define BATCH_ENTRIES 256

#define OWN_WORDS  (sizeof(struct hokm_own) / sizeof(uint64_t))
#define PEER_WORDS (sizeof(struct hokm_peer) / sizeof(uint64_t))

_Static_assert(sizeof(struct hokm_own) % sizeof(uint64_t) == 0, "own is whole words");
_Static_assert(sizeof(struct hokm_peer) % sizeof(uint64_t) == 0, "peer is whole words");
_Static_assert(offsetof(struct hokm_own, lease_until_ns) == 0, "the lease is the first word");

static int map_in(struct hokm_bpf *b, enum bpf_map_id id, size_t size, int prot, uint64_t **out)
{
	void *p = mmap(NULL, size, prot, MAP_SHARED, b->map[id], 0);

	if (p == MAP_FAILED)
		return -errno;
	*out = p;
	return 0;
}

int bpf_maps_map(struct hokm_bpf *b)
{
	int err = map_in(b, MAP_OWN, sizeof(struct hokm_own), PROT_READ | PROT_WRITE, &b->own);

	if (!err)
		err = map_in(b, MAP_PEERS, HOKM_MAX_PEERS * sizeof(struct hokm_peer), PROT_READ,
			     &b->peers);
	return err;
}

void bpf_maps_unmap(struct hokm_bpf *b)
{
	if (b->own)
		munmap(b->own, sizeof(struct hokm_own));
	if (b->peers)
		munmap(b->peers, HOKM_MAX_PEERS * sizeof(struct hokm_peer));
	b->own = b->peers = NULL;
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
	b->percpu = calloc(b->n_cpus, sizeof(struct hokm_counters));
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
	/* The lease last: who gives it up has named the successor before, who takes it is ready. */
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
	return get(b, MAP_SUSPECTS, slot, HOKM_MAX_SERVICES, out);
}

int hokm_bpf_clear_suspect(struct hokm_bpf *b, unsigned int slot)
{
	const struct hokm_suspect none = {0};

	return set(b, MAP_SUSPECTS, slot, HOKM_MAX_SERVICES, &none);
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

int hokm_bpf_clear_peer(struct hokm_bpf *b, unsigned int slot)
{
	const struct hokm_peer none = {0};

	return set(b, MAP_PEERS, slot, HOKM_MAX_PEERS, &none);
}

int hokm_bpf_get_counters(struct hokm_bpf *b, unsigned int slot, struct hokm_counters *out)
{
	uint64_t sum[HOKM_CTR_COUNT] = {0};
	int err = get(b, MAP_COUNTERS, slot, HOKM_COUNTER_SLOTS, b->percpu);

	_Static_assert(sizeof(sum) == sizeof(*out), "counters are all u64");
	if (err)
		return err;
	for (unsigned int cpu = 0; cpu < b->n_cpus; cpu++) {
		uint64_t one[HOKM_CTR_COUNT];

		memcpy(one, b->percpu + cpu * sizeof(one), sizeof(one));
		for (int i = 0; i < HOKM_CTR_COUNT; i++)
			sum[i] += one[i];
	}
	memcpy(out, sum, sizeof(sum));
	return 0;
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
