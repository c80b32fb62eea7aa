/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rounds, the checks that each path is the one that its name says, and the evaluation of the times.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "bench.h"

/* Runs that touch nearly every place of half_open. */
#define WARM_SYNS 3

static bool is_data(const struct path *p)
{
	return p->wrap == WRAP_DATA || p->wrap == WRAP_PING || p->wrap == WRAP_DATA_OUT;
}

static int set_ctl(struct bench *b, const struct path *p, enum bench_slot slot)
{
	const uint32_t zero = 0;
	struct bench_ctl c = {
		.n = is_data(p) ? p->n : b->packets,
		.slot = slot,
		.base = p->base,
		.flows = p->flows ? p->flows : 1,
		.seq = p->seq,
		.step = b->frames[p->frame].payload,
		.shift = p->shift,
	};

	c.mask = c.flows - 1;
	memcpy(c.macs, b->frames[p->frame].b, sizeof(c.macs));
	return bpf_map_update_elem(b->ctl_fd, &zero, &c, BPF_ANY) ? -errno : 0;
}

/* One run of `repeat` packets: nanoseconds per packet, and the last verdict. */
static int run(struct bench *b, struct path *p, bool subject, double *ns, uint32_t *verdict)
{
	uint8_t out[FRAME_MAX];
	int fd = b->wrap_fd[p->wrap];
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = b->frames[p->frame].b,
		    .data_size_in = b->frames[p->frame].len, .data_out = out,
		    .data_size_out = sizeof(out), .repeat = (int)b->repeat);

	if (p->wrap == WRAP_TC)
		fd = subject ? b->subject_out_fd : b->floor_tc_fd;
	else if (set_ctl(b, p, subject ? p->slot : BENCH_TRIVIAL))
		return -errno;
	if (bpf_prog_test_run_opts(fd, &o))
		return -errno;
	if (is_data(p))
		p->n += b->repeat;
	else
		b->packets += b->repeat;
	*ns = o.duration;
	*verdict = o.retval;
	return 0;
}

static int wrong_path(const struct bench *b, const struct path *p, uint32_t verdict, uint64_t rose)
{
	fprintf(stderr,
		"bench: %s: verdict %u instead of %u, %llu counted in %u packets: "
		"this is another path\n",
		p->name, verdict, p->verdict, (unsigned long long)rose, b->repeat);
	return -EPROTO;
}

static int warm_half_open(struct bench *b, struct path *p)
{
	uint32_t verdict;
	double ns;
	int err = 0;

	for (int i = 0; !err && i < WARM_SYNS; i++)
		err = run(b, p, true, &ns, &verdict);
	return err;
}

/*
 * Runs once through the flows, so that the steady state is measured, and a path and its floor find
 * the caches alike. A SYN is of a new flow each time; what is warmed is the table of half-open
 * connections, which all of them share. A path that moves sequence numbers on is warmed by its
 * floor program, which changes nothing that the path depends on. More flows than the caches hold
 * are not warmed: see FLOOR_OF().
 */
static int warm_up(struct bench *b, struct path *p)
{
	struct path floor = *p;
	uint32_t verdict;
	double ns;

	if (p->frame == FRAME_SYN)
		return warm_half_open(b, p);
	if (p->flows <= 1 || p->flows > FLOWS_STEERED || p->purge)
		return 0;
	if (!is_data(p))
		return run(b, p, true, &ns, &verdict);
	floor.slot = BENCH_KNOWN;
	return run(b, &floor, true, &ns, &verdict);
}

/* Checks verdict, counter and connection, so that the path is the one that its name says. */
static int run_checked(struct bench *b, struct path *p, double *ns)
{
	const uint64_t rise = p->counter < 0 ? 0 : p->rise ? p->rise : 1;
	uint32_t verdict = 0;
	uint64_t first, rose;
	int err = world_set(b, p->world);

	err = err ? err : conn_prepare(b, p);
	err = err ? err : warm_up(b, p);
	first = b->packets;
	rose = world_counter(b, p->counter_slot, p->counter);
	err = err ? err : run(b, p, true, ns, &verdict);
	if (err) {
		fprintf(stderr, "bench: %s: %s\n", p->name, strerror(-err));
		return err;
	}
	rose = world_counter(b, p->counter_slot, p->counter) - rose;
	if (verdict != p->verdict || rose != rise * b->repeat)
		return wrong_path(b, p, verdict, rose);
	if (p->purge)
		return world_purge(b, p, first, b->packets);
	return conn_check(b, p);
}

static bool wrap_used(const struct bench *b, bool full, enum bench_wrap wrap)
{
	for (unsigned int i = 0; i < b->n_paths; i++)
		if (b->paths[i].full == full && b->paths[i].wrap == wrap)
			return true;
	return false;
}

static int floor_round(struct bench *b, bool full, unsigned int round)
{
	static const struct path floors[WRAP_COUNT] = {
		[WRAP_RAW] = {.frame = FRAME_SEGMENT},
		[WRAP_TCP] = {.frame = FRAME_SEGMENT},
		[WRAP_DATA] = {.frame = FRAME_TEXT_IN},
		[WRAP_PING] = {.frame = FRAME_PING_IN, .base = BASE_PING},
		[WRAP_PROBE] = {.frame = FRAME_PROBE},
		[WRAP_TC] = {.frame = FRAME_REPLY},
		[WRAP_DATA_OUT] = {.frame = FRAME_TEXT_OUT},
	};

	for (unsigned int w = 0; w < WRAP_COUNT; w++) {
		struct path p = floors[w];
		uint32_t verdict;
		int err;

		if (!wrap_used(b, full, (enum bench_wrap)w))
			continue;
		p.wrap = (enum bench_wrap)w;
		err = run(b, &p, false, &b->floors[full][w][round], &verdict);
		if (err) {
			fprintf(stderr, "bench: floor: %s\n", strerror(-err));
			return err;
		}
	}
	return 0;
}

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* A median with fractions of a nanosecond. */
double bench_middle(double *v, unsigned int n)
{
	const unsigned int from = n / 4, to = n - n / 4;
	double sum = 0;

	qsort(v, n, sizeof(*v), by_value);
	for (unsigned int i = from; i < to; i++)
		sum += v[i];
	return sum / (to - from);
}

static const struct path *path_by_key(const struct bench *b, const char *key)
{
	for (unsigned int i = 0; i < b->n_paths; i++)
		if (!strcmp(b->paths[i].key, key))
			return &b->paths[i];
	return NULL;
}

/* A path whose floor is missing or costs nothing has missed its limit. */
static double over_floor(const struct bench *b, const struct path *p)
{
	const struct path *floor = p->floor ? path_by_key(b, p->floor) : NULL;

	if (!p->floor)
		return 0;
	return floor && floor->net_ns > 0 ? p->net_ns / floor->net_ns : HUGE_VAL;
}

/* What is taken off the time of the path. When that path is missing, the limit is missed. */
static double beside_ns(const struct bench *b, const struct path *p)
{
	const struct path *off = p->beside ? path_by_key(b, p->beside) : NULL;

	if (!p->beside)
		return 0;
	return off ? off->net_ns : -HUGE_VAL;
}

double bench_evaluate(struct bench *b)
{
	double floors[2][WRAP_COUNT], unit;

	for (unsigned int w = 0; w < WRAP_COUNT; w++)
		for (int full = 0; full < 2; full++)
			floors[full][w] = bench_middle(b->floors[full][w], b->rounds);
	for (unsigned int i = 0; i < b->n_paths; i++) {
		struct path *p = &b->paths[i];

		p->median_ns = bench_middle(p->ns, b->rounds);
		p->net_ns = p->median_ns - floors[p->full][p->wrap];
	}
	b->paths[0].net_ns = 0;
	unit = b->paths[1].net_ns;
	for (unsigned int i = 0; i < b->n_paths && unit > 0; i++)
		b->paths[i].lookups = (b->paths[i].net_ns - beside_ns(b, &b->paths[i])) / unit;
	for (unsigned int i = 0; i < b->n_paths; i++)
		b->paths[i].over_floor = over_floor(b, &b->paths[i]);
	return unit;
}

int bench_round(struct bench *b, bool full, unsigned int i)
{
	const unsigned int round = i ? i - 1 : 0;
	int err = floor_round(b, full, round);

	for (unsigned int j = 0; !err && j < b->n_paths; j++)
		if (b->paths[j].full == full)
			err = run_checked(b, &b->paths[j], &b->paths[j].ns[round]);
	return err;
}

void bench_progress(unsigned int i, unsigned int n)
{
	if (!isatty(STDERR_FILENO))
		return;
	if (i < n)
		fprintf(stderr, "\rround %u of %u ", i + 1, n);
	else
		fprintf(stderr, "\r                      \r");
}

static int measure_half(struct bench *b, bool full)
{
	int err = 0;

	for (unsigned int i = 0; !err && i <= b->rounds; i++) {
		bench_progress(i, b->rounds + 1);
		err = bench_round(b, full, i);
	}
	bench_progress(b->rounds + 1, b->rounds + 1);
	return err;
}

int bench_measure(struct bench *b)
{
	int err = measure_half(b, false);

	err = err ? err : world_fill(b);
	return err ? err : measure_half(b, true);
}
