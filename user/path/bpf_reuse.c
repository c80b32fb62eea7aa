/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whether the programs that an earlier daemon pinned are those that this binary would load. Then a
 * start takes them over as they are, and the verifier, which needs seconds, is not asked again.
 *
 * Map meta names the build id of the BPF object that the pinned programs come from. Nothing else
 * goes into them: they have no constants from the configuration, which reaches them through maps.
 * The kernel, whose types they are fitted to, is the same for as long as the bpffs exists.
 *
 * Pins can be damaged: removed, renamed, or replaced by another program. So meta also has the tag
 * that the kernel gave to the instructions of each program, and the programs must use exactly the
 * maps that are pinned.
 */
#include <errno.h>
#include <string.h>

#include "path/bpf_elf.h"
#include "path/bpf_internal.h"

#define FNV_OFFSET 0xcbf29ce484222325ULL
#define FNV_PRIME  0x100000001b3ULL
#define PROG_MAPS  64 /* maps of one program, with those of its constants */
#define N_PROGRAMS 3

uint64_t build_id(void)
{
	size_t size;
	const unsigned char *elf = bpf_elf_bytes(&size);
	uint64_t h = (FNV_OFFSET ^ HOKM_ABI_VERSION) * FNV_PRIME;

	for (size_t i = 0; i < size; i++)
		h = (h ^ elf[i]) * FNV_PRIME;
	return h ? h : 1;
}

uint64_t prog_tag(int prog_fd)
{
	struct bpf_prog_info info = {0};
	uint32_t len = sizeof(info);
	uint64_t tag = 0;

	_Static_assert(sizeof(info.tag) == sizeof(tag), "a tag is one word");
	if (!bpf_obj_get_info_by_fd(prog_fd, &info, &len))
		memcpy(&tag, info.tag, sizeof(tag));
	return tag;
}

static uint32_t map_id(int map_fd)
{
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);

	return bpf_obj_get_info_by_fd(map_fd, &info, &len) ? 0 : info.id;
}

/* Takes the maps that the program uses out of the list `missing` of n map ids. */
static int strike_out(int prog_fd, uint32_t *missing, unsigned int n)
{
	uint32_t ids[PROG_MAPS];
	struct bpf_prog_info info = {
		.nr_map_ids = PROG_MAPS,
		.map_ids = (uint64_t)(uintptr_t)ids,
	};
	uint32_t len = sizeof(info);
	int err = bpf_obj_get_info_by_fd(prog_fd, &info, &len);

	if (err)
		return err;
	if (info.nr_map_ids > PROG_MAPS)
		return -E2BIG;
	for (uint32_t i = 0; i < info.nr_map_ids; i++)
		for (unsigned int m = 0; m < n; m++)
			if (missing[m] == ids[i])
				missing[m] = 0;
	return 0;
}

static bool uses_maps(const struct pins *p, const int programs[N_PROGRAMS])
{
	uint32_t missing[MAP_COUNT];

	for (int i = 0; i < MAP_COUNT; i++) {
		missing[i] = map_id(p->map[i]);
		if (!missing[i])
			return false;
	}
	missing[MAP_META] = 0; /* no program reads it */
	for (int i = 0; i < N_PROGRAMS; i++)
		if (strike_out(programs[i], missing, MAP_COUNT))
			return false;
	for (int i = 0; i < MAP_COUNT; i++)
		if (missing[i])
			return false;
	return true;
}

static bool all_there(const struct pins *p)
{
	for (int i = 0; i < MAP_COUNT; i++)
		if (p->map[i] < 0)
			return false;
	return p->ingress >= 0 && p->egress >= 0 && p->fence >= 0;
}

const char *reuse_obstacle(const struct pins *p)
{
	const int programs[N_PROGRAMS] = {p->ingress, p->egress, p->fence};

	if (!all_there(p))
		return "a pin is missing";
	if (p->meta.build_id != build_id())
		return "the pinned ones are of another build";
	for (int i = 0; i < N_PROGRAMS; i++)
		if (!p->meta.tags[i] || prog_tag(programs[i]) != p->meta.tags[i])
			return "a pin holds another program";
	return uses_maps(p, programs) ? NULL : "the pinned ones use other maps";
}
