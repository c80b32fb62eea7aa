/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The small maps: arrays, so each access is one system call of about a microsecond, with no
 * allocation. Every function gives 0 or -errno and logs nothing: the caller knows what it means.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "act/bpf_internal.h"

#define BATCH_ENTRIES 256

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
	return get(b, MAP_OWN, 0, 1, out);
}

int hokm_bpf_set_own(struct hokm_bpf *b, const struct hokm_own *in)
{
	return set(b, MAP_OWN, 0, 1, in);
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
	return get(b, MAP_PEERS, slot, HOKM_MAX_PEERS, out);
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

int hokm_bpf_events_fd(const struct hokm_bpf *b)
{
	return b->map[MAP_EVENTS];
}
