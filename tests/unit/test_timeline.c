/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records of nodes become one timeline: each test is a table of events and the failovers that they
 * must give.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctl/render.h"
#include "ctl/timeline.h"

/* An event of a record: microseconds since the boot of its node. */
struct ev {
	int64_t us;
	const char *kind, *reason, *text;
};

#define S 1000000LL
#define END                  \
	{                    \
		.kind = NULL \
	}

static json_t *record(const char *node, const struct ev *list)
{
	json_t *events = json_array();

	for (; list->kind; list++) {
		bool kernel = !list->reason;
		json_t *o = json_pack("{s:I, s:s, s:s, s:s, s:s*}", "boot_us", (json_int_t)list->us,
				      "source", kernel ? "kernel" : "daemon", "kind", list->kind,
				      "text", list->text, "reason", list->reason);

		assert_int_equal(json_array_append_new(events, o), 0);
	}
	return json_pack("{s:s, s:I, s:I, s:[], s:o, s:i}", "node", node, "now_us",
			 (json_int_t)(1000 * S), "time_us", (json_int_t)(2000 * S), "clocks",
			 "events", events, "lost", 0);
}

/* The record's node received a probe of the peer. */
static void arrived(json_t *record, const char *peer, int64_t sent_us, int64_t arrived_us)
{
	json_t *clock = json_pack(
		"{s:s, s:I, s:I, s:i}", "peer", peer, "sent_us", (json_int_t)sent_us, "arrived_us",
		(json_int_t)arrived_us, "rtt_us", 400);

	assert_int_equal(json_array_append_new(json_object_get(record, "clocks"), clock), 0);
}

static struct timeline merged(json_t *const *records, unsigned int n)
{
	struct timeline t;

	assert_int_equal(timeline_merge((const json_t *const *)records, n, &t), 0);
	return t;
}

static void done(struct timeline *t, json_t *const *records, unsigned int n)
{
	timeline_free(t);
	for (unsigned int i = 0; i < n; i++)
		json_decref(records[i]);
}

static void assert_row(const struct timeline *t, size_t row, int64_t at_us, const char *text)
{
	assert_true(row < t->n);
	assert_int_equal(t->rows[row].at_us, at_us);
	assert_string_equal(timeline_text(&t->rows[row], "text"), text);
}

/* ---- clocks ---- */

static const struct ev none[] = {END};

static void test_probes_of_both_directions_compare_the_clocks(void **state)
{
	static const struct ev later[] = {{50 * S, "peer", "peer-silent", "x"}, END};
	json_t *r[] = {record("a", none), record("b", later)};
	struct timeline t;

	(void)state;
	/* b is 30 s behind a; the journeys take 100 us and 300 us. */
	arrived(r[0], "b", 10 * S, 40 * S + 100);
	arrived(r[1], "a", 45 * S, 15 * S + 300);
	t = merged(r, 2);
	assert_int_equal(t.clocks[1].by, TIMELINE_BOTH);
	assert_int_equal(t.clocks[1].shift_us, 30 * S - 100);
	assert_int_equal(t.clocks[1].error_us, 200);
	assert_row(&t, 0, 80 * S - 100, "x");
	done(&t, r, 2);
}

static void test_one_probe_compares_them_less_exactly(void **state)
{
	json_t *here[] = {record("a", none), record("b", none)};
	json_t *there[] = {record("a", none), record("b", none)};
	struct timeline t;

	(void)state;
	arrived(here[0], "b", 10 * S, 40 * S);
	t = merged(here, 2);
	assert_int_equal(t.clocks[1].by, TIMELINE_ONE);
	assert_int_equal(t.clocks[1].shift_us, 30 * S - 200);
	assert_int_equal(t.clocks[1].error_us, 400);
	done(&t, here, 2);
	arrived(there[1], "a", 40 * S, 10 * S);
	t = merged(there, 2);
	assert_int_equal(t.clocks[1].by, TIMELINE_ONE);
	assert_int_equal(t.clocks[1].shift_us, 30 * S + 200);
	done(&t, there, 2);
}

/* A node that booted after its record was written has another clock now. */
static void test_a_boot_between_the_records_is_not_overlooked(void **state)
{
	json_t *r[] = {record("a", none), record("b", none), record("c", none)};
	struct timeline t;

	(void)state;
	arrived(r[0], "b", 10 * S, 40 * S);
	arrived(r[1], "a", 45 * S, 5000 * S);
	assert_int_equal(json_object_set_new(r[1], "time_us", json_integer(2007 * S)), 0);
	t = merged(r, 3);
	assert_int_equal(t.clocks[1].by, TIMELINE_BOOTED);
	assert_int_equal(t.clocks[1].shift_us, 7 * S);
	assert_int_equal(t.clocks[1].error_us, -1);
	/* And of c nothing is known. */
	assert_int_equal(t.clocks[2].by, TIMELINE_WALL);
	assert_int_equal(t.clocks[2].shift_us, 0);
	done(&t, r, 3);
}

static void test_a_record_from_elsewhere_is_not_trusted(void **state)
{
	json_t *r[] = {record("a", none),
		       json_loads("{\"node\": 7, \"now_us\": -9223372036854775807, \"time_us\": "
				  "9223372036854775807, \"clocks\": [3, {\"peer\": \"a\", "
				  "\"sent_us\": 9223372036854775807}], \"events\": [1, null, {}, "
				  "{\"boot_us\": 9223372036854775807, \"kind\": 5}, "
				  "{\"boot_us\": -9223372036854775807}]}",
				  0, NULL)};
	struct failover list[1];
	struct timeline t;

	(void)state;
	assert_non_null(r[1]);
	arrived(r[0], "?", 0, INT64_MAX);
	t = merged(r, 2);
	assert_int_equal(t.n, 2);
	assert_int_equal(timeline_find(&t, INT64_MIN, list, 1), 0);
	done(&t, r, 2);
}

/* ---- failovers ---- */

static void test_a_handover_has_its_stages(void **state)
{
	static const struct ev a[] = {
		{5 * S, "peer", "peer-silent", "long ago"},
		{100 * S, "operator", "operator", "failover to b"},
		{100 * S + 1000, "state", "operator", "master -> backup: the operator"},
		{100 * S + 5000, "steered", NULL, "client=1"},
		END};
	static const struct ev b[] = {
		{1100 * S + 3000, "state", "priority-zero", "backup -> master: released"},
		{1100 * S + 9000, "open", NULL, "client=1"},
		{1101 * S, "open", NULL, "client=2"},
		{1101 * S + 500, "upgraded", NULL, "client=2"},
		{1120 * S, "open", NULL, "a new player"},
		END};
	json_t *r[] = {record("a", a), record("b", b)};
	struct failover list[4], *f = list;
	struct timeline t;

	(void)state;
	arrived(r[0], "b", 1000 * S, 0);
	arrived(r[1], "a", 0, 1000 * S);
	t = merged(r, 2);
	assert_int_equal(timeline_find(&t, INT64_MIN, list, 4), 1);
	assert_row(&t, f->begin, 100 * S, "failover to b");
	assert_row(&t, f->decision, 100 * S + 1000, "master -> backup: the operator");
	assert_row(&t, f->owned, 100 * S + 3000, "backup -> master: released");
	assert_row(&t, f->last, 101 * S + 500, "client=2");
	assert_row(&t, f->end - 1, 101 * S + 500, "client=2");
	assert_int_equal(f->came, 2);
	assert_string_equal(f->from, "a");
	assert_false(f->cut);
	assert_string_equal(timeline_mark(&t, f, f->begin), "first signal");
	assert_string_equal(timeline_mark(&t, f, f->decision), "decision");
	assert_string_equal(timeline_mark(&t, f, f->owned), "VIP owned");
	assert_string_equal(timeline_mark(&t, f, f->owned + 1), "players");
	assert_string_equal(timeline_mark(&t, f, f->owned + 2), "reconnect");
	done(&t, r, 2);
}

/* The record of the dead owner is missing. */
static void test_a_dead_owner_gives_nothing_up(void **state)
{
	static const struct ev b[] = {
		{1 * S, "state", "started", "init -> backup: started"},
		{60 * S, "peer", "peer-silent", "a: silent"},
		{61 * S, "state", "granted", "backup -> master: granted"},
		{61 * S + 100, "peer", "takeover", "a: takeover (5)"},
		END};
	json_t *r[] = {record("b", b)};
	struct failover f;
	struct timeline t = merged(r, 1);

	(void)state;
	assert_int_equal(timeline_find(&t, INT64_MIN, &f, 1), 1);
	assert_row(&t, f.begin, 60 * S, "a: silent");
	assert_int_equal(f.decision, f.owned);
	assert_int_equal(f.last, TIMELINE_NO);
	assert_null(f.from);
	assert_string_equal(timeline_mark(&t, &f, f.owned + 1), "players");
	done(&t, r, 1);
}

/* The VIP goes and comes back at once: no row is in both, and the newest one is the last. */
static void test_failovers_that_overlap_share_nothing(void **state)
{
	static const struct ev a[] = {{10 * S, "service", "service-down", "game up -> down"},
				      {11 * S, "state", "service-down", "master -> backup: down"},
				      {14 * S, "state", "preempt", "backup -> master: preempt"},
				      END};
	static const struct ev b[] = {
		{12 * S, "state", "priority-zero", "backup -> master: released"},
		{12 * S + 500000, "open", NULL, "client=1"},
		{13 * S, "service", "service-down", "game up -> down, too"},
		{13 * S + 500000, "state", "service-down", "master -> backup: too"},
		END};
	json_t *r[] = {record("a", a), record("b", b)};
	struct failover list[4];
	struct timeline t = merged(r, 2);

	(void)state;
	assert_int_equal(timeline_find(&t, INT64_MIN, list, 4), 2);
	assert_int_equal(list[0].end, list[1].begin);
	assert_row(&t, list[0].begin, 10 * S, "game up -> down");
	assert_row(&t, list[1].begin, 13 * S, "game up -> down, too");
	assert_row(&t, list[1].decision, 13 * S + 500000, "master -> backup: too");
	assert_int_equal(list[0].came, 1);
	assert_int_equal(list[1].came, 0);
	/* The newest, and those since. */
	assert_int_equal(timeline_find(&t, INT64_MIN, list, 1), 1);
	assert_row(&t, list[0].owned, 14 * S, "backup -> master: preempt");
	assert_int_equal(timeline_find(&t, 13 * S, list, 4), 1);
	assert_row(&t, list[0].owned, 14 * S, "backup -> master: preempt");
	assert_string_equal(list[0].from, "b");
	done(&t, r, 2);
}

static void test_events_without_a_failover_are_none(void **state)
{
	static const struct ev a[] = {
		{1 * S, "state", "adopted", "init -> master: adopted"},
		{2 * S, "peer", "peer-silent", "b: silent"},
		{3 * S, "passive", "passive-syn", "game: fault"},
		{4 * S, "state", "panic-hold", "no node is healthy"},
		{5 * S, "open", NULL, "client=1"},
		END};
	json_t *r[] = {record("a", a)}, *empty[] = {record("a", none)};
	struct failover f;
	struct timeline t = merged(r, 1);

	(void)state;
	assert_int_equal(timeline_find(&t, INT64_MIN, &f, 1), 0);
	done(&t, r, 1);
	t = merged(empty, 1);
	assert_int_equal(timeline_find(&t, INT64_MIN, &f, 1), 0);
	done(&t, empty, 1);
}

/* Where players never cease to come, the end is said to be no end. */
static void test_a_busy_server_is_not_the_last_reconnect(void **state)
{
	struct ev b[102] = {{1 * S, "state", "granted", "backup -> master: granted"}};
	struct failover f;
	struct timeline t;
	json_t *r[1];

	(void)state;
	for (int i = 1; i <= 100; i++)
		b[i] = (struct ev){(1 + i) * S, "open", NULL, "client"};
	r[0] = record("b", b);
	t = merged(r, 1);
	assert_int_equal(timeline_find(&t, INT64_MIN, &f, 1), 1);
	assert_int_equal(f.came, 60);
	assert_true(f.cut);
	done(&t, r, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_probes_of_both_directions_compare_the_clocks),
		cmocka_unit_test(test_one_probe_compares_them_less_exactly),
		cmocka_unit_test(test_a_boot_between_the_records_is_not_overlooked),
		cmocka_unit_test(test_a_record_from_elsewhere_is_not_trusted),
		cmocka_unit_test(test_a_handover_has_its_stages),
		cmocka_unit_test(test_a_dead_owner_gives_nothing_up),
		cmocka_unit_test(test_failovers_that_overlap_share_nothing),
		cmocka_unit_test(test_events_without_a_failover_are_none),
		cmocka_unit_test(test_a_busy_server_is_not_the_last_reconnect),
	};

	return cmocka_run_group_tests_name("timeline", tests, NULL, NULL);
}
