/* SPDX-License-Identifier: GPL-2.0-only */
/* `make bench`: the paths, their budgets, and the rounds. See bench.h for how it measures. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "bench.h"

#define XDP_DROP_V 1
#define XDP_PASS_V 2
#define XDP_TX_V   3
#define TC_OK_V    0
#define NEW_FLOWS  0x1000000u /* so many that none comes twice */

/* Floors: what they cost net of the trivial program is the unit. */
#define FLOOR(what, id, which)                                                  \
	{                                                                       \
		.name = (what), .key = (id), .wrap = WRAP_RAW, .slot = (which), \
		.frame = FRAME_SEGMENT, .verdict = XDP_PASS_V, .counter = -1,   \
		.counter_slot = HOKM_NODE_SLOT                                  \
	}

/* What belongs to nobody here: no counter may rise. */
#define NOT_OURS(what, id, f)                                                                    \
	{                                                                                        \
		.name = (what), .key = (id), .wrap = WRAP_RAW, .slot = BENCH_SUBJECT,            \
		.frame = (f), .verdict = XDP_PASS_V, .counter = -1, .budget = 1.0, .katran = 1.7 \
	}

#define KNOWN(what, id, from, n, v, c, limit, other, many)                                    \
	{                                                                                     \
		.name = (what), .key = (id), .wrap = WRAP_TCP, .slot = BENCH_SUBJECT,         \
		.frame = FRAME_SEGMENT, .base = (from), .flows = (n), .verdict = (v),         \
		.counter = HOKM_CTR_##c, .budget = (limit), .katran = (other), .full = (many) \
	}

#define NEW(what, id, f, w, v, c, limit, other, many)                                             \
	{                                                                                         \
		.name = (what), .key = (id), .wrap = WRAP_TCP, .slot = BENCH_SUBJECT,             \
		.frame = (f), .world = (w), .base = BASE_NEW, .flows = NEW_FLOWS, .verdict = (v), \
		.counter = HOKM_CTR_##c, .purge = (f) == FRAME_SEGMENT, .budget = (limit),        \
		.katran = (other), .full = (many)                                                 \
	}

#define NODE(what, id, wrapper, f, w, v, c)                                            \
	{                                                                              \
		.name = (what), .key = (id), .wrap = (wrapper), .slot = BENCH_SUBJECT, \
		.frame = (f), .world = (w), .verdict = (v), .counter = HOKM_CTR_##c,   \
		.counter_slot = HOKM_NODE_SLOT                                         \
	}

#define OUT(what, id, f, c, limit)                                                                 \
	{                                                                                          \
		.name = (what), .key = (id), .wrap = WRAP_TC, .slot = BENCH_SUBJECT, .frame = (f), \
		.verdict = TC_OK_V, .counter = (c), .budget = (limit)                              \
	}

/*
 * Budgets are the project's promise: none of ours 1, established 4, a new SYN 10. Among many flows
 * every packet is a row of cache misses, which depend on the machine more than on the program: those
 * rows are shown beside Katran's and not judged.
 */
static const struct path paths[] = {
	FLOOR("trivial program", "trivial", BENCH_TRIVIAL),
	FLOOR("hot HASH look-up, 20-byte key", "hash", BENCH_HASH),
	FLOOR("clock read", "clock", BENCH_CLOCK),
	FLOOR("per-CPU counter", "counter", BENCH_COUNTER),
	{.name = "LRU look-up and insertion, new key",
	 .key = "lru_insert",
	 .wrap = WRAP_TCP,
	 .slot = BENCH_INSERT,
	 .frame = FRAME_SEGMENT,
	 .base = BASE_NEW,
	 .flows = NEW_FLOWS,
	 .verdict = XDP_PASS_V,
	 .counter = -1},
	NOT_OURS("none of ours: IPv6", "none_ipv6", FRAME_NONE_IPV6),
	NOT_OURS("none of ours: UDP to this node", "none_udp", FRAME_NONE_UDP),
	NOT_OURS("none of ours: TCP to this node", "none_tcp", FRAME_NONE_TCP),
	KNOWN("established, local", "local_1", BASE_LOCAL, 1, XDP_PASS_V, packets_in, 4.0, 5.5,
	      false),
	KNOWN("established, local, 4096 flows", "local_4096", BASE_LOCAL, 4096, XDP_PASS_V,
	      packets_in, NO_BUDGET, 8.5, false),
	KNOWN("established, steered", "steered_1", BASE_STEERED, 1, XDP_TX_V, steered_conn, 4.0,
	      5.5, false),
	KNOWN("established, steered, 4096 flows", "steered_4096", BASE_STEERED, 4096, XDP_TX_V,
	      steered_conn, NO_BUDGET, 8.5, false),
	NEW("new SYN, local", "syn_local", FRAME_SYN, WORLD_OWNER, XDP_PASS_V, syn_local, 10.0,
	    29.0, false),
	NEW("new SYN, steered", "syn_steered", FRAME_SYN, WORLD_DOWN_HERE, XDP_TX_V, steered_syn,
	    10.0, 29.0, false),
	NEW("second chance, first packet", "second_chance", FRAME_SEGMENT, WORLD_OWNER, XDP_TX_V,
	    second_chance, NO_BUDGET, 0.0, false),
	NODE("ARP request dropped by the gate", "arp_gate", WRAP_RAW, FRAME_ARP, WORLD_NOT_OWNER,
	     XDP_DROP_V, drop_arp_gate),
	NODE("pulse probe answered", "pulse_probe", WRAP_PROBE, FRAME_PROBE, WORLD_OWNER, XDP_TX_V,
	     pulse_probes),
	OUT("egress: established", "egress_1", FRAME_REPLY, HOKM_CTR_packets_out, 4.0),
	OUT("egress: none of ours, TCP", "egress_none_tcp", FRAME_NONE_OUT, -1, 1.0),
	KNOWN("65536 flows: established, local", "full_local", BASE_LOCAL, FLOWS_MAX, XDP_PASS_V,
	      packets_in, NO_BUDGET, 14.5, true),
	NEW("65536 flows: new SYN, local", "full_syn_local", FRAME_SYN, WORLD_OWNER, XDP_PASS_V,
	    syn_local, NO_BUDGET, 29.0, true),
	NEW("65536 flows: new SYN, steered", "full_syn_steered", FRAME_SYN, WORLD_DOWN_HERE,
	    XDP_TX_V, steered_syn, NO_BUDGET, 29.0, true),
};
#define N_PATHS (sizeof(paths) / sizeof(paths[0]))

/* The trivial program through each wrapper: what is taken off, in each half of the run. */
static double floor_rounds[2][WRAP_COUNT][BENCH_ROUNDS_MAX]; /* few, full */

static uint64_t packets_so_far(struct bench *b)
{
	struct bench_ctl c = {0};
	const uint32_t zero = 0;

	return bpf_map_lookup_elem(b->ctl_fd, &zero, &c) ? 0 : c.n;
}

static int set_ctl(struct bench *b, const struct path *p, enum bench_slot slot)
{
	struct bench_ctl c;
	const uint32_t zero = 0;

	if (bpf_map_lookup_elem(b->ctl_fd, &zero, &c))
		return -errno;
	c.slot = slot;
	c.base = p->base;
	c.mask = p->flows ? p->flows - 1 : 0;
	memcpy(c.macs, b->frames[p->frame].b, sizeof(c.macs));
	return bpf_map_update_elem(b->ctl_fd, &zero, &c, BPF_ANY) ? -errno : 0;
}

/* One run of `repeat` packets: ns a packet, and the last verdict. */
static int run(struct bench *b, const struct path *p, bool subject, double *ns, uint32_t *verdict)
{
	uint8_t out[FRAME_MAX];
	int fd = b->wrap_fd[p->wrap];
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = b->frames[p->frame].b,
		    .data_size_in = b->frames[p->frame].len, .data_out = out,
		    .data_size_out = sizeof(out), .repeat = (int)b->repeat);

	if (p->wrap == WRAP_TC)
		fd = subject ? b->subject_tc_fd : b->floor_tc_fd;
	else if (set_ctl(b, p, subject ? p->slot : BENCH_TRIVIAL))
		return -errno;
	if (bpf_prog_test_run_opts(fd, &o))
		return -errno;
	*ns = o.duration;
	*verdict = o.retval;
	return 0;
}

/* What is measured must be what the path's name says: verdict and counter have to agree. */
static int run_checked(struct bench *b, const struct path *p, double *ns)
{
	uint32_t verdict = 0;
	int err = world_set(b, p->world);
	uint64_t first, rose;

	/* Once through its flows for nothing: what is measured is the steady state. */
	if (!err && p->flows > 1 && !p->purge)
		err = run(b, p, true, ns, &verdict);
	first = packets_so_far(b);
	rose = world_counter(b, p->counter_slot, p->counter);
	err = err ? err : run(b, p, true, ns, &verdict);
	if (err) {
		fprintf(stderr, "bench: %s: %s\n", p->name, strerror(-err));
		return err;
	}
	rose = world_counter(b, p->counter_slot, p->counter) - rose;
	if (verdict != p->verdict || rose != (p->counter < 0 ? 0 : b->repeat)) {
		fprintf(stderr,
			"bench: %s: verdict %u instead of %u, %llu packets counted of %u: the path "
			"is not the one meant\n",
			p->name, verdict, p->verdict, (unsigned long long)rose, b->repeat);
		return -EPROTO;
	}
	return p->purge ? world_purge(b, p, first, packets_so_far(b)) : 0;
}

static int floor_round(struct bench *b, bool full, unsigned int round)
{
	static const enum frame_id frame[WRAP_COUNT] = {FRAME_SEGMENT, FRAME_SEGMENT, FRAME_PROBE,
							FRAME_REPLY};

	for (unsigned int w = 0; w < WRAP_COUNT; w++) {
		const struct path p = {.wrap = (enum bench_wrap)w, .frame = frame[w]};
		uint32_t verdict;
		int err = run(b, &p, false, &floor_rounds[full][w][round], &verdict);

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

/* Mean of the middle half: a median with parts of a nanosecond. Sorts v. */
static double middle(double *v, unsigned int n)
{
	const unsigned int from = n / 4, to = n - n / 4;
	double sum = 0;

	qsort(v, n, sizeof(*v), by_value);
	for (unsigned int i = from; i < to; i++)
		sum += v[i];
	return sum / (to - from);
}

static double evaluate(struct bench *b)
{
	double floors[2][WRAP_COUNT], unit;

	for (unsigned int w = 0; w < WRAP_COUNT; w++)
		for (int full = 0; full < 2; full++)
			floors[full][w] = middle(floor_rounds[full][w], b->rounds);
	for (unsigned int i = 0; i < b->n_paths; i++) {
		struct path *p = &b->paths[i];

		p->median_ns = middle(p->ns, b->rounds);
		p->net_ns = p->median_ns - floors[p->full][p->wrap];
	}
	b->paths[0].net_ns = 0;
	unit = b->paths[1].net_ns;
	for (unsigned int i = 0; i < b->n_paths && unit > 0; i++)
		b->paths[i].lookups = b->paths[i].net_ns / unit;
	return unit;
}

static int measure_half(struct bench *b, bool full)
{
	/* Round 0 is done twice: the first time warms caches and tables. */
	for (unsigned int i = 0; i <= b->rounds; i++) {
		const unsigned int round = i ? i - 1 : 0;
		int err = floor_round(b, full, round);

		for (unsigned int j = 0; !err && j < b->n_paths; j++)
			if (b->paths[j].full == full)
				err = run_checked(b, &b->paths[j], &b->paths[j].ns[round]);
		if (err)
			return err;
		if (isatty(STDERR_FILENO))
			fprintf(stderr, "\rround %u of %u ", i, b->rounds);
	}
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r                      \r");
	return 0;
}

static int measure(struct bench *b)
{
	int err = measure_half(b, false);

	err = err ? err : world_fill(b);
	return err ? err : measure_half(b, true);
}

static unsigned int number(const char *text, unsigned int low, unsigned int high)
{
	char *end;
	const unsigned long v = strtoul(text, &end, 10);

	if (*end || v < low || v > high) {
		fprintf(stderr, "bench: %s is not a number from %u to %u\n", text, low, high);
		exit(2);
	}
	return (unsigned int)v;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{"json", required_argument, NULL, 'j'},
		{"bpf", required_argument, NULL, 'b'},
		{"rounds", required_argument, NULL, 'r'},
		{"repeat", required_argument, NULL, 'n'},
		{NULL, 0, NULL, 0},
	};
	static struct bench b = {.rounds = 41, .repeat = 20000, .n_paths = N_PATHS};
	const char *json = NULL, *object = "build/bench/bench.bpf.o";
	double unit;
	int c, broken = 0;

	while ((c = getopt_long(argc, argv, "j:b:r:n:", longs, NULL)) != -1) {
		if (c == 'j')
			json = optarg;
		else if (c == 'b')
			object = optarg;
		else if (c == 'r')
			b.rounds = number(optarg, 5, BENCH_ROUNDS_MAX);
		else if (c == 'n')
			b.repeat = number(optarg, 100, 60000);
		else
			return 2;
	}
	memcpy(b.paths, paths, sizeof(paths));
	if (bench_open(&b, object) || measure(&b)) {
		bench_close(&b);
		return 1;
	}
	unit = evaluate(&b);
	report_table(&b, unit);
	for (unsigned int i = 0; i < b.n_paths; i++)
		broken += path_broken(&b.paths[i]);
	if (json && report_json(&b, unit, json))
		broken++;
	bench_close(&b);
	return broken ? 1 : 0;
}
