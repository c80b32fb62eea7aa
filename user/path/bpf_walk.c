/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Walking the tables of connections. The maps conns and replica are read in batches, hundreds of
 * entries with one system call. The map half_open is mapped into memory during the walk.
 *
 * The kernel returns whole buckets of the hash table. When the next bucket has more entries than
 * there is room for, it returns -ENOSPC, and the walk asks again with twice the room. A batch never
 * splits a bucket, so the position stays valid while entries are added and deleted. At the end the
 * kernel returns -ENOENT, and this last batch may have entries too.
 *
 * The buffers belong to the handle, and a handle to one thread. A walk on another thread uses a
 * view, which has its own descriptors and buffers.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "path/bpf_internal.h"

#define BATCH_LIMIT (1u << 16) /* entries of one bucket: hashing never leaves so many */
#define VIEW_BATCH  8192       /* a view only walks: few system calls, many entries each */

/*
 * The state of a walk by batches through conns or replica. Values of replica are smaller than those
 * of conns and use the same buffer.
 */
struct batch {
	int map_fd;
	struct hokm_conn_cursor *cursor;
	unsigned int want; /* entries to ask for */
	unsigned int got;  /* entries in the buffers */
	unsigned int seen; /* entries visited so far */
	bool end;
};

/* Allocates buffers for n entries. The old content is lost. */
static int resize(struct hokm_bpf *b, unsigned int n)
{
	struct hokm_conn_key *keys;
	struct hokm_conn *conns;

	if (n > BATCH_LIMIT)
		return -ENOSPC;
	keys = calloc(n, sizeof(*keys));
	conns = calloc(n, sizeof(*conns));
	if (!keys || !conns) {
		free(keys);
		free(conns);
		return -ENOMEM;
	}
	free(b->batch_keys);
	free(b->batch_conns);
	b->batch_keys = keys;
	b->batch_conns = conns;
	b->batch_max = n;
	return 0;
}

/* Fills the buffers of b from the position of the cursor, and moves it. Returns 0 or -errno. */
static int next_batch(struct hokm_bpf *b, struct batch *t)
{
	unsigned int count = t->want < b->batch_max ? t->want : b->batch_max;
	uint32_t next[2] = {0};

	for (;;) {
		uint32_t n = count;
		int err = bpf_map_lookup_batch(
			t->map_fd, t->cursor->started ? t->cursor->batch : NULL, next,
			b->batch_keys, b->batch_conns, &n, NULL);

		if (err == -ENOSPC) {
			count *= 2;
			err = count > b->batch_max ? resize(b, count) : 0;
			if (err)
				return err;
			continue;
		}
		if (err && err != -ENOENT)
			return err;
		t->end = err == -ENOENT;
		t->got = n;
		t->cursor->started = !t->end;
		t->cursor->batch[0] = next[0];
		t->cursor->batch[1] = next[1];
		return 0;
	}
}

/* Visits entry i of the buffers. Returns 0 to go on, anything else to stop the walk. */
typedef int (*batch_fn)(struct hokm_bpf *b, unsigned int i, const void *visit);

/*
 * Calls fn for the entries from the cursor on, until the end of the map or until max were visited;
 * the last batch is always completed. Returns 0, the value with which fn stopped, or -errno.
 */
static int each(struct hokm_bpf *b, struct batch *t, unsigned int max, batch_fn fn,
		const void *visit)
{
	while (!t->end && t->seen < max) {
		int rc;

		t->want = max - t->seen;
		rc = next_batch(b, t);
		for (unsigned int i = 0; !rc && i < t->got; i++)
			rc = fn(b, i, visit);
		if (rc)
			return rc;
		t->seen += t->got;
	}
	return 0;
}

struct conn_visit {
	hokm_conn_fn fn;
	void *arg;
};

struct replica_visit {
	hokm_replica_fn fn;
	void *arg;
};

/* Shows a half-open entry as a connection, with the fields that both have. */
static void half_as_conn(const struct hokm_half_open *h, struct hokm_conn *c)
{
	*c = (struct hokm_conn){
		.created_ns = h->created_ns,
		.syn_ack_ns = h->syn_ack_ns,
		.isn = h->isn,
		.tcp_state = h->tcp_state,
		.target = h->target,
		.flags = h->flags,
		.c2s = {.last_ns = h->created_ns, .bytes = h->bytes_in, .packets = h->packets_in},
		.s2c = {.last_ns = h->syn_ack_ns, .bytes = h->bytes_out, .packets = h->packets_out},
	};
}

static int visit_half(const struct hokm_half_open *place, hokm_conn_fn fn, void *arg)
{
	struct hokm_half_open h = *place;
	struct hokm_conn c;

	if (!h.created_ns)
		return 0;
	half_as_conn(&h, &c);
	return fn(&h.key, &c, arg);
}

static int walk_half_open(struct hokm_bpf *b, hokm_conn_fn fn, void *arg)
{
	uint32_t sets = hokm_bpf_half_open_sets(b);
	size_t size = sets * sizeof(struct hokm_half_open_set);
	struct hokm_half_open_set *set;
	int rc = 0;

	if (!sets)
		return -EBADF;
	set = mmap(NULL, size, PROT_READ, MAP_SHARED, b->map[MAP_HALF_OPEN], 0);
	if (set == MAP_FAILED)
		return -errno;
	for (uint32_t i = 0; !rc && i < sets; i++)
		for (int w = 0; !rc && w < HOKM_HALF_OPEN_WAYS; w++)
			rc = visit_half(&set[i].way[w], fn, arg);
	munmap(set, size);
	return rc;
}

static int visit_conn(struct hokm_bpf *b, unsigned int i, const void *visit)
{
	const struct conn_visit *v = visit;

	return v->fn(&b->batch_keys[i], &b->batch_conns[i], v->arg);
}

int hokm_bpf_walk_conns(struct hokm_bpf *b, bool half, hokm_conn_fn fn, void *arg)
{
	struct hokm_conn_cursor cursor = {0};
	struct batch t = {.map_fd = b->map[MAP_CONNS], .cursor = &cursor};
	const struct conn_visit visit = {fn, arg};

	return half ? walk_half_open(b, fn, arg) : each(b, &t, UINT_MAX, visit_conn, &visit);
}

/*
 * The kernel returns the entry as it was when it was deleted: its unanswered requests may have
 * changed since a walk read it.
 */
int hokm_bpf_delete_conn(struct hokm_bpf *b, const struct hokm_conn_key *k)
{
	struct hokm_conn last;
	int err = bpf_map_lookup_and_delete_elem(b->map[MAP_CONNS], k, &last);

	if (!err)
		bpf_waits_forget(b, k, &last);
	return err;
}

static int sweep_conn(struct hokm_bpf *b, unsigned int i, const void *visit)
{
	const struct conn_visit *v = visit;
	int err;

	if (v->fn(&b->batch_keys[i], &b->batch_conns[i], v->arg) != 1)
		return 0;
	err = hokm_bpf_delete_conn(b, &b->batch_keys[i]);
	return err == -ENOENT ? 0 : err; /* BPF deleted it meanwhile, which is as good */
}

int hokm_bpf_sweep_conns(struct hokm_bpf *b, struct hokm_conn_cursor *cursor, unsigned int max,
			 hokm_conn_fn fn, void *arg, bool *done)
{
	struct batch t = {.map_fd = b->map[MAP_CONNS], .cursor = cursor};
	const struct conn_visit visit = {fn, arg};
	int err = each(b, &t, max, sweep_conn, &visit);

	*done = !err && t.end;
	return err ? err : (int)t.seen;
}

/* ---- map replica ---- */

_Static_assert(sizeof(struct hokm_replica) <= sizeof(struct hokm_conn), "fits the batch buffer");

static const struct hokm_replica *batch_replica(const struct hokm_bpf *b, unsigned int i)
{
	return (const struct hokm_replica *)(const void *)b->batch_conns + i;
}

static int visit_replica(struct hokm_bpf *b, unsigned int i, const void *visit)
{
	const struct replica_visit *v = visit;

	return v->fn(&b->batch_keys[i], batch_replica(b, i), v->arg);
}

int hokm_bpf_walk_replica(struct hokm_bpf *b, hokm_replica_fn fn, void *arg)
{
	struct hokm_conn_cursor cursor = {0};
	struct batch t = {.map_fd = b->map[MAP_REPLICA], .cursor = &cursor};
	const struct replica_visit visit = {fn, arg};

	return each(b, &t, UINT_MAX, visit_replica, &visit);
}

static int sweep_replica(struct hokm_bpf *b, unsigned int i, const void *visit)
{
	const struct replica_visit *v = visit;

	if (v->fn(&b->batch_keys[i], batch_replica(b, i), v->arg) != 1)
		return 0;
	return hokm_bpf_delete_replica(b, &b->batch_keys[i]);
}

int hokm_bpf_sweep_replica(struct hokm_bpf *b, struct hokm_conn_cursor *cursor, unsigned int max,
			   hokm_replica_fn fn, void *arg, bool *done)
{
	struct batch t = {.map_fd = b->map[MAP_REPLICA], .cursor = cursor};
	const struct replica_visit visit = {fn, arg};
	int err = each(b, &t, max, sweep_replica, &visit);

	*done = !err && t.end;
	return err ? err : (int)t.seen;
}

/* ---- a handle for another thread ---- */

int hokm_bpf_view(const struct hokm_bpf *b, struct hokm_bpf **out)
{
	static const enum bpf_map_id wanted[] = {
		MAP_CONNS, MAP_HALF_OPEN, MAP_REPLICA, MAP_LATENCY};
	struct hokm_bpf *v = bpf_new();
	int err;

	*out = NULL;
	if (!v)
		return -ENOMEM;
	v->ifindex = b->ifindex;
	v->mode = b->mode;
	err = resize(v, VIEW_BATCH);
	for (size_t i = 0; !err && i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		int fd = b->map[wanted[i]];

		if (fd < 0)
			continue;
		v->map[wanted[i]] = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		err = v->map[wanted[i]] < 0 ? -errno : 0;
	}
	if (err) {
		hokm_bpf_close(v);
		return err;
	}
	*out = v;
	return 0;
}
