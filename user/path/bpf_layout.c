/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Layout hash: libbpf's own check when reusing a pin compares sizes only, so two fields could
 * change places unnoticed. This hash is made of the BTF of every key and value: names, bit offsets,
 * sizes and element counts, followed down to integers. Type names of the C source that do not
 * change the bytes (typedefs, const) do not count. The name of a struct counts: former_name() keeps
 * the hash as it is when a struct gets a new name and its bytes stay.
 */
#include <bpf/btf.h>
#include <errno.h>
#include <string.h>

#include "path/bpf_internal.h"

#define FNV_OFFSET 0xcbf29ce484222325ULL
#define FNV_PRIME  0x100000001b3ULL
#define DEPTH_MAX  16

static void hash_bytes(uint64_t *h, const void *data, size_t len)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i++)
		*h = (*h ^ p[i]) * FNV_PRIME;
}

static void hash_u32(uint64_t *h, uint32_t v)
{
	hash_bytes(h, &v, sizeof(v));
}

/* With the terminating zero, so that "a" "bc" and "ab" "c" differ. */
static void hash_name(uint64_t *h, const char *name)
{
	hash_bytes(h, name, strlen(name));
	hash_u32(h, 0);
}

static const char *btf_name(const struct btf *btf, uint32_t offset)
{
	const char *name = btf__name_by_offset(btf, offset);

	return name ? name : "";
}

/*
 * Structs that were renamed after pins with their first name were in use. A daemon refuses pins
 * with another hash, so the new name alone would make an upgrade refuse the pins of the daemon
 * before it, although every byte lies where it lay.
 */
static const struct {
	const char *name;
	const char *former;
} renamed[] = {
	{"hokm_flow", "hokm_half"},
};

static const char *former_name(const char *name)
{
	for (size_t i = 0; i < sizeof(renamed) / sizeof(*renamed); i++)
		if (!strcmp(name, renamed[i].name))
			return renamed[i].former;
	return name;
}

static int hash_type(uint64_t *h, const struct btf *btf, uint32_t id, int depth);

static int hash_members(uint64_t *h, const struct btf *btf, const struct btf_type *t, int depth)
{
	const struct btf_member *m = btf_members(t);

	for (unsigned int i = 0; i < btf_vlen(t); i++) {
		int err;

		hash_name(h, btf_name(btf, m[i].name_off));
		hash_u32(h, btf_member_bit_offset(t, i));
		hash_u32(h, btf_member_bitfield_size(t, i));
		err = hash_type(h, btf, m[i].type, depth + 1);
		if (err)
			return err;
	}
	return 0;
}

static int hash_type(uint64_t *h, const struct btf *btf, uint32_t id, int depth)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	/*
	 * A type that holds itself can only do so through a pointer, which has no place in a map.
	 */
	while (t && (btf_is_mod(t) || btf_is_typedef(t)))
		t = btf__type_by_id(btf, t->type);
	if (!t || depth > DEPTH_MAX)
		return -EINVAL;
	hash_u32(h, btf_kind(t));
	if (btf_is_array(t)) {
		hash_u32(h, btf_array(t)->nelems);
		return hash_type(h, btf, btf_array(t)->type, depth + 1);
	}
	hash_u32(h, t->size);
	if (btf_is_composite(t)) {
		hash_name(h, former_name(btf_name(btf, t->name_off)));
		return hash_members(h, btf, t, depth);
	}
	if (btf_is_int(t))
		hash_u32(h, btf_int_encoding(t));
	return 0;
}

static int hash_map(uint64_t *h, const struct btf *btf, const struct bpf_map *map)
{
	uint32_t ids[] = {bpf_map__btf_key_type_id(map), bpf_map__btf_value_type_id(map)};

	hash_u32(h, bpf_map__type(map));
	hash_u32(h, bpf_map__key_size(map));
	hash_u32(h, bpf_map__value_size(map));
	for (int i = 0; i < 2; i++) {
		/* 0: declared by size alone, as a perf event array is. */
		int err = ids[i] ? hash_type(h, btf, ids[i], 0) : 0;

		if (err)
			return err;
	}
	return 0;
}

int layout_hash(const struct bpf_object *obj, uint64_t *out)
{
	const struct btf *btf = bpf_object__btf(obj);

	*out = FNV_OFFSET;
	if (!btf)
		return -EINVAL;
	for (int i = 0; i < MAP_ADOPTED; i++) {
		const struct bpf_map *map = bpf_object__find_map_by_name(obj, bpf_map_names[i]);
		int err = map ? hash_map(out, btf, map) : -ENOENT;

		if (err)
			return err;
	}
	return 0;
}
