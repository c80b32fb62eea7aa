/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * 1,000,000 connections with frame tracking: the memory they use, and the cost of a packet of a
 * random one compared with one of 1,000.
 *
 * With so many connections every packet misses the caches: bucket, key and head, one flow. No
 * program that looks up the connection can avoid that. So a floor program is measured beside the
 * subject, through the same wrapper and on the same table: it takes the key out of the packet,
 * looks it up, reads the head and writes the flow. The cost of the subject beyond the floor must
 * not grow by more than half from 1,000 connections to 1,000,000.
 *
 * Both go through all connections in an order of long strides, far apart from each other, and the
 * entries were inserted in random order. So nothing that one left in the caches is there when the
 * other comes. Two worlds with tables of one size are loaded, one with few connections and one with
 * all. Every round measures in both, because the speed of the machine drifts, and differences are
 * taken within a round.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "bench.h"

#define MILLION 1000000u
#define FEW     1000u
#define TABLE   1048576u
#define BATCH   8192u
#define MORE_ROUNDS \
	2 /* times the first part's rounds, because the result is a difference of large numbers */
#define MIB        1048576.0
#define GROWTH_MAX 1.5
#define XDP_PASS_V 2

/* the trivial program, the hash look-up, then floor and subject, for in and out */
#define SUBJECT_IN  3
#define SUBJECT_OUT 5

#define PATH(what, id, wrapper, which, f, v, c)                                                \
	{                                                                                      \
		.name = (what), .key = (id), .wrap = (wrapper), .slot = (which), .frame = (f), \
		.conn = (which) == BENCH_SUBJECT ? CONN_FLOWS : CONN_NONE, .base = BASE_LOCAL, \
		.flows = 1, .verdict = (v), .counter = (c)                                     \
	}

static const struct path paths[] = {
	PATH("trivial program", "trivial", WRAP_RAW, BENCH_TRIVIAL, FRAME_SEGMENT, XDP_PASS_V, -1),
	PATH("hot HASH look-up, 20-byte key", "hash", WRAP_RAW, BENCH_HASH, FRAME_SEGMENT,
	     XDP_PASS_V, -1),
	PATH("floor program, in", "floor_in", WRAP_DATA, BENCH_TOUCH, FRAME_TEXT_IN, XDP_PASS_V,
	     -1),
	PATH("small text in", "text_in", WRAP_DATA, BENCH_SUBJECT, FRAME_TEXT_IN, XDP_PASS_V,
	     HOKM_CTR_in_text),
	PATH("floor program, out", "floor_out", WRAP_DATA_OUT, BENCH_TOUCH, FRAME_TEXT_OUT, TC_OK_V,
	     -1),
	PATH("small text out", "text_out", WRAP_DATA_OUT, BENCH_SUBJECT, FRAME_TEXT_OUT, TC_OK_V,
	     HOKM_CTR_out_text),
};
#define N_PATHS (sizeof(paths) / sizeof(paths[0]))

struct growth {
	const char *key;
	double few_ns, full_ns; /* ns beyond the floor */
};

static long available_kib(void)
{
	char line[128];
	long kib = -1;
	FILE *f = fopen("/proc/meminfo", "re");

	if (!f)
		return -1;
	while (kib < 0 && fgets(line, sizeof(line), f))
		if (!strncmp(line, "MemAvailable:", 13))
			kib = strtol(line + 13, NULL, 10);
	(void)fclose(f);
	return kib;
}

/* The memory that the kernel charges for a map. */
static long long map_bytes(int fd)
{
	char name[64], line[128];
	long long bytes = -1;
	FILE *f;

	(void)snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
	f = fopen(name, "re");
	if (!f)
		return -1;
	while (bytes < 0 && fgets(line, sizeof(line), f))
		if (!strncmp(line, "memlock:", 8))
			bytes = strtoll(line + 8, NULL, 10);
	(void)fclose(f);
	return bytes;
}

static long long all_maps_bytes(const struct bench *b)
{
	const struct bpf_map *map;
	long long sum = 0;

	bpf_object__for_each_map (map, world_object(b))
		sum += map_bytes(bpf_map__fd(map));
	return sum;
}

/* The numbers 0 to n - 1 in a random order that is the same on every run. */
static void shuffle(uint32_t *order, uint32_t n)
{
	uint64_t x = 0x9e3779b97f4a7c15ULL;

	for (uint32_t i = 0; i < n; i++)
		order[i] = i;
	for (uint32_t i = n - 1; i; i--) {
		uint32_t j, t;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		j = (uint32_t)(x % (i + 1));
		t = order[i];
		order[i] = order[j];
		order[j] = t;
	}
}

static int put_batches(struct bench *b, const uint32_t *order, uint32_t n, struct hokm_conn_key *k,
		       const struct hokm_conn *values)
{
	LIBBPF_OPTS(bpf_map_batch_opts, o, .elem_flags = BPF_ANY);

	for (uint32_t at = 0; at < n; at += BATCH) {
		uint32_t count = n - at < BATCH ? n - at : BATCH;

		for (uint32_t i = 0; i < count; i++)
			k[i] = world_key(BASE_LOCAL + order[at + i]);
		for (uint32_t i = 0; i < count; i++)
			world_put_bits(b, &k[i]);
		if (bpf_map_update_batch(b->conns_fd, k, values, &count, &o))
			return complain("fill conns", -errno);
	}
	return 0;
}

/* Fills conns with n copies of the tracked connection and nothing else. */
static int put_followed(struct bench *b, uint32_t n)
{
	uint32_t *order = calloc(n, sizeof(*order));
	struct hokm_conn_key *keys = calloc(BATCH, sizeof(*keys));
	struct hokm_conn *values = calloc(BATCH, sizeof(*values));
	int err = -ENOMEM;

	if (order && keys && values) {
		for (uint32_t i = 0; i < BATCH; i++)
			values[i] = b->followed;
		shuffle(order, n);
		err = put_batches(b, order, n, keys, values);
	}
	free(values);
	free(keys);
	free(order);
	return err;
}

/* Without the flows of the first part, which would lie between them. */
static int put_only(struct bench *b, uint32_t n)
{
	const uint32_t from[] = {BASE_LOCAL, BASE_STEERED};
	const uint32_t count[] = {FLOWS_FEW, FLOWS_STEERED};

	for (unsigned int i = 0; i < 2; i++)
		for (uint32_t j = 0; j < count[i]; j++) {
			const struct hokm_conn_key k = world_key(from[i] + j);

			if (bpf_map_delete_elem(b->conns_fd, &k))
				return complain("remove a flow", -errno);
		}
	return put_followed(b, n);
}

struct million {
	struct bench few, full;
	long long conns_bytes; /* bytes that the kernel charges */
	long long maps_bytes;  /* bytes of all maps of the packet path */
	long taken_kib;        /* fall of MemAvailable, which other programs change too */
	struct growth in, out;
};

static int world_up(struct bench *b, const struct bench *like, const char *bpf_object, uint32_t n)
{
	int err;

	b->rounds = like->rounds * MORE_ROUNDS < BENCH_ROUNDS_MAX ? like->rounds * MORE_ROUNDS
								  : BENCH_ROUNDS_MAX;
	b->repeat = like->repeat;
	b->conns_max = TABLE;
	memcpy(b->paths, paths, sizeof(paths));
	b->n_paths = N_PATHS;
	for (unsigned int i = 0; i < N_PATHS; i++) {
		b->paths[i].flows = n;
		b->paths[i].shift = i * (n / (uint32_t)N_PATHS);
	}
	err = bench_open(b, bpf_object);
	return err ? err : put_only(b, n);
}

static int measure(struct million *m)
{
	int err = 0;

	for (unsigned int i = 0; !err && i <= m->few.rounds; i++) {
		bench_progress(i, m->few.rounds + 1);
		err = bench_round(&m->few, false, i);
		err = err ? err : bench_round(&m->full, false, i);
	}
	bench_progress(m->few.rounds + 1, m->few.rounds + 1);
	return err;
}

/*
 * The cost of subject i beyond its floor, within each round. Must run before the evaluation, which
 * sorts.
 */
static double beyond(const struct bench *b, unsigned int i)
{
	double diff[BENCH_ROUNDS_MAX];

	for (unsigned int r = 0; r < b->rounds; r++)
		diff[r] = b->paths[i].ns[r] - b->paths[i - 1].ns[r];
	return bench_middle(diff, b->rounds);
}

static bool growth_broken(const struct growth *g)
{
	return g->full_ns > GROWTH_MAX * g->few_ns;
}

static json_t *growth_report(const struct growth *g)
{
	printf("%-4s beyond the floor: %6.1f ns with 1,000, %6.1f ns with 1,000,000: x %.2f "
	       "(budget %.1f)  %s\n",
	       g->key, g->few_ns, g->full_ns, g->full_ns / g->few_ns, GROWTH_MAX,
	       growth_broken(g) ? "BROKEN" : "ok");
	return json_pack("{s:s, s:f, s:f, s:f, s:b}", "path", g->key, "ns_1000", g->few_ns,
			 "ns_1000000", g->full_ns, "budget", GROWTH_MAX, "broken",
			 growth_broken(g));
}

static json_t *table(struct bench *b, const char *title)
{
	const double unit = bench_evaluate(b);

	printf("\n%s\n", title);
	report_table(b, unit);
	return report_json(b, unit);
}

static int report(struct million *m, json_t *json)
{
	json_t *few = table(&m->few, "1,000 tracked connections");
	json_t *full = table(&m->full, "1,000,000 tracked connections");
	json_t *in, *out, *all;

	printf("\n%u connections in a table of %u: map conns %.1f MiB, %.0f bytes per entry; "
	       "all maps %.1f MiB; MemAvailable fell by %.1f MiB\n",
	       MILLION, TABLE, (double)m->conns_bytes / MIB, (double)m->conns_bytes / TABLE,
	       (double)m->maps_bytes / MIB, (double)m->taken_kib / 1024.0);
	in = growth_report(&m->in);
	out = growth_report(&m->out);
	all = json_pack("{s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o}", "connections",
			(json_int_t)MILLION, "table", (json_int_t)TABLE, "conns_bytes",
			(json_int_t)m->conns_bytes, "maps_bytes", (json_int_t)m->maps_bytes,
			"taken_kib", (json_int_t)m->taken_kib, "few", few, "full", full, "in", in,
			"out", out);
	if (!all || json_object_set_new(json, "million", all))
		return complain("the result of a million", -ENOMEM);
	return 0;
}

int bench_million(const struct bench *like, const char *bpf_object, json_t *json, bool *broken)
{
	static struct million m;
	long before;
	int err = world_up(&m.few, like, bpf_object, FEW);

	before = available_kib();
	err = err ? err : world_up(&m.full, like, bpf_object, MILLION);
	m.taken_kib = before - available_kib();
	err = err ? err : measure(&m);
	m.conns_bytes = err ? 0 : map_bytes(m.full.conns_fd);
	m.maps_bytes = err ? 0 : all_maps_bytes(&m.full);
	bench_close(&m.full);
	bench_close(&m.few);
	if (err)
		return err;
	m.in = (struct growth){"in", beyond(&m.few, SUBJECT_IN), beyond(&m.full, SUBJECT_IN)};
	m.out = (struct growth){"out", beyond(&m.few, SUBJECT_OUT), beyond(&m.full, SUBJECT_OUT)};
	*broken |= growth_broken(&m.in) || growth_broken(&m.out);
	return report(&m, json);
}
