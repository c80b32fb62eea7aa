/* SPDX-License-Identifier: GPL-2.0-only */
/* The screen of `hokm-xdp top` as rows of text, and what its keys do. No terminal is needed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "top/top.h"

#define CHECKS                                                                          \
	"[{'kind':'websocket','up':true,'known':true,'reason':'check-ok','detail':''}," \
	"{'kind':'http','up':false,'known':true,'reason':'check-status','detail':'GET / 503'}]"
#define STATUS                                                                                \
	"{'version':'0.1.0','revision':42,"                                                   \
	"'node':'primary','address':'192.168.1.26','instance':'hokm',"                        \
	"'vips':['192.168.1.25'],'state':'master','owner':true,'reason':'master-down',"       \
	"'reason_text':'the owner sent no advert','since_ms':192000,'lease_left_ms':2710,"    \
	"'priority':110,'drain':false,'successor':'backup','uptime_ms':7500000,'players':50," \
	"'services':[{'name':'game','state':'up','reason':'check-ok','since_ms':65000,"       \
	"'suspect_ms':0,'players':50,'checks':" CHECKS "}],"                                  \
	"'peers':[{'name':'backup','priority':100,'pulsing':true,'state':'backup',"           \
	"'rtt_us':120,'seen_ms':3,'lease_left_ms':0,'services_up':1,"                         \
	"'replica':{'connections':7}},"                                                       \
	"{'name':'third','priority':90,'pulsing':false,'seen_ms':null,'replica':null}]}"
#define EVENTS                                                                              \
	"[{'time':'2026-11-22T20:30:00.001Z','kind':'operator','text':'failover','reason':" \
	"'operator'},{'time':'2026-11-22T20:30:01.123Z','kind':'state',"                    \
	"'text':'backup -> master: the owner sent no advert','reason':'master-down'}]"

/* Parses JSON with ' in place of ". Caller: json_decref(). */
static json_t *sample(const char *text)
{
	char *copy = strdup(text);
	json_t *o;

	assert_non_null(copy);
	for (char *p = copy; *p; p++)
		if (*p == '\'')
			*p = '"';
	o = json_loads(copy, 0, NULL);
	free(copy);
	assert_non_null(o);
	return o;
}

static void say(struct top_state *s, const char *verb, const char *text)
{
	json_t *data = sample(text);

	top_state_take(s, verb, data);
	json_decref(data);
}

static void begin(struct top_state *s)
{
	memset(s, 0, sizeof(*s));
	say(s, "status", STATUS);
	say(s, "events", "{'events':" EVENTS "}");
	say(s, "counters", "{'latency':{'game':{'syn_ack':[0,0,0,0,0,5]}}}");
	say(s, "counters",
	    "{'latency':{'game':{'syn_ack':[0,0,0,0,0,5,90,10],'ping_in':[0,0,1]},"
	    "'chat':{'syn_ack':[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1]}}}");
}

static struct top_row rows[TOP_ROWS_MAX];

/* Every row fits, and is ASCII. */
static void drawn(const struct top_state *s, unsigned int width, unsigned int height)
{
	memset(rows, 0, sizeof(rows));
	top_rows(s, width, height, rows);
	for (unsigned int i = 0; i < height && i < TOP_ROWS_MAX; i++) {
		assert_true(strlen(rows[i].text) <= width);
		for (const char *c = rows[i].text; *c; c++)
			assert_true(*c >= ' ' && *c <= '~');
	}
}

static bool shown(const char *part)
{
	for (unsigned int i = 0; i < TOP_ROWS_MAX; i++)
		if (strstr(rows[i].text, part))
			return true;
	return false;
}

/* ---- the screen ---- */

struct want {
	enum top_look look;
	const char *text;
};

static void assert_rows(const struct want *want, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		assert_string_equal(rows[i].text, want[i].text);
		assert_int_equal(rows[i].look, want[i].look);
	}
}

static void test_the_screen_of_80_by_24_shows_all(void **state)
{
	static const struct want want[24] = {
		{TOP_INVERSE, "hokm-xdp top  primary (192.168.1.26)  revision 42  up 2 h 5 min  "
			      "instance hokm  "},
		{TOP_BOLD, "primary is OWNER of 192.168.1.25"},
		{TOP_PLAIN,
		 "this node: master for 3 min 12 s, the owner sent no advert (master-down)"},
		{TOP_PLAIN, "lease: 2.7 s left"},
		{TOP_INVERSE,
		 "NODE             OWNER  STATE     PRIO SERVICES  PLAYERS     ROUND HEARD"},
		{TOP_PLAIN,
		 "primary          OWNER  master     110      1/1       50         - this node"},
		{TOP_PLAIN,
		 "backup           -      backup     100      1/1        7    120 us 3 ms"},
		{TOP_BOLD,
		 "third            -      SILENT      90        -        0         - never"},
		{TOP_INVERSE, "SERVICE          HEALTH    PLAYERS SINCE        REASON"},
		{TOP_PLAIN, "game             up             50 1 min 5 s    check-ok"},
		{TOP_BOLD, "  check http: check-status: GET / 503"},
		{TOP_INVERSE,
		 "ROUND TRIPS, 1 MIN    COUNT     P50<=     P99<=  16us     8ms       8s"},
		{TOP_PLAIN,
		 "syn_ack                 101    128 us    256 us |  @.               .|"},
		{TOP_PLAIN,
		 "ping_in                   1      8 us      8 us |@                   |"},
		{TOP_INVERSE, "EVENTS (UTC)"},
		{TOP_PLAIN, "20:30:00.001 operator failover (operator)"},
		{TOP_PLAIN, "20:30:01.123 state    backup -> master: the owner sent no advert "
			    "(master-down)"},
		{TOP_PLAIN, ""},
		{TOP_PLAIN, ""},
		{TOP_PLAIN, ""},
		{TOP_PLAIN, ""},
		{TOP_PLAIN, ""},
		{TOP_PLAIN, ""},
		{TOP_PLAIN, "q quit  h help  f failover  d drain"},
	};
	struct top_state s;

	(void)state;
	begin(&s);
	drawn(&s, 80, 24);
	assert_rows(want, 24);
	top_state_free(&s);
}

/* A low screen loses what is less important; a narrow one loses the ends of rows. */
static void test_a_small_screen_is_cut_not_broken(void **state)
{
	static const struct want narrow[] = {
		{TOP_INVERSE, "hokm-xdp top  primar"}, {TOP_BOLD, "primary is OWNER of "},
		{TOP_PLAIN, "this node: master fo"},   {TOP_PLAIN, "lease: 2.7 s left"},
		{TOP_PLAIN, "q quit  h help  f fa"},
	};
	struct top_state s;

	(void)state;
	begin(&s);
	drawn(&s, 20, 5);
	assert_rows(narrow, 5);
	for (unsigned int height = 0; height <= TOP_ROWS_MAX + 5; height++) {
		drawn(&s, height * 3, height);
		if (height)
			assert_true(height < 12 || shown("q quit"));
	}
	drawn(&s, 1, 1);
	assert_string_equal(rows[0].text, "q");
	top_state_free(&s);
}

/* A wide and high screen has the same rows, and room for more events. */
static void test_a_large_screen_shows_more(void **state)
{
	json_t *events = json_array();
	struct top_state s;

	(void)state;
	begin(&s);
	for (int i = 0; i < 60; i++)
		assert_int_equal(
			json_array_append_new(
				events, json_pack("{s:s, s:s, s:o}", "time", "T1", "kind", "peer",
						  "text", json_sprintf("number %d.", i))),
			0);
	json_decref(s.events);
	s.events = events;
	drawn(&s, 132, 60);
	assert_true(shown("primary is OWNER of 192.168.1.25"));
	assert_true(shown("number 59."));
	assert_true(shown("number 16."));
	assert_false(shown("number 15."));
	drawn(&s, 80, 24);
	assert_false(shown("number 51."));
	assert_non_null(strstr(rows[22].text, "number 59."));
	top_state_free(&s);
}

static void test_an_owner_that_is_the_peer_is_shown(void **state)
{
	struct top_state s = {.answered_ms = 10};

	(void)state;
	say(&s, "status",
	    "{'node':'a','vips':['10.0.0.9'],'owner':false,'state':'backup','peers':["
	    "{'name':'b','pulsing':true,'lease_left_ms':900,'state':'master'}]}");
	drawn(&s, 80, 24);
	assert_string_equal(rows[1].text, "b is OWNER of 10.0.0.9, by its pulses");
	say(&s, "status",
	    "{'node':'a','vips':['10.0.0.9'],'owner':false,'peers':["
	    "{'name':'b','pulsing':false,'lease_left_ms':900}],"
	    "'panic':true,'drain':true,'maint':true,'standby':true,'missing':['x',1],"
	    "'grants':{'majority':2,'members':3,'in_touch':1}}");
	drawn(&s, 80, 24);
	assert_string_equal(rows[1].text, "NO OWNER of 10.0.0.9 is known");
	assert_true(shown("grants: 2 of 3 members needed, 1 in touch; NOT IN FORCE"));
	assert_true(shown("WARNING  panic hold"));
	assert_true(shown("WARNING  this node is drained"));
	assert_true(shown("WARNING  missing: x"));
	top_state_free(&s);
}

/* After a second without an answer, with what the kernel says, and without orders. */
static void test_a_daemon_that_is_silent_is_told_by_the_kernel(void **state)
{
	struct top_state s;

	(void)state;
	begin(&s);
	s.waits_ms = 900;
	drawn(&s, 80, 24);
	assert_string_equal(rows[1].text, "primary is OWNER of 192.168.1.25");
	s.waits_ms = 1100;
	drawn(&s, 80, 24);
	assert_string_equal(rows[1].text,
			    "NO ANSWER OF THE DAEMON for 1.1 s: it is stopped or busy");
	assert_int_equal(rows[1].look, TOP_BOLD);
	assert_true(shown("primary is OWNER of 192.168.1.25"));
	top_state_leave(&s, json_pack("{s:s, s:s, s:[s], s:b, s:s, s:i}", "node", "primary",
				      "address", "192.168.1.26", "vips", "192.168.1.25", "owner", 0,
				      "why", "stopped", "lease_ended_ms", 3000));
	assert_non_null(s.left);
	drawn(&s, 80, 24);
	assert_string_equal(rows[2].text, "primary (192.168.1.26) is not owner of 192.168.1.25");
	assert_true(shown("the kernel's lease ended 3.0 s ago: this node is not owner"));
	assert_false(shown("primary is OWNER of 192.168.1.25"));
	assert_int_equal(top_state_key(&s, 'f'), TOP_NOTHING);
	assert_int_equal(s.mode, TOP_LOOK);
	assert_string_equal(s.message, "the daemon does not answer: no orders");
	top_state_free(&s);
}

/* What was said last stays, and is not taken for the present. */
static void test_a_daemon_that_is_gone_is_not_shown_as_alive(void **state)
{
	struct top_state s;

	(void)state;
	begin(&s);
	snprintf(s.trouble, sizeof(s.trouble), "nobody listens on its socket");
	s.answered_ms = 12000;
	drawn(&s, 80, 24);
	assert_string_equal(rows[1].text, "NO ANSWER OF THE DAEMON: nobody listens on its socket");
	assert_string_equal(rows[2].text, "it is asked again; below is what it said 12.0 s ago");
	assert_int_equal(rows[1].look, TOP_BOLD);
	top_state_free(&s);
	memset(&s, 0, sizeof(s));
	snprintf(s.trouble, sizeof(s.trouble), "gone");
	s.answered_ms = -1;
	drawn(&s, 80, 24);
	assert_string_equal(rows[2].text, "it is asked again");
	s.trouble[0] = '\0';
	drawn(&s, 80, 24);
	assert_string_equal(rows[0].text, "hokm-xdp top");
	top_state_free(&s);
}

/* A daemon of another version, or another program on its socket. */
static void test_strange_data_do_no_harm(void **state)
{
	struct top_state s = {.n_looks = 0};

	(void)state;
	say(&s, "status",
	    "{'node':7,'vips':{},'peers':[1,null,{}],'services':[{'checks':[2,{'known':true}]},4],"
	    "'missing':3,'grants':[],'reason_text':'\\u001b[2J\\u00e9\\n%s'}");
	say(&s, "events", "{'events':[5,{'text':'\\u001b[31mred'},{'time':'x'}]}");
	say(&s, "counters", "{'latency':{'a':3,'b':{'syn_ack':['x',-5]}}}");
	drawn(&s, 80, 24);
	assert_true(shown("?[31mred"));
	say(&s, "events", "{'events':9}");
	say(&s, "events", "{}");
	say(&s, "counters", "{}");
	drawn(&s, 250, 100);
	top_state_free(&s);
}

/* Only what was counted within the minute, and never below zero. */
static void test_round_trips_are_of_the_last_minute(void **state)
{
	json_int_t places[HOKM_LATENCY_PLACES];
	struct top_state s = {.n_looks = 0};
	char text[96];

	(void)state;
	for (int i = 1; i <= 70; i++) {
		snprintf(text, sizeof(text), "{'latency':{'game':{'syn_ack':[%d]}}}", 100 * i);
		say(&s, "counters", text);
	}
	assert_int_equal(s.n_looks, TOP_MINUTE);
	assert_int_equal(top_state_minute(&s, HOKM_LAT_syn_ack, places), 5900);
	assert_int_equal(top_state_minute(&s, HOKM_LAT_ping_in, places), 0);
	say(&s, "counters", "{'latency':{'game':{'syn_ack':[3]}}}");
	assert_int_equal(top_state_minute(&s, HOKM_LAT_syn_ack, places), 3);
	top_state_free(&s);
}

/* ---- keys ---- */

static void test_nothing_is_ordered_without_a_yes(void **state)
{
	static const char no[] = "nNq\n \033fd";
	struct top_state s;

	(void)state;
	begin(&s);
	for (const char *key = no; *key; key++) {
		assert_int_equal(top_state_key(&s, 'f'), TOP_NOTHING);
		drawn(&s, 80, 24);
		assert_non_null(strstr(rows[23].text, "Hand the VIP over to backup now?"));
		assert_int_equal(top_state_key(&s, *key), TOP_NOTHING);
		assert_int_equal(s.mode, TOP_LOOK);
		drawn(&s, 80, 24);
		assert_string_equal(rows[23].text, "nothing was ordered");
	}
	assert_int_equal(top_state_key(&s, 'f'), TOP_NOTHING);
	assert_int_equal(top_state_key(&s, 'y'), TOP_FAILOVER);
	assert_int_equal(top_state_key(&s, 'y'), TOP_NOTHING);
	assert_int_equal(top_state_key(&s, 'd'), TOP_NOTHING);
	assert_int_equal(top_state_key(&s, 'y'), TOP_DRAIN);
	say(&s, "status", "{'drain':true,'owner':false}");
	assert_int_equal(top_state_key(&s, 'd'), TOP_NOTHING);
	assert_int_equal(top_state_key(&s, 'Y'), TOP_UNDRAIN);
	assert_int_equal(top_state_key(&s, 'f'), TOP_NOTHING);
	assert_int_equal(s.mode, TOP_LOOK);
	drawn(&s, 80, 24);
	assert_non_null(strstr(rows[23].text, "this node is not the owner"));
	snprintf(s.trouble, sizeof(s.trouble), "gone");
	assert_int_equal(top_state_key(&s, 'd'), TOP_NOTHING);
	assert_int_equal(s.mode, TOP_LOOK);
	top_state_free(&s);
}

static void test_help_and_quit(void **state)
{
	struct top_state s;

	(void)state;
	begin(&s);
	assert_int_equal(top_state_key(&s, 'h'), TOP_NOTHING);
	drawn(&s, 80, 24);
	assert_true(shown("f  hand the VIP over"));
	assert_string_equal(rows[23].text, "any key: back");
	assert_int_equal(top_state_key(&s, 'f'), TOP_NOTHING);
	assert_int_equal(s.mode, TOP_LOOK);
	assert_int_equal(top_state_key(&s, 'x'), TOP_NOTHING);
	assert_int_equal(top_state_key(&s, 'q'), TOP_QUIT);
	assert_int_equal(top_state_key(&s, '?'), TOP_NOTHING);
	assert_int_equal(top_state_key(&s, 'q'), TOP_QUIT);
	top_state_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_screen_of_80_by_24_shows_all),
		cmocka_unit_test(test_a_small_screen_is_cut_not_broken),
		cmocka_unit_test(test_a_large_screen_shows_more),
		cmocka_unit_test(test_an_owner_that_is_the_peer_is_shown),
		cmocka_unit_test(test_a_daemon_that_is_silent_is_told_by_the_kernel),
		cmocka_unit_test(test_a_daemon_that_is_gone_is_not_shown_as_alive),
		cmocka_unit_test(test_strange_data_do_no_harm),
		cmocka_unit_test(test_round_trips_are_of_the_last_minute),
		cmocka_unit_test(test_nothing_is_ordered_without_a_yes),
		cmocka_unit_test(test_help_and_quit),
	};

	return cmocka_run_group_tests_name("top", tests, NULL, NULL);
}
