/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The revision of the status: it grows with each fact that an operator compares, and stays when
 * only ages, times and counters went on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "serve/revision.h"

#define STATUS                                                                                   \
	"{'state':'master','reason':'start','owner':true,'epoch':3,'priority':110,'players':5,"  \
	"'panic':false,'drain':false,'maint':false,'standby':false,'successor':'backup',"        \
	"'missing':[],'since_ms':9,'services':[{'name':'game','state':'up','reason':'check-ok'," \
	"'players':5,'since_ms':9,'checks':[{'kind':'http','known':true,'up':true,"              \
	"'reason':'check-ok','last_ms':9}]}],'peers':[{'name':'backup','pulsing':true,"          \
	"'daemon_fresh':true,'state':'backup','priority':100,'services_up':1,'seen_ms':9,"       \
	"'lease_left_ms':0,'replica':{'connections':7,'lag_ms':9}}]}"

/* STATUS with one text in place of another, and with " in place of '. Caller: json_decref(). */
static json_t *changed(const char *from, const char *to)
{
	const char *at = strstr(STATUS, from);
	char text[2 * sizeof(STATUS)];
	json_t *o;

	assert_non_null(at);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - STATUS), STATUS, to, at + strlen(from));
	for (char *c = text; *c; c++)
		if (*c == '\'')
			*c = '"';
	o = json_loads(text, 0, NULL);
	assert_non_null(o);
	return o;
}

static uint64_t seen(struct revision *r, const char *from, const char *to)
{
	json_t *o = changed(from, to);
	uint64_t n = revision_of(r, o);

	json_decref(o);
	return n;
}

static void each_fact_makes_a_revision(void **state)
{
	static const struct {
		const char *from, *to;
	} rows[] = {
		{"'master'", "'backup'"},
		{"'start'", "'operator'"},
		{"'owner':true", "'owner':false"},
		{"'epoch':3", "'epoch':4"},
		{"'priority':110", "'priority':0"},
		{"'players':5", "'players':6"},
		{"'panic':false", "'panic':true"},
		{"'drain':false", "'drain':true"},
		{"'maint':false", "'maint':true"},
		{"'standby':false", "'standby':true"},
		{"'successor':'backup'", "'successor':null"},
		{"[]", "['XDP program']"},
		{"'state':'up'", "'state':'down'"},
		{"'reason':'check-ok','players'", "'reason':'maint','players'"},
		{"'players':5,'since_ms':9,'checks'", "'players':4,'since_ms':9,'checks'"},
		{"'up':true", "'up':false"},
		{"'known':true", "'known':false"},
		{"'reason':'check-ok','last_ms'", "'reason':'check-timeout','last_ms'"},
		{"'pulsing':true", "'pulsing':false"},
		{"'daemon_fresh':true", "'daemon_fresh':false"},
		{"'state':'backup'", "'state':'master'"},
		{"'priority':100", "'priority':90"},
		{"'services_up':1", "'services_up':0"},
		{"'lease_left_ms':0", "'lease_left_ms':900"},
		{"'connections':7", "'connections':8"},
		{"'replica':{'connections':7,'lag_ms':9}", "'replica':null"},
	};
	struct revision r = {0};
	uint64_t n = seen(&r, "", "");

	(void)state;
	assert_int_equal(n, 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (seen(&r, rows[i].from, rows[i].to) != n + 1)
			fail_msg("%s to %s made no revision", rows[i].from, rows[i].to);
		assert_int_equal(seen(&r, rows[i].from, rows[i].to), n + 1);
		n = seen(&r, "", "");
	}
}

static void what_goes_on_makes_none(void **state)
{
	static const char *const ages[] = {"'since_ms':9,'services'", "'since_ms':9,'checks'",
					   "'last_ms':9", "'seen_ms':9", "'lag_ms':9"};
	struct revision r = {0};

	(void)state;
	assert_int_equal(seen(&r, "'lease_left_ms':0", "'lease_left_ms':900"), 1);
	assert_int_equal(seen(&r, "'lease_left_ms':0", "'lease_left_ms':880"), 1);
	assert_int_equal(seen(&r, "", ""), 2);
	for (size_t i = 0; i < sizeof(ages) / sizeof(ages[0]); i++) {
		char to[64];

		snprintf(to, sizeof(to), "%s", ages[i]);
		*strchr(to, '9') = '8';
		assert_int_equal(seen(&r, ages[i], to), 2);
	}
}

/* It never returns to an old number, so that equal numbers are the same state. */
static void a_state_that_comes_back_is_a_new_revision(void **state)
{
	struct revision r = {0};

	(void)state;
	assert_int_equal(seen(&r, "", ""), 1);
	assert_int_equal(seen(&r, "'epoch':3", "'epoch':4"), 2);
	assert_int_equal(seen(&r, "", ""), 3);
}

static void a_status_without_parts_is_no_trouble(void **state)
{
	json_t *o = json_pack("{s:i, s:[i], s:s}", "peers", 7, "services", 3, "state", "\xc3\xa4");
	struct revision r = {0};

	(void)state;
	assert_non_null(o);
	assert_int_equal(revision_of(&r, o), 1);
	assert_int_equal(revision_of(&r, NULL), 2);
	json_decref(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_fact_makes_a_revision),
		cmocka_unit_test(what_goes_on_makes_none),
		cmocka_unit_test(a_state_that_comes_back_is_a_new_revision),
		cmocka_unit_test(a_status_without_parts_is_no_trouble),
	};

	return cmocka_run_group_tests_name("revision", tests, NULL, NULL);
}
