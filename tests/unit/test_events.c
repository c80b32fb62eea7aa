/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The event stream: rings, followers, lost records, lines as JSON, and the way from the perf event
 * of a BPF program to a line.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "serve/event_json.h"
#include "sense/events.h"

struct seen {
	unsigned int n;
	uint64_t first, last;
	char text[160];
	struct events *events;
	int id; /* removes this follower at the next line */
};

static void note(const struct event_line *line, void *arg)
{
	struct seen *s = arg;

	if (!s->n++)
		s->first = line->seq;
	s->last = line->seq;
	snprintf(s->text, sizeof(s->text), "%s", line->text);
	if (s->id)
		events_unfollow(s->events, s->id);
}

static void note_record(const struct hokm_event *record, void *arg)
{
	*(struct hokm_event *)arg = *record;
}

static struct events *open_events(event_record_fn fn, void *arg)
{
	struct events *e;

	assert_int_equal(events_open(NULL, -1, fn, arg, &e), 0);
	return e;
}

static void test_ring_keeps_the_newest(void **state)
{
	struct events *e = open_events(NULL, NULL);
	struct seen s = {0};

	(void)state;
	events_recent(e, 10, note, &s);
	assert_int_equal(s.n, 0);
	for (int i = 1; i <= 3; i++)
		events_add(e, "state", HOKM_R_STARTED, "line %d", i);
	events_recent(e, 10, note, &s);
	assert_int_equal(s.n, 3);
	assert_int_equal(s.first, 1);
	assert_string_equal(s.text, "line 3");

	for (int i = 4; i <= EVENTS_KEEP + 5; i++)
		events_add(e, "state", HOKM_R_STARTED, "line %d", i);
	s = (struct seen){0};
	events_recent(e, EVENTS_KEEP * 2, note, &s);
	assert_int_equal(s.n, EVENTS_KEEP);
	assert_int_equal(s.first, 6);
	assert_int_equal(s.last, EVENTS_KEEP + 5);
	s = (struct seen){0};
	events_recent(e, 2, note, &s);
	assert_int_equal(s.n, 2);
	assert_int_equal(s.first, EVENTS_KEEP + 4);
	s = (struct seen){0};
	events_recent(e, 0, note, &s);
	assert_int_equal(s.n, 0);
	events_close(e);
}

/* Any number of kernel records leaves the lines of the daemon in place. */
static void test_sources_keep_their_own(void **state)
{
	const struct hokm_event record = {.kind = HOKM_EV_OPEN};
	struct events *e = open_events(NULL, NULL);
	struct seen s = {0};

	(void)state;
	events_add(e, "state", HOKM_R_STARTED, "the oldest");
	for (int i = 0; i < EVENTS_KEEP + 5; i++)
		events_take_record(e, &record, sizeof(record));
	events_add(e, "state", HOKM_R_STARTED, "the newest");
	events_recent(e, EVENTS_KEEP, note, &s);
	assert_int_equal(s.n, EVENTS_KEEP + 2);
	assert_int_equal(s.first, 1);
	assert_int_equal(s.last, EVENTS_KEEP + 7);
	assert_string_equal(s.text, "the newest");
	s = (struct seen){0};
	events_recent(e, 1, note, &s);
	assert_int_equal(s.n, 2);
	assert_int_equal(s.first, EVENTS_KEEP + 6);
	events_close(e);
}

static void test_long_text_is_cut(void **state)
{
	struct events *e = open_events(NULL, NULL);
	struct seen s = {0};

	(void)state;
	events_add(e, "config", HOKM_R_NONE, "%0500d", 7);
	events_recent(e, 1, note, &s);
	assert_int_equal(strlen(s.text), 159);
	events_close(e);
}

static void test_followers(void **state)
{
	struct events *e = open_events(NULL, NULL);
	struct seen a = {0}, b = {0}, once = {.events = e};
	int id_a, id_b;

	(void)state;
	id_a = events_follow(e, note, &a);
	once.id = events_follow(e, note, &once);
	id_b = events_follow(e, note, &b);
	assert_true(id_a > 0 && id_b > 0 && once.id > 0 && id_a != id_b);
	events_add(e, "peer", HOKM_R_NONE, "one");
	events_add(e, "peer", HOKM_R_NONE, "two");
	assert_int_equal(a.n, 2);
	assert_int_equal(b.n, 2);
	assert_int_equal(once.n, 1);
	events_unfollow(e, id_a);
	events_unfollow(e, id_a);
	events_add(e, "peer", HOKM_R_NONE, "three");
	assert_int_equal(a.n, 2);
	assert_int_equal(b.n, 3);
	events_close(e);
}

static void test_too_many_followers(void **state)
{
	struct events *e = open_events(NULL, NULL);
	struct seen s = {0};
	int id = 0;

	(void)state;
	for (int i = 0; i < EVENTS_FOLLOWERS_MAX; i++) {
		id = events_follow(e, note, &s);
		assert_true(id > 0);
	}
	assert_int_equal(events_follow(e, note, &s), -EUSERS);
	events_unfollow(e, id);
	assert_true(events_follow(e, note, &s) > 0);
	events_close(e);
}

static struct hokm_event sample_record(uint8_t kind)
{
	struct hokm_event r = {
		.now_ns = clock_now_ns(),
		.kind = kind,
		.service = 0,
		.target = HOKM_LOCAL,
		.client_port = htons(40312),
	};

	r.client.w[2] = htonl(0xffff);
	r.client.w[3] = inet_addr("192.168.1.50");
	return r;
}

static void test_records(void **state)
{
	struct hokm_event got = {0}, r = sample_record(HOKM_EV_REFUSED);
	struct events *e = open_events(note_record, &got);
	unsigned char padded[sizeof(r) + 4] = {0};
	struct seen s = {0};

	(void)state;
	assert_true(events_follow(e, note, &s) > 0);
	memcpy(padded, &r, sizeof(r));
	events_take_record(e, padded, sizeof(padded));
	assert_int_equal(s.n, 1);
	assert_memory_equal(&got, &r, sizeof(r));

	/* A record that is too short is only counted. */
	events_take_record(e, padded, sizeof(r) - 1);
	assert_int_equal(s.n, 1);
	assert_int_equal(events_lost(e), 1);

	events_take_lost(e, 41);
	assert_int_equal(events_lost(e), 42);
	assert_int_equal(s.n, 2);
	assert_non_null(strstr(s.text, "41 kernel events were lost"));
	events_close(e);
}

/* ---- a real perf event array ---- */

#define INSN(c, d, s, o, i)                                                         \
	{                                                                           \
		.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i) \
	}
#define ZERO(off) INSN(BPF_ST | BPF_MEM | BPF_DW, 10, 0, (off), 0)

/* An XDP program that sends one record of kind "target-dead" and passes the frame. */
static int load_sender(int map)
{
	const struct bpf_insn insns[] = {
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 6, 1, 0, 0),
		ZERO(-64),
		ZERO(-56),
		ZERO(-48),
		ZERO(-40),
		ZERO(-32),
		ZERO(-24),
		ZERO(-16),
		ZERO(-8),
		INSN(BPF_ST | BPF_MEM | BPF_B, 10, 0, -64 + (int)offsetof(struct hokm_event, kind),
		     HOKM_EV_TARGET_DEAD),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 1, 6, 0, 0),
		INSN(BPF_LD | BPF_IMM | BPF_DW, 2, BPF_PSEUDO_MAP_FD, 0, map),
		INSN(0, 0, 0, 0, 0),
		INSN(BPF_ALU | BPF_MOV | BPF_K, 3, 0, 0, -1), /* BPF_F_CURRENT_CPU */
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 4, 10, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, 4, 0, 0, -64),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 5, 0, 0, sizeof(struct hokm_event)),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_perf_event_output),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, XDP_PASS),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};

	return bpf_prog_load(BPF_PROG_TYPE_XDP, "sender", "GPL", insns,
			     sizeof(insns) / sizeof(insns[0]), NULL);
}

static void send_records(int prog, int n)
{
	unsigned char frame[64] = {0};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = n);

	assert_int_equal(bpf_prog_test_run_opts(prog, &opts), 0);
}

/* Each CPU has its own buffer, so all records of a test must come from the same CPU. */
static void stay_on_this_cpu(cpu_set_t *before)
{
	cpu_set_t one;

	assert_int_equal(sched_getaffinity(0, sizeof(*before), before), 0);
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
}

static void test_perf_events(void **state)
{
	cpu_set_t before;
	struct seen s = {0};
	struct hokm_event got = {0};
	struct events *e;
	sd_event *loop;
	int map, prog;

	(void)state;
	map = bpf_map_create(BPF_MAP_TYPE_PERF_EVENT_ARRAY, "t_events", 4, 4,
			     (unsigned int)sysconf(_SC_NPROCESSORS_CONF), NULL);
	assert_true(map >= 0);
	prog = load_sender(map);
	assert_true(prog >= 0);
	assert_true(sd_event_new(&loop) >= 0);
	assert_int_equal(events_open(loop, map, note_record, &got, &e), 0);
	assert_true(events_follow(e, note, &s) > 0);
	stay_on_this_cpu(&before);
	send_records(prog, 3);
	while (s.n < 3)
		assert_true(sd_event_run(loop, 5000000) > 0);
	assert_int_equal(got.kind, HOKM_EV_TARGET_DEAD);
	assert_int_equal(events_lost(e), 0);

	/*
	 * There are more records than the buffer has room for. The lost ones are counted, and
	 * reported in the stream with the first record that fits again.
	 */
	send_records(prog, 5000);
	assert_true(sd_event_run(loop, 5000000) > 0);
	assert_int_equal(events_lost(e), 0);
	send_records(prog, 1);
	while (!events_lost(e))
		assert_true(sd_event_run(loop, 5000000) > 0);
	/* Every record arrived or was counted, and one more line reports the loss. */
	assert_int_equal(s.n - 1 + events_lost(e), 3 + 5000 + 1);
	assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
	events_close(e);
	sd_event_unref(loop);
	close(prog);
	close(map);
}

/* Records from each CPU of `from`, on that CPU. Returns the number of CPUs. */
static int send_from_each(const cpu_set_t *from, int prog, int n)
{
	int n_cpus = 0;
	cpu_set_t one;

	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, from))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
		send_records(prog, n);
		n_cpus++;
	}
	assert_int_equal(sched_setaffinity(0, sizeof(*from), from), 0);
	return n_cpus;
}

/* One turn reads the buffer of one CPU when that one is full; none is left unread. */
static void test_many_cpus_are_read_in_many_turns(void **state)
{
	enum { FULL = 500 };
	unsigned int before = 0;
	struct hokm_event got;
	struct events *e;
	struct seen s = {0};
	cpu_set_t cpus;
	sd_event *loop;
	int map, prog, n;

	(void)state;
	map = bpf_map_create(BPF_MAP_TYPE_PERF_EVENT_ARRAY, "t_events", 4, 4,
			     (unsigned int)sysconf(_SC_NPROCESSORS_CONF), NULL);
	prog = load_sender(map);
	assert_true(map >= 0 && prog >= 0);
	assert_true(sd_event_new(&loop) >= 0);
	assert_int_equal(events_open(loop, map, note_record, &got, &e), 0);
	assert_true(events_follow(e, note, &s) > 0);
	assert_int_equal(sched_getaffinity(0, sizeof(cpus), &cpus), 0);
	n = send_from_each(&cpus, prog, FULL);
	while (s.n < (unsigned int)(n * FULL)) {
		assert_true(sd_event_run(loop, 5000000) > 0);
		assert_true(s.n - before <= FULL);
		before = s.n;
	}
	assert_int_equal(events_lost(e), 0);
	events_close(e);
	sd_event_unref(loop);
	close(prog);
	close(map);
}

static void test_no_perf_map(void **state)
{
	struct events *e;
	sd_event *loop;
	int map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "t_array", 4, 4, 1, NULL);

	(void)state;
	assert_true(map >= 0);
	assert_true(sd_event_new(&loop) >= 0);
	assert_true(events_open(loop, map, NULL, NULL, &e) < 0);
	assert_null(e);
	sd_event_unref(loop);
	close(map);
}

static const char *service_name(unsigned int slot, void *arg)
{
	assert_ptr_equal(arg, service_name);
	return slot == 0 ? "game" : NULL;
}

static const char *peer_name(unsigned int slot, void *arg)
{
	(void)arg;
	return slot == 1 ? "backup" : NULL;
}

static const struct event_names names = {service_name, peer_name, service_name};

static json_t *line_of(const struct hokm_event *r, const struct event_names *n)
{
	struct event_line line = {
		.seq = 7,
		.realtime_ns = 1795379401123456789LL, /* 2026-11-22 20:30:01.123 UTC */
		.source = EVENT_KERNEL,
		.record = *r,
	};
	json_t *o = event_line_json(&line, n);

	assert_non_null(o);
	return o;
}

static void assert_field(const json_t *o, const char *key, const char *want)
{
	const json_t *v = json_object_get(o, key);

	if (!want)
		assert_null(v);
	else
		assert_string_equal(json_string_value(v), want);
}

static void test_json_of_records(void **state)
{
	struct hokm_event r = sample_record(HOKM_EV_OPEN);
	json_t *o = line_of(&r, &names);

	(void)state;
	assert_int_equal(json_integer_value(json_object_get(o, "seq")), 7);
	assert_field(o, "time", "2026-11-22T20:30:01.123Z");
	assert_field(o, "source", "kernel");
	assert_field(o, "kind", "open");
	assert_field(o, "client", "192.168.1.50:40312");
	assert_field(o, "text", "client=192.168.1.50:40312 service=game target=local");
	json_decref(o);

	r.kind = HOKM_EV_CLOSED;
	r.target = 1;
	r.age_ns = 12345 * 1000000ULL;
	r.bytes_in = 10;
	r.bytes_out = 20;
	r.close_side = 2;
	o = line_of(&r, &names);
	assert_field(
		o, "text",
		"client=192.168.1.50:40312 service=game target=backup age=12.345s in=10 out=20 "
		"by=server");
	assert_int_equal(json_integer_value(json_object_get(o, "age_ms")), 12345);
	assert_field(o, "target", "backup");
	json_decref(o);

	r = sample_record(HOKM_EV_DROP);
	r.service = HOKM_NODE_SLOT;
	r.target = HOKM_NO_PEER;
	r.client_port = 0;
	r.counter = HOKM_CTR_drop_vrrp_ttl;
	o = line_of(&r, &names);
	assert_field(o, "text", "counter=drop_vrrp_ttl from=192.168.1.50");
	assert_field(o, "counter", "drop_vrrp_ttl");
	assert_field(o, "service", NULL);
	assert_field(o, "target", NULL);
	json_decref(o);
}

static void test_json_of_odd_records(void **state)
{
	struct hokm_event r = sample_record(200);
	json_t *o;

	(void)state;
	r.service = 5;
	r.target = 6;
	r.counter = 60000;
	r.client.w[0] = htonl(0x20010db8);
	r.client.w[2] = 0;
	r.client.w[3] = htonl(1);
	o = line_of(&r, &names);
	assert_field(o, "kind", "?");
	assert_field(o, "text", "client=[2001:db8::1]:40312 service=#5 target=#6");
	json_decref(o);
	memset(&r, 0, sizeof(r));
	r.kind = HOKM_EV_PEER_UP;
	r.service = HOKM_NODE_SLOT;
	r.target = 1;
	o = line_of(&r, NULL);
	assert_field(o, "text", "peer=#1");
	json_decref(o);
	r.kind = HOKM_EV_VIP_CLAIM;
	r.client_port = htons(0x0200);
	r.client.w[3] = htonl(0xc0a80132);
	o = line_of(&r, NULL);
	assert_field(o, "text", "from=02:00:c0:a8:01:32");
	assert_field(o, "target", NULL);
	json_decref(o);
}

static void test_json_of_the_daemons(void **state)
{
	struct event_line line = {
		.seq = 1,
		.source = EVENT_DAEMON,
		.what = "state",
		.reason = HOKM_R_MASTER_DOWN,
		.text = "backup -> master \xff\x01",
	};
	json_t *o = event_line_json(&line, NULL);

	(void)state;
	assert_field(o, "source", "daemon");
	assert_field(o, "what", "state");
	assert_field(o, "kind", "state");
	assert_field(o, "reason", "master-down");
	assert_field(o, "text", "backup -> master ?\x01");
	assert_field(o, "client", NULL);
	json_decref(o);
}

static void test_filter(void **state)
{
	struct event_line kernel = {.source = EVENT_KERNEL, .record = {.kind = HOKM_EV_DROP}};
	struct event_line own = {.source = EVENT_DAEMON, .what = "hook"};
	json_t *kinds = json_pack("[s,s]", "drop", "open");
	char list[320];

	(void)state;
	assert_true(event_line_matches(&kernel, NULL));
	assert_true(event_line_matches(&kernel, kinds));
	assert_false(event_line_matches(&own, kinds));
	json_array_append_new(kinds, json_string("daemon"));
	assert_true(event_line_matches(&own, kinds));
	json_decref(kinds);
	assert_true(event_kind_known("second-chance"));
	assert_true(event_kind_known("kernel"));
	assert_true(event_kind_known("operator"));
	assert_false(event_kind_known("opne"));
	event_kinds_list(list, sizeof(list));
	assert_non_null(strstr(list, "open, closed, upgraded"));
	assert_non_null(strstr(list, ", kernel, daemon"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ring_keeps_the_newest),
		cmocka_unit_test(test_sources_keep_their_own),
		cmocka_unit_test(test_long_text_is_cut),
		cmocka_unit_test(test_followers),
		cmocka_unit_test(test_too_many_followers),
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_json_of_records),
		cmocka_unit_test(test_json_of_odd_records),
		cmocka_unit_test(test_json_of_the_daemons),
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_perf_events),
		cmocka_unit_test(test_many_cpus_are_read_in_many_turns),
		cmocka_unit_test(test_no_perf_map),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
