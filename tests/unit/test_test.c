/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `hokm-xdp test`: rows from facts, where nothing that was not seen may pass, and the reports,
 * which hold what others wrote.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor/facts.h"
#include "test/from_facts.h"

#define TEXT(field, text) snprintf(field, sizeof(field), "%s", text)

/* A node of a healthy pair, owner or not. */
static void healthy(struct facts *f, bool owner)
{
	struct fact_peer *p = &f->peers[0];

	facts_init(f);
	f->daemon = FACT_ANSWERS;
	f->pins_known = f->pins = f->agent = true;
	f->owner = owner;
	f->vip_here = owner;
	f->rp_filter = f->arp_ignore_all = 0;
	f->tcp_loose = f->clock_synced = f->interface_up = 1;
	f->ct_count = 10;
	f->ct_max = 1000;
	f->advert_ms = 1000;
	TEXT(f->node, "here");
	TEXT(f->state, owner ? "master" : "backup");
	TEXT(f->vip, "192.168.1.25");
	TEXT(f->interface, "eth0");
	f->n_peers = 1;
	TEXT(p->name, "there");
	p->pulsing = p->fresh = p->replicated = p->connected = p->warm = true;
	p->seen_ms = 3;
	p->owner = !owner;
	p->adverts_ms = owner ? -1 : 200;
	p->n_paths = 2;
	p->paths[0].in_use = p->paths[0].answers = true;
	p->paths[1] = p->paths[0];
	f->n_own_paths = 1;
	f->grew.vrrp_seen = f->grew.vrrp_received = owner ? 0 : 2;
}

static void judge(const struct facts *f, struct test_report *t)
{
	memset(t, 0, sizeof(*t));
	for (enum test_category c = 0; c < TEST_CATEGORIES; c++)
		test_from_facts(f, c, t);
}

static const struct test_row *row(const struct test_report *t, const char *name)
{
	for (unsigned int i = 0; i < t->n; i++)
		if (!strcmp(t->rows[i].name, name))
			return &t->rows[i];
	fail_msg("there is no row %s", name);
	return NULL;
}

static void gone(struct facts *f)
{
	f->daemon = FACT_GONE;
}
static void bad_file(struct facts *f)
{
	f->config_ok = false;
	TEXT(f->config_error, "line 3");
}
static void two(struct facts *f)
{
	f->peers[0].owner = true;
}
static void none(struct facts *f)
{
	f->owner = false;
	f->vip_here = 0;
	TEXT(f->state, "backup");
}
static void password(struct facts *f)
{
	f->grew.vrrp[VRRP_BAD_AUTH] = 2;
}
static void forged(struct facts *f)
{
	f->peers[0].bad_tags = 1;
}
static void silent(struct facts *f)
{
	f->peers[0].pulsing = f->peers[0].fresh = false;
	f->peers[0].seen_ms = 5000;
}
static void cut(struct facts *f)
{
	f->peers[0].connected = false;
}
static void cold(struct facts *f)
{
	f->peers[0].warm = false;
}
static void cable(struct facts *f)
{
	f->interface_up = 0;
}
static void claimed(struct facts *f)
{
	TEXT(f->claimer, "02:00:00:00:00:99");
	TEXT(f->claimed, "192.168.1.24");
}
static void left_over(struct facts *f)
{
	none(f);
	f->vip_here = 1;
	f->peers[0].owner = true;
}
static void path(struct facts *f)
{
	f->n_missing = 1;
	TEXT(f->missing[0], "program ingress");
}
static void unsteerable(struct facts *f)
{
	TEXT(f->peers[0].not_steerable, "probes do not arrive");
}
/* The peer answers over its cable alone. */
static void segment_lost(struct facts *f)
{
	unsteerable(f);
	f->peers[0].connected = false;
	f->peers[0].paths[0].answers = false;
	f->peers[0].paths[0].seen_ms = 5000;
}
static void path_lost(struct facts *f)
{
	f->peers[0].paths[1].answers = false;
	f->peers[0].paths[1].seen_ms = 5000;
}
static void path_never(struct facts *f)
{
	path_lost(f);
	f->peers[0].paths[1].seen_ms = -1;
}
static void path_unusable(struct facts *f)
{
	TEXT(f->own_paths[0].why, "no interface has it");
}
static void closed_port(struct facts *f)
{
	TEXT(f->unanswered, "game");
	f->unanswered_ms = 7000;
}
static void misrouted(struct facts *f)
{
	TEXT(f->route_out, "answers leave by eth1");
}
static void table_full(struct facts *f)
{
	f->ct_count = f->ct_max;
}
static void in_maintenance(struct facts *f)
{
	f->maint = true;
}

static void a_fault_fails_its_row(void **state)
{
	static const struct {
		void (*fault)(struct facts *f);
		const char *row;
	} rows[] = {
		{gone, "daemon"},
		{bad_file, "configuration"},
		{two, "owner"},
		{none, "owner"},
		{password, "discarded adverts"},
		{forged, "signatures of pulses and replication"},
		{silent, "pulses of the peer"},
		{cut, "replication to the peer"},
		{cold, "replication to the peer"},
		{cable, "interface"},
		{claimed, "ARP for the VIP"},
		{left_over, "VIP"},
		{path, "packet path"},
		{unsteerable, "steering to the peer"},
		{path_lost, "paths to the peer"},
		{path_never, "paths to the peer"},
		{segment_lost, "paths to the peer"},
		{path_unusable, "paths of the pulses here"},
		{closed_port, "SYNs of clients"},
		{misrouted, "routes of the game"},
		{table_full, "connection tracking"},
		{in_maintenance, "state"},
	};
	struct test_report t;
	struct facts f;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		healthy(&f, true);
		rows[i].fault(&f);
		judge(&f, &t);
		if (row(&t, rows[i].row)->result != TEST_FAIL)
			fail_msg("row %s passes with fault %zu: %s", rows[i].row, i,
				 row(&t, rows[i].row)->seen);
	}
}

/* The doctor has one finding for all that goes over the segment alone, and each row shows it. */
static void a_lost_segment_is_named_in_its_rows(void **state)
{
	static const char *const names[] = {"steering to the peer", "replication to the peer"};
	struct test_report t;
	struct facts f;

	(void)state;
	healthy(&f, true);
	segment_lost(&f);
	judge(&f, &t);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct test_row *r = row(&t, names[i]);

		assert_int_equal(r->result, TEST_FAIL);
		if (strncmp(r->seen, "segment-lost: ", strlen("segment-lost: ")) != 0)
			fail_msg("row %s: %s", names[i], r->seen);
	}
}

static void a_healthy_node_fails_nothing(void **state)
{
	struct test_report t;
	struct facts f;

	(void)state;
	for (int owner = 0; owner < 2; owner++) {
		healthy(&f, owner);
		judge(&f, &t);
		assert_int_equal(test_count(&t, TEST_FAIL), 0);
		/* The owner hears no adverts. */
		assert_int_equal(test_count(&t, TEST_SKIP), owner);
	}
}

/* The segment is a path that every peer has: a row of its own is for those beside it. */
static void paths_that_are_not_there_are_skipped(void **state)
{
	struct test_report t;
	struct facts f;

	(void)state;
	healthy(&f, true);
	f.n_own_paths = 0;
	f.peers[0].n_paths = 1;
	judge(&f, &t);
	assert_int_equal(test_count(&t, TEST_FAIL), 0);
	assert_int_equal(row(&t, "paths of the pulses here")->result, TEST_SKIP);
	assert_int_equal(row(&t, "paths to the peer")->result, TEST_SKIP);
	healthy(&f, true);
	judge(&f, &t);
	assert_string_equal(row(&t, "paths to the peer")->seen, "node there answers over 2 of 2");
}

/*
 * Without a daemon nothing of it is known, and a backup that hears no advert is none that is well.
 */
static void what_was_not_seen_never_passes(void **state)
{
	struct test_report t;
	struct facts f;

	(void)state;
	healthy(&f, true);
	gone(&f);
	judge(&f, &t);
	for (unsigned int i = 0; i < t.n; i++)
		if (t.rows[i].result == TEST_PASS)
			assert_string_equal(t.rows[i].name, "configuration");
	healthy(&f, false);
	f.grew.vrrp_received = 0;
	judge(&f, &t);
	assert_int_equal(row(&t, "adverts of the owner")->result, TEST_FAIL);
	healthy(&f, true);
	f.interface_up = f.vip_here = -1;
	judge(&f, &t);
	assert_int_equal(row(&t, "interface")->result, TEST_SKIP);
	assert_int_equal(row(&t, "VIP")->result, TEST_SKIP);
}

/* keepalived answers no pulses, and is the owner when its adverts come. */
static void a_keepalived_is_no_fault(void **state)
{
	struct test_report t;
	struct facts f;

	(void)state;
	healthy(&f, false);
	f.peers[0].vrrp_only = true;
	f.peers[0].pulsing = f.peers[0].owner = f.peers[0].replicated = false;
	judge(&f, &t);
	assert_int_equal(test_count(&t, TEST_FAIL), 0);
	assert_int_equal(row(&t, "owner")->result, TEST_PASS);
	assert_int_equal(row(&t, "pulses of the peer")->result, TEST_SKIP);
	f.peers[0].adverts_ms = 60000;
	judge(&f, &t);
	assert_int_equal(row(&t, "owner")->result, TEST_FAIL);
}

static void three_rows(struct test_report *t)
{
	struct test_row *r;

	memset(t, 0, sizeof(*t));
	test_end(test_add(t, TEST_GAME, "one", "a pong"), TEST_PASS, "%s", "fine");
	r = test_end(test_add(t, TEST_GAME, "a<b", "a \"pong\""), TEST_FAIL, "%s",
		     "<script>&\"\x01\nend");
	TEXT(r->next, "see");
	r->took_ns = 1500000;
	test_end(test_add(t, TEST_DNS, "three", "x"), TEST_SKIP, "it is off");
}

static char *printed(const struct test_report *t, bool junit)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	assert_non_null(to);
	if (junit)
		test_junit(t, "here", to);
	else
		assert_int_equal(test_list(t, "here", to), 0);
	assert_int_equal(fclose(to), 0);
	return text;
}

static void nothing_in_a_row_breaks_the_xml(void **state)
{
	static const char expected[] =
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n"
		"  <testsuite name=\"hokm-xdp.game\" hostname=\"here\" tests=\"2\" failures=\"1\""
		" errors=\"0\" skipped=\"0\">\n"
		"    <testcase classname=\"hokm-xdp.game\" name=\"1 one\" time=\"0.000000\">"
		"</testcase>\n"
		"    <testcase classname=\"hokm-xdp.game\" name=\"2 a&lt;b\" time=\"0.001500\">\n"
		"      <failure message=\"&lt;script&gt;&amp;&quot;  end\">"
		"expected: a &quot;pong&quot;\n"
		"seen: &lt;script&gt;&amp;&quot;  end\nnext: see</failure>\n    </testcase>\n"
		"  </testsuite>\n"
		"  <testsuite name=\"hokm-xdp.dns\" hostname=\"here\" tests=\"1\" failures=\"0\""
		" errors=\"0\" skipped=\"1\">\n"
		"    <testcase classname=\"hokm-xdp.dns\" name=\"3 three\" time=\"0.000000\">\n"
		"      <skipped message=\"it is off\"/>\n    </testcase>\n"
		"  </testsuite>\n</testsuites>\n";
	struct test_report t;
	char *text;

	(void)state;
	three_rows(&t);
	text = printed(&t, true);
	assert_string_equal(text, expected);
	free(text);
}

static void the_json_has_each_row(void **state)
{
	struct test_report t;
	json_t *o, *list;
	char *text;

	(void)state;
	three_rows(&t);
	text = printed(&t, false);
	o = json_loads(text, 0, NULL);
	assert_non_null(o);
	list = json_object_get(o, "tests");
	assert_int_equal(json_array_size(list), 3);
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 1), "result")),
			    "FAIL");
	assert_int_equal(json_integer_value(json_object_get(o, "failed")), 1);
	assert_int_equal(json_integer_value(json_object_get(o, "skipped")), 1);
	json_decref(o);
	free(text);
}

/* More rows than there is room for: none is written behind the end. */
static void too_many_rows_are_no_overflow(void **state)
{
	struct test_report t = {.n = 0};

	(void)state;
	for (unsigned int i = 0; i < TEST_ROWS_MAX + 5; i++)
		(void)test_add(&t, TEST_GAME, "row", "x");
	assert_int_equal(t.n, TEST_ROWS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fault_fails_its_row),
		cmocka_unit_test(a_lost_segment_is_named_in_its_rows),
		cmocka_unit_test(a_healthy_node_fails_nothing),
		cmocka_unit_test(paths_that_are_not_there_are_skipped),
		cmocka_unit_test(what_was_not_seen_never_passes),
		cmocka_unit_test(a_keepalived_is_no_fault),
		cmocka_unit_test(nothing_in_a_row_breaks_the_xml),
		cmocka_unit_test(the_json_has_each_row),
		cmocka_unit_test(too_many_rows_are_no_overflow),
	};

	return cmocka_run_group_tests_name("test", tests, NULL, NULL);
}
