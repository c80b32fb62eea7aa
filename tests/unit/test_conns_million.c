/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `ctl conns` over a million connections: a map like conns, the real server with its thread in a
 * child process, and the real client here. The duration of each request is printed and bounded; the
 * bounds are generous, an idle machine needs a small part of them. Needs CAP_BPF.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "path/bpf_internal.h"
#include "base/clock.h"
#include "ctl_rig.h"
#include "ctl/ctl.h"
#include "serve/conns.h"

#define MILLION 1000000
#define BATCH   10000
#define HALF    1000 /* half-open connections */
#define TOP_RTT 4000000

#define WALK_MS 2000
#define LIST_MS 30000
#if defined(__SANITIZE_ADDRESS__)
#define LIST_ROWS "200000" /* with sanitizers a million take too long for a test */
#define LIST_LAST "1000000 connections, 200000 shown; --limit N shows more\n"
#else
#define LIST_ROWS "1000000"
#define LIST_LAST "1000000 connections\n"
#endif

static struct hokm_bpf maps;

/* ---- the maps ---- */

static int make_map(enum bpf_map_type type, const char *name, uint32_t key, uint32_t value,
		    uint32_t entries, uint32_t flags)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = flags);
	int fd = bpf_map_create(type, name, key, value, entries, &opts);

	if (fd < 0)
		fail_msg("map %s: %s (CAP_BPF is needed)", name, strerror(-fd));
	return fd;
}

static void make_entry(unsigned int i, uint64_t now_ns, struct hokm_conn_key *k,
		       struct hokm_conn *c)
{
	memset(k, 0, sizeof(*k));
	memset(c, 0, sizeof(*c));
	k->client.w[2] = htonl(0xffff);
	k->client.w[3] = htonl(0x0a000000 + i / 4);
	k->client_port = htons((uint16_t)(1024 + i % 4));
	c->tcp_state = HOKM_TCP_ESTABLISHED;
	c->target = HOKM_LOCAL;
	c->ws = HOKM_WS_OPEN;
	c->created_ns = now_ns - (uint64_t)(i + 1) * NS_PER_MS / 16;
	c->c2s.last_ns = c->s2c.last_ns = c->created_ns + 1000;
	c->c2s.bytes = c->s2c.bytes = 100000 + i;
	c->c2s.frames = c->s2c.frames = i;
	c->c2s.packets = c->s2c.packets = i;
	c->c2s.ws.state = c->s2c.ws.state = HOKM_FOLLOW_FRAMES;
	c->switch_ns = c->created_ns;
	/* In the order of i, every value up to TOP_RTT occurs once. */
	c->rtt_c2s_us = TOP_RTT - (uint32_t)((uint64_t)i * 7919 % MILLION);
	c->upgrade_us = 100;
	/* One connection in a thousand has an open request. */
	if (i % 1000 == 0)
		c->ping_c2s_ns = now_ns - 7 * NS_PER_S;
}

static void fill_conns(int fd)
{
	struct hokm_conn_key *keys = calloc(BATCH, sizeof(*keys));
	struct hokm_conn *conns = calloc(BATCH, sizeof(*conns));
	uint64_t now_ns = clock_now_ns();

	assert_true(keys && conns);
	for (unsigned int i = 0; i < MILLION; i += BATCH) {
		uint32_t n = BATCH;

		for (unsigned int b = 0; b < BATCH; b++)
			make_entry(i + b, now_ns, &keys[b], &conns[b]);
		assert_int_equal(bpf_map_update_batch(fd, keys, conns, &n, NULL), 0);
	}
	free(keys);
	free(conns);
}

static void fill_half_open(int fd)
{
	for (uint32_t i = 0; i < HALF; i++) {
		struct hokm_half_open_set set = {0};
		struct hokm_conn c;

		make_entry(i, clock_now_ns(), &set.way[0].key, &c);
		set.way[0].created_ns = c.created_ns;
		set.way[0].tcp_state = HOKM_TCP_SYN;
		set.way[0].target = HOKM_LOCAL;
		assert_int_equal(bpf_map_update_elem(fd, &i, &set, BPF_ANY), 0);
	}
}

static void fill_latency(int fd)
{
	struct hokm_latency *values = calloc((size_t)libbpf_num_possible_cpus(), sizeof(*values));
	uint32_t slot = 0;

	assert_non_null(values);
	values[0].upgrade[10] = 100;
	assert_int_equal(bpf_map_update_elem(fd, &slot, values, BPF_ANY), 0);
	free(values);
}

/* ---- the daemon ---- */

static int prepare(void *arg, const json_t *args, void **job, char *error, size_t size)
{
	static const struct conns_names names = {.service = {"game"}, .peer = {"backup"}};

	(void)arg;
	return conns_job_new(&names, &maps, args, job, error, size);
}

static const struct ctl_work work = {
	.prepare = prepare, .run = conns_job_run, .free = conns_job_free};
static const struct ctl_verb verbs[] = {{.name = "conns", .work = &work}, {.name = NULL}};

static int setup(void **state)
{
	static struct ctl_rig r;

	for (int i = 0; i < MAP_COUNT; i++)
		maps.map[i] = -1;
	maps.map[MAP_CONNS] = make_map(BPF_MAP_TYPE_HASH, "conns", sizeof(struct hokm_conn_key),
				       sizeof(struct hokm_conn), MILLION + 1000, 0);
	maps.map[MAP_HALF_OPEN] = make_map(BPF_MAP_TYPE_ARRAY, "half_open", sizeof(uint32_t),
					   sizeof(struct hokm_half_open_set), 1024, BPF_F_MMAPABLE);
	maps.map[MAP_LATENCY] = make_map(BPF_MAP_TYPE_PERCPU_ARRAY, "latency", sizeof(uint32_t),
					 sizeof(struct hokm_latency), HOKM_MAX_SERVICES, 0);
	fill_conns(maps.map[MAP_CONNS]);
	fill_half_open(maps.map[MAP_HALF_OPEN]);
	fill_latency(maps.map[MAP_LATENCY]);
	ctl_rig_fork(&r, verbs);
	*state = &r;
	return 0;
}

static int teardown(void **state)
{
	ctl_rig_join(*state);
	for (int i = 0; i < MAP_COUNT; i++)
		if (maps.map[i] >= 0)
			close(maps.map[i]);
	return 0;
}

/* ---- the client ---- */

#define ARGS_MAX 16

static uint64_t cpu_ms_of(pid_t pid)
{
	struct timespec used;
	clockid_t clock;

	assert_int_equal(clock_getcpuclockid(pid, &clock), 0);
	assert_int_equal(clock_gettime(clock, &used), 0);
	return (uint64_t)used.tv_sec * 1000 + (uint64_t)used.tv_nsec / NS_PER_MS;
}

/* Processor time of client and server: other programs on the machine do not count. */
static uint64_t cpu_ms(const struct ctl_rig *r)
{
	return cpu_ms_of(0) + cpu_ms_of(r->child);
}

/*
 * Output of `ctl conns` with these words, for most_ms of processor time at most; the file is gone
 * when it is closed.
 */
static FILE *run(struct ctl_rig *r, uint64_t most_ms, const char *const *words)
{
	const char *argv[ARGS_MAX] = {"ctl", "conns", "-s", r->path};
	uint64_t before_ms = cpu_ms(r), took_ms;
	FILE *out = tmpfile();
	int argc = 4;

	assert_non_null(out);
	printf("  ctl conns");
	for (; *words; words++) {
		assert_true(argc < ARGS_MAX - 1);
		argv[argc++] = *words;
		printf(" %s", *words);
	}
	assert_int_equal(ctl_run(argc, (char **)(uintptr_t)argv, out, stderr), CTL_EXIT_OK);
	took_ms = cpu_ms(r) - before_ms;
	printf(": %llu ms\n", (unsigned long long)took_ms);
	if (took_ms > most_ms)
		fail_msg("took %llu ms, not %llu at most", (unsigned long long)took_ms,
			 (unsigned long long)most_ms);
	rewind(out);
	return out;
}

#define RUN(r, most_ms, ...) run(r, most_ms, (const char *const[]){__VA_ARGS__, NULL})

/* Counts the remaining lines; the last one is copied to `last`. Closes the file. */
static unsigned long count_lines(FILE *in, char *last, size_t size)
{
	unsigned long n = 0;

	last[0] = '\0';
	while (fgets(last, (int)size, in))
		n++;
	assert_int_equal(fclose(in), 0);
	return n;
}

static int count_one(const struct hokm_conn_key *k, const struct hokm_conn *c, void *arg)
{
	unsigned int *n = arg;

	(void)k;
	*n += c->tcp_state == HOKM_TCP_ESTABLISHED;
	return 0;
}

static void test_walk(void **state)
{
	uint64_t before_ms = cpu_ms_of(0), took_ms;
	struct hokm_bpf *view;
	unsigned int n = 0;

	(void)state;
	assert_int_equal(hokm_bpf_view(&maps, &view), 0);
	assert_int_equal(hokm_bpf_walk_conns(view, false, count_one, &n), 0);
	took_ms = cpu_ms_of(0) - before_ms;
	hokm_bpf_close(view);
	printf("  walk: %llu ms\n", (unsigned long long)took_ms);
	assert_int_equal(n, MILLION);
	assert_true(took_ms < WALK_MS);
}

static void test_top(void **state)
{
	char line[512];
	FILE *out = RUN(*state, WALK_MS * 2, "--top", "rtt");

	assert_non_null(fgets(line, sizeof(line), out));
	assert_non_null(strstr(line, "RTT"));
	assert_non_null(fgets(line, sizeof(line), out));
	assert_non_null(strstr(line, "4.0 s"));
	assert_non_null(strstr(line, "10.0.0.0:1024"));
	assert_int_equal(count_lines(out, line, sizeof(line)), 20);
	assert_string_equal(line, "1000000 connections, 20 shown; --limit N shows more\n");
}

static void test_filters(void **state)
{
	char line[512];
	FILE *out = RUN(*state, WALK_MS * 2, "--stale", "5s", "--limit", "5000");

	assert_non_null(fgets(line, sizeof(line), out));
	assert_non_null(strstr(line, "WAITS"));
	assert_non_null(fgets(line, sizeof(line), out));
	assert_non_null(strstr(line, "ping "));
	assert_int_equal(count_lines(out, line, sizeof(line)), 1000);
	assert_string_equal(line, "1000 of 1000000 connections\n");
	out = RUN(*state, WALK_MS * 2, "--client", "10.0.1.0/24", "--sort", "age", "--limit",
		  "2000");
	assert_int_equal(count_lines(out, line, sizeof(line)), 1 + 1024 + 1);
	out = RUN(*state, WALK_MS, "--half-open", "--limit", "10");
	assert_int_equal(count_lines(out, line, sizeof(line)), 1 + 10 + 1);
	assert_string_equal(line, "1000 half-open connections, 10 shown; --limit N shows more\n");
}

static void test_list(void **state)
{
	char line[512];
	FILE *out = RUN(*state, LIST_MS, "--limit", LIST_ROWS);

	assert_int_equal(count_lines(out, line, sizeof(line)),
			 1 + strtoul(LIST_ROWS, NULL, 10) + 1);
	assert_string_equal(line, LIST_LAST);
}

static void test_json(void **state)
{
	FILE *out = RUN(*state, WALK_MS * 2, "--json", "--limit", "30000");
	json_t *o = json_loadf(out, 0, NULL), *row;

	assert_int_equal(fclose(out), 0);
	assert_int_equal(json_integer_value(json_object_get(o, "total")), MILLION);
	assert_int_equal(json_array_size(json_object_get(o, "conns")), 30000);
	row = json_array_get(json_object_get(o, "conns"), 29999);
	assert_string_equal(json_string_value(json_object_get(row, "ws")), "open");
	assert_true(json_integer_value(json_object_get(row, "rtt_us")) > 0);
	json_decref(o);
}

static void test_summary(void **state)
{
	FILE *out = RUN(*state, WALK_MS * 2, "--summary", "--json");
	json_t *o = json_loadf(out, 0, NULL), *s = json_object_get(o, "summary");

	assert_int_equal(fclose(out), 0);
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(s, "services"), "game")),
		MILLION);
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(s, "stale"), "stale-ping")),
		MILLION / 1000);
	s = json_object_get(json_object_get(s, "latency"), "game");
	s = json_object_get(s, "upgrade");
	assert_int_equal(json_integer_value(json_object_get(s, "count")), 100);
	assert_int_equal(json_integer_value(json_object_get(s, "p50")), 1536);
	json_decref(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walk),    cmocka_unit_test(test_top),
		cmocka_unit_test(test_filters), cmocka_unit_test(test_list),
		cmocka_unit_test(test_json),    cmocka_unit_test(test_summary),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
