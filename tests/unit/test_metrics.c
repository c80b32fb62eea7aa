/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Metrics: what a state becomes, in both formats; the table and the page; and the answers of the
 * listener as a function. The process itself is in test_http_listener.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/http_answer.h"
#include "agent/metrics.h"
#include "hokm/names.h"

/* A service whose name has all that a label must escape. */
#define STATE                                                                                     \
	"{\"status\": {\"version\": \"1.2\", \"node\": \"primary\", \"instance\": \"hokm\","      \
	" \"interface\": \"eth0\", \"xdp_mode\": \"native\", \"profile\": \"fast\","              \
	" \"state\": \"master\", \"reason\": \"adopted\", \"owner\": true, \"since_ms\": 1500,"   \
	" \"lease_left_ms\": 2500, \"priority\": 110, \"successor\": null, \"missing\": [\"a\"]," \
	" \"vrrp\": {\"sent\": 7, \"discarded\": {\"ttl\": 3, \"short\": 0}},"                    \
	" \"late\": {\"pulse\": {\"recent_us\": 250, \"worst_us\": 4000}},"                       \
	" \"services\": [{\"name\": \"a\\\"b\\\\c\\nd\", \"state\": \"up\", \"players\": 12,"     \
	"   \"oldest_ping_ms\": null, \"checks\": [{\"kind\": \"websocket\", \"up\": true,"       \
	"   \"took_ms\": 3}, {\"kind\": \"tcp\", \"up\": false, \"took_ms\": 1}]}],"              \
	" \"peers\": [{\"name\": \"backup\", \"pulsing\": true, \"rtt_us\": 80,"                  \
	"   \"replica\": null, \"differs\": null, \"paths\": [{\"answers\": false,"               \
	"   \"loss_permille\": null}, {\"answers\": true, \"loss_permille\": 5}]}]},"             \
	" \"counters\": {\"services\": {\"game\": {\"syn\": 5}}, \"node\": {\"arp_seen\": 9}},"   \
	" \"latency\": {\"game\": {\"syn_ack\": [1, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0," \
	"   0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0]}}}"

static char *written(const char *state, enum metrics_format format)
{
	json_t *json = json_loads(state, 0, NULL);
	size_t len;
	char *text;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(json);
	assert_non_null(f);
	metrics_write(json, format, f);
	assert_int_equal(fclose(f), 0);
	json_decref(json);
	return text;
}

/* The text has this line, whole. */
static void has_line(const char *text, const char *line)
{
	size_t len = strlen(line);

	for (const char *at = strstr(text, line); at; at = strstr(at + 1, line))
		if ((at == text || at[-1] == '\n') && at[len] == '\n')
			return;
	fail_msg("there is no line: %s", line);
}

static void a_state_becomes_samples(void **state)
{
	static const char *const lines[] = {
		"hokm_owner 1",
		"hokm_state{state=\"master\"} 1",
		"hokm_state{state=\"backup\"} 0",
		"hokm_state_reason_info{reason=\"adopted\"} 1",
		"hokm_state_age_seconds 1.5",
		"hokm_has_successor 0",
		"hokm_missing_parts 1",
		"hokm_adverts_sent_total 7",
		"hokm_adverts_discarded_total{reason=\"ttl\"} 3",
		"hokm_late_seconds{work=\"pulse\"} 0.00025",
		"hokm_service_up{service=\"a\\\"b\\\\c\\nd\"} 1",
		"hokm_check_up{service=\"a\\\"b\\\\c\\nd\",check=\"2\",kind=\"tcp\"} 0",
		"hokm_peer_round_trip_seconds{peer=\"backup\"} 8e-05",
		"hokm_path_answers{peer=\"backup\",path=\"segment\"} 0",
		"hokm_path_answers{peer=\"backup\",path=\"1\"} 1",
		"hokm_path_loss_ratio{peer=\"backup\",path=\"1\"} 0.005",
		"hokm_syn_total{service=\"game\"} 5",
		"hokm_arp_seen_total 9",
	};
	char *text[METRICS_FORMATS];

	(void)state;
	for (unsigned int f = 0; f < METRICS_FORMATS; f++) {
		text[f] = written(STATE, (enum metrics_format)f);
		for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
			has_line(text[f], lines[i]);
		/* What is null, or is not there, is no sample. */
		assert_null(strstr(text[f], "hokm_service_oldest_ping_seconds{"));
		assert_null(strstr(text[f], "hokm_peer_settings_differ{"));
		assert_null(strstr(text[f], "hokm_replica_warm{"));
		assert_null(strstr(text[f], "hokm_path_loss_ratio{peer=\"backup\",path=\"segment"));
	}
	has_line(text[METRICS_TEXT], "# TYPE hokm_adverts_sent_total counter");
	has_line(text[METRICS_TEXT], "# TYPE hokm_build_info gauge");
	has_line(text[METRICS_OPEN], "# TYPE hokm_adverts_sent counter");
	has_line(text[METRICS_OPEN], "# TYPE hokm_build info");
	has_line(text[METRICS_OPEN], "# UNIT hokm_state_age_seconds seconds");
	assert_null(strstr(text[METRICS_TEXT], "# EOF"));
	assert_string_equal(text[METRICS_OPEN] + strlen(text[METRICS_OPEN]) - 6, "# EOF\n");
	free(text[METRICS_TEXT]);
	free(text[METRICS_OPEN]);
}

/* Place 6 is 64 to 127 us, place 26 is above the last bucket. */
static void a_histogram_is_cumulative(void **state)
{
	static const char *const lines[] = {
		"hokm_syn_ack_latency_seconds_bucket{service=\"game\",le=\"6.4e-05\"} 1",
		"hokm_syn_ack_latency_seconds_bucket{service=\"game\",le=\"0.000128\"} 5",
		"hokm_syn_ack_latency_seconds_bucket{service=\"game\",le=\"33.554432\"} 5",
		"hokm_syn_ack_latency_seconds_bucket{service=\"game\",le=\"+Inf\"} 7",
	};
	char *text = written(STATE, METRICS_OPEN);

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		has_line(text, lines[i]);
	assert_null(strstr(text, "_count"));
	free(text);
	text = written(STATE, METRICS_TEXT);
	has_line(text, "hokm_syn_ack_latency_seconds_count{service=\"game\"} 7");
	free(text);
}

static void a_state_without_anything_is_no_crash(void **state)
{
	char *text = written("{}", METRICS_OPEN);

	(void)state;
	has_line(text, "# TYPE hokm_owner gauge");
	assert_null(strstr(text, "\nhokm_owner "));
	free(text);
}

/* Letters, digits and single underscores; base units; "total" is added, not written. */
static void check_name(const char *name)
{
	static const char *const units[] = {"_ms", "_us", "_ns", "_total", "__", "_count", "_sum"};

	for (const char *c = name; *c; c++)
		if (!islower((unsigned char)*c) && !isdigit((unsigned char)*c) && *c != '_')
			fail_msg("%s: wrong character", name);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strstr(name, units[i]))
			fail_msg("%s has %s", name, units[i]);
}

static void no_two_metrics_have_one_name(void **state)
{
	(void)state;
	for (const struct metric *m = metrics_table; m->name; m++) {
		check_name(m->name);
		assert_non_null(m->help);
		for (const struct metric *o = metrics_table; o < m; o++)
			if (!strcmp(o->name, m->name))
				fail_msg("%s is there twice", m->name);
		for (unsigned int i = 0; i < HOKM_CTR_COUNT; i++)
			if (!strcmp(hokm_counter_name(i), m->name))
				fail_msg("%s is a counter of the packet path", m->name);
	}
}

/* docs/metrics.md has the rows that metrics_write_table() writes, and no others. */
static void the_page_has_the_table(void **state)
{
	FILE *f = fopen("docs/metrics.md", "r");
	char line[1024], *table;
	unsigned int rows = 0, lines = 0;
	size_t len;
	FILE *t = open_memstream(&table, &len);

	(void)state;
	assert_non_null(f);
	assert_non_null(t);
	metrics_write_table(t);
	assert_int_equal(fclose(t), 0);
	for (const char *at = table; *at; at++)
		rows += *at == '\n';
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, "| `hokm_", 8) != 0)
			continue;
		lines++;
		if (!strstr(table, line))
			fail_msg("not in the table of the program: %s", line);
	}
	assert_int_equal(lines, rows);
	fclose(f);
	free(table);
}

/* ---- answers ---- */

static void expect(struct http_state *s, const char *method, const char *path, uint64_t now_ns,
		   unsigned int status, const char *begin)
{
	const struct http_request r = {.method = method, .path = path};
	struct http_answer a;

	http_answer(s, &r, now_ns, &a);
	if (a.status != status || strncmp(a.body, begin, strlen(begin)) != 0)
		fail_msg("%s %s: %u %.*s", method, path, a.status, (int)a.len, a.body);
	assert_true(a.allow == (status == 405));
}

/* Else the readers see a node that has stopped, and a load balancer takes the owner away. */
static void of_a_state_that_is_too_long_the_reason_is_told(void **state)
{
	json_t *whole = json_loads(STATE, 0, NULL), *cut = http_state_cut(whole, 300000);
	char *text = json_dumps(cut, JSON_COMPACT);
	struct http_state s = {.json = NULL};

	(void)state;
	assert_non_null(text);
	assert_true(http_state_take(&s, text, strlen(text), 1000));
	expect(&s, "GET", "/healthz", 1000, 200, "owner\n");
	expect(&s, "GET", "/metrics", 1000, 503, "too long: ");
	expect(&s, "GET", "/api/status", 1000, 503, "too long: ");
	expect(&s, "GET", "/metrics", 1001 + HTTP_STALE_NS, 503, "stale\n");
	assert_true(http_state_take(&s, STATE, strlen(STATE), 2000));
	expect(&s, "GET", "/metrics", 2000, 200, "#");
	http_state_free(&s);
	free(text);
	/* A state without a status, as of a daemon that has no memory. */
	json_decref(cut);
	cut = http_state_cut(NULL, 300000);
	assert_true(json_is_object(cut));
	json_decref(cut);
	json_decref(whole);
}

static void only_the_owner_is_healthy(void **state)
{
	static const char backup[] = "{\"status\": {\"state\": \"backup\", \"owner\": false}}";
	static const char odd[] = "{\"status\": {\"state\": \"<b>\", \"owner\": 1}}";
	struct http_state s = {.json = NULL};

	(void)state;
	expect(&s, "GET", "/healthz", 1, 503, "stale\n");
	assert_true(http_state_take(&s, STATE, strlen(STATE), 1000));
	expect(&s, "GET", "/healthz", 1000, 200, "owner\n");
	expect(&s, "HEAD", "/healthz", 1000 + HTTP_STALE_NS, 200, "owner\n");
	/* The daemon stands still: nothing is known. */
	expect(&s, "GET", "/healthz", 1001 + HTTP_STALE_NS, 503, "stale\n");
	expect(&s, "GET", "/metrics", 1001 + HTTP_STALE_NS, 503, "stale\n");
	expect(&s, "GET", "/api/status", 1001 + HTTP_STALE_NS, 503, "stale\n");
	assert_true(http_state_take(&s, backup, strlen(backup), 2000));
	expect(&s, "GET", "/healthz", 2000, 503, "backup\n");
	assert_true(http_state_take(&s, odd, strlen(odd), 3000));
	expect(&s, "GET", "/healthz", 3000, 503, "unknown\n");
	/* What is no state changes nothing. */
	assert_false(http_state_take(&s, "[1]", 3, 4000));
	assert_false(http_state_take(&s, "{", 1, 4000));
	expect(&s, "GET", "/healthz", 3000, 503, "unknown\n");
	http_state_free(&s);
}

static void nothing_but_get_is_answered(void **state)
{
	static const char *const methods[] = {
		"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE", "get"};
	struct http_state s = {.json = NULL};

	(void)state;
	assert_true(http_state_take(&s, STATE, strlen(STATE), 1));
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		expect(&s, methods[i], "/metrics", 1, 405, "only GET");
	expect(&s, "POST", "/", 1, 405, "only GET");
	expect(&s, "POST", "/api/events", 1, 405, "only GET");
	expect(&s, "GET", "/x", 1, 404, "there are: / ");
	expect(&s, "GET", "/metrics/", 1, 404, "there are: / ");
	expect(&s, "GET", "/api/status", 1, 200, "{\"version\":\"1.2\"");
	expect(&s, "GET", "/metrics", 1, 200, "# HELP hokm_build_info ");
	http_state_free(&s);
}

/* The page comes without a state too: it shows that there is none. It runs nothing but its own. */
static void the_page_runs_only_what_is_its_own(void **state)
{
	const struct http_request get = {.method = "GET", .path = "/"};
	const struct http_request stream = {.method = "GET", .path = "/api/events"};
	const struct http_request head = {.method = "HEAD", .path = "/api/events"};
	struct http_state s = {.json = NULL};
	struct http_answer a;

	(void)state;
	http_answer(&s, &get, 1, &a);
	assert_int_equal(a.status, 200);
	assert_string_equal(a.type, "text/html; charset=utf-8");
	assert_int_equal(strlen(a.body), a.len);
	assert_non_null(strstr(a.policy, "default-src 'none'; script-src 'sha256-"));
	assert_non_null(strstr(a.policy, "'; style-src 'sha256-"));
	assert_null(strstr(a.policy, "unsafe"));
	/* Nothing in it is loaded, and no text becomes HTML. */
	assert_ptr_equal(strstr(a.body, "://"), strstr(a.body, "://www.w3.org/2000/svg\""));
	assert_null(strstr(a.body, "innerHTML"));
	assert_null(strstr(a.body, "src="));
	http_answer(&s, &stream, 1, &a);
	assert_int_equal(a.status, 503);
	assert_false(a.follow);
	assert_true(http_state_take(&s, STATE, strlen(STATE), 1));
	http_answer(&s, &stream, 1, &a);
	assert_true(a.follow);
	assert_string_equal(a.type, "text/event-stream");
	assert_string_equal(a.policy, "default-src 'none'; frame-ancestors 'none'");
	http_answer(&s, &head, 1, &a);
	assert_false(a.follow);
	http_state_free(&s);
}

static void the_format_is_the_one_asked_for(void **state)
{
	(void)state;
	assert_int_equal(metrics_wanted(NULL), METRICS_TEXT);
	assert_int_equal(metrics_wanted("*/*"), METRICS_TEXT);
	assert_int_equal(metrics_wanted("text/plain;version=0.0.4;q=0.5"), METRICS_TEXT);
	assert_int_equal(metrics_wanted("application/openmetrics-text;version=1.0.0,*/*;q=0.1"),
			 METRICS_OPEN);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_state_becomes_samples),
		cmocka_unit_test(a_histogram_is_cumulative),
		cmocka_unit_test(a_state_without_anything_is_no_crash),
		cmocka_unit_test(no_two_metrics_have_one_name),
		cmocka_unit_test(the_page_has_the_table),
		cmocka_unit_test(only_the_owner_is_healthy),
		cmocka_unit_test(of_a_state_that_is_too_long_the_reason_is_told),
		cmocka_unit_test(nothing_but_get_is_answered),
		cmocka_unit_test(the_page_runs_only_what_is_its_own),
		cmocka_unit_test(the_format_is_the_one_asked_for),
	};

	/* For the page, and for promtool: `test_metrics table`, `test_metrics text|open`. */
	if (argc > 1 && !strcmp(argv[1], "table")) {
		metrics_write_table(stdout);
		return 0;
	}
	if (argc > 1) {
		json_t *json = json_loads(STATE, 0, NULL);

		metrics_write(json, strcmp(argv[1], "open") ? METRICS_TEXT : METRICS_OPEN, stdout);
		json_decref(json);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
