/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading map changes, a ring of records about local connections that were established or ended.
 *
 * The daemon polls the ring, because the packet path wakes no process: a read of an empty ring
 * costs two loads and no system call. The ring is pinned with the other maps, so records from a
 * time without a daemon wait for the next daemon.
 */
#include <errno.h>

#include "path/bpf_internal.h"

static int take(void *arg, void *data, size_t size)
{
	struct hokm_bpf *b = arg;

	if (size >= sizeof(struct hokm_change))
		b->change_fn(data, b->change_arg);
	return 0;
}

int hokm_bpf_read_changes(struct hokm_bpf *b, hokm_change_fn fn, void *arg)
{
	if (b->map[MAP_CHANGES] < 0)
		return -EBADF;
	if (!b->changes) {
		b->changes = ring_buffer__new(b->map[MAP_CHANGES], take, b, NULL);
		if (!b->changes)
			return -errno;
	}
	b->change_fn = fn;
	b->change_arg = arg;
	return ring_buffer__consume(b->changes);
}

void bpf_changes_close(struct hokm_bpf *b)
{
	ring_buffer__free(b->changes);
	b->changes = NULL;
}
