/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Drills that nobody watches: a table of what keeps one from beginning, and the history, which
 * stays bounded, survives damage, and steers no terminal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "doctor/drills.h"
#include "test/drill_guard.h"

/* ---- the guard ---- */

static const char well[] =
	"{\"owner\":true,\"state\":\"master\",\"since_ms\":60000,\"priority\":110,"
	"\"maint\":false,\"drain\":false,\"standby\":false,\"panic\":false,"
	"\"successor\":\"backup\",\"services\":[{\"name\":\"game\",\"state\":\"up\"}],"
	"\"peers\":[{\"name\":\"other\"},{\"name\":\"backup\",\"pulsing\":true,"
	"\"daemon_fresh\":true,\"services_up\":1,\"steerable\":true,\"priority\":100,"
	"\"differs\":[],"
	"\"replica\":{\"connected\":true,\"warm\":true,\"peer_warm\":true}}]}";

static const struct drill_guard guard = {
	.preempt = true, .settled_ns = 60 * NS_PER_S, .rest_ns = 3600 * NS_PER_S, .since_s = 3600};

/* The status with one text in it replaced. */
static enum drill_may may_with(const char *from, const char *to, const struct drill_guard *g,
			       char why[DRILL_WHY])
{
	char text[sizeof(well) + 64];
	const char *at = strstr(well, from);
	enum drill_may may;
	json_t *o;

	assert_non_null(at);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - well), well, to, at + strlen(from));
	o = json_loads(text, 0, NULL);
	assert_non_null(o);
	memset(why, 0, DRILL_WHY);
	may = drill_may(o, g, why);
	json_decref(o);
	return may;
}

static void what_keeps_a_drill_from_beginning(void **state)
{
	static const struct {
		const char *from, *to;
		enum drill_may may;
		const char *why;
	} rows[] = {
		{"110", "110", DRILL_MAY, ""},
		{"true,\"state", "false,\"state", DRILL_NOT_NOW, "not the owner"},
		{"master", "backup", DRILL_NOT_NOW, "not the owner"},
		{"60000", "59999", DRILL_NOT_NOW, "owner for 60 s only"},
		{"maint\":false", "maint\":true", DRILL_NOT_NOW, "the order maint"},
		{"drain\":false", "drain\":true", DRILL_NOT_NOW, "the order drain"},
		{"standby\":false", "standby\":true", DRILL_NOT_NOW, "the order standby"},
		{"panic\":false", "panic\":true", DRILL_UNSAFE, "no node is healthy"},
		{"\"up\"", "\"down\"", DRILL_UNSAFE, "service game is down here"},
		{"\"backup\",\"serv", "null,\"serv", DRILL_UNSAFE, "no peer is healthy"},
		{"pulsing\":true", "pulsing\":false", DRILL_UNSAFE, "does not answer pulses"},
		{"fresh\":true", "fresh\":false", DRILL_UNSAFE, "does not answer pulses"},
		{"services_up\":1", "services_up\":0", DRILL_UNSAFE, "0 of 1 services are up"},
		{"steerable\":true", "steerable\":false", DRILL_UNSAFE, "cannot be steered"},
		{"connected\":true", "connected\":false", DRILL_UNSAFE, "not warm"},
		{"\"warm\":true", "\"warm\":false", DRILL_UNSAFE, "not warm"},
		{"peer_warm\":true", "peer_warm\":false", DRILL_UNSAFE, "not warm"},
		{"\"replica\":{", "\"other\":{", DRILL_UNSAFE, "not warm"},
		{"differs\":[]", "differs\":[1]", DRILL_UNSAFE, "settings"},
		{"differs\":[]", "differs\":null", DRILL_UNSAFE, "settings"},
		{"priority\":110", "priority\":100", DRILL_UNSAFE, "no lower priority"},
	};
	char why[DRILL_WHY];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum drill_may may = may_with(rows[i].from, rows[i].to, &guard, why);

		if (may != rows[i].may || !strstr(why, rows[i].why))
			fail_msg("row %zu, %s: %d, %s", i, rows[i].to, may, why);
	}
}

static void the_past_and_the_configuration_count(void **state)
{
	struct drill_guard g = guard;
	char why[DRILL_WHY];

	(void)state;
	g.since_s = 3599;
	assert_int_equal(may_with("110", "110", &g, why), DRILL_NOT_NOW);
	g.since_s = -1;
	assert_int_equal(may_with("110", "110", &g, why), DRILL_MAY);
	g.history_err = -EFBIG;
	assert_int_equal(may_with("110", "110", &g, why), DRILL_UNSAFE);
	assert_non_null(strstr(why, "when the last drill was cannot be read"));
	g.history_err = 0;
	g.preempt_delay_ns = DRILL_DELAY_MAX_NS;
	assert_int_equal(may_with("110", "110", &g, why), DRILL_MAY);
	g.preempt_delay_ns++;
	assert_int_equal(may_with("110", "110", &g, why), DRILL_UNSAFE);
	assert_non_null(strstr(why, "preempt_delay is over an hour"));
	g.preempt_delay_ns = 0;
	g.preempt = false;
	assert_int_equal(may_with("110", "110", &g, why), DRILL_UNSAFE);
}

/* ---- the history ---- */

static char folder[] = "/tmp/hokm-drills.XXXXXX", path[64];

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/drills.jsonl", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	return (unlink(path) && errno != ENOENT) || rmdir(folder) ? -1 : 0;
}

static void add(int at, const char *result, const char *why)
{
	json_t *line = json_pack("{s:s, s:i, s:s, s:s, s:s*, s:[{s:s, s:f}]}", "time", "then", "at",
				 at, "node", "primary", "result", result, "why", why, "rows",
				 "name", "failover", "took_ms", 31.5);

	assert_non_null(line);
	assert_int_equal(drills_add(path, line), 0);
	json_decref(line);
}

static json_t *read_back(void)
{
	json_t *list;

	assert_int_equal(drills_read(path, &list), 0);
	return list;
}

static json_int_t at_of(const json_t *o)
{
	return json_integer_value(json_object_get(o, "at"));
}

static void the_newest_hundred_stay(void **state)
{
	struct stat st;
	json_t *list = read_back();

	(void)state;
	assert_int_equal(json_array_size(list), 0);
	assert_null(drills_last_run(list));
	json_decref(list);
	for (int i = 0; i < DRILLS_KEPT + 3; i++)
		add(i, i == DRILLS_KEPT ? "failed" : i > DRILLS_KEPT ? "skipped" : "passed", NULL);
	list = read_back();
	assert_int_equal(json_array_size(list), DRILLS_KEPT);
	assert_int_equal(at_of(json_array_get(list, 0)), 3);
	assert_int_equal(at_of(json_array_get(list, DRILLS_KEPT - 1)), DRILLS_KEPT + 2);
	/* One that moved nothing is no run. */
	assert_int_equal(at_of(drills_last_run(list)), DRILLS_KEPT);
	json_decref(list);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0137, 0);
	assert_int_equal(unlink(path), 0);
}

static void write_file(const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void damaged_lines_are_left_out(void **state)
{
	json_t *list;

	(void)state;
	/* As version 0.1.0 wrote them, without `result`. */
	write_file("{\"time\":\"a\",\"failed\":1}\n[1]\n{\"time\":\n\n{\"failed\":0}");
	list = read_back();
	assert_int_equal(json_array_size(list), 2);
	assert_string_equal(drill_result(json_array_get(list, 0)), "failed");
	assert_string_equal(drill_result(json_array_get(list, 1)), "passed");
	json_decref(list);
	add(7, "passed", NULL);
	list = read_back();
	assert_int_equal(json_array_size(list), 3);
	json_decref(list);
	assert_int_equal(unlink(path), 0);
}

/* Another user may have put it there: it is neither followed nor replaced. */
static void a_link_is_not_followed(void **state)
{
	json_t *list = NULL, *line = json_object();

	(void)state;
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_int_equal(drills_read(path, &list), -ELOOP);
	assert_null(list);
	assert_int_equal(drills_add(path, line), -ELOOP);
	json_decref(line);
	assert_int_equal(unlink(path), 0);
}

static void it_shows_what_was_seen_and_no_control_characters(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);
	json_t *list;

	(void)state;
	add(1, "passed", NULL);
	add(2, "failed", "refused: \033[2J");
	list = read_back();
	assert_non_null(to);
	drills_show(list, to);
	assert_int_equal(fclose(to), 0);
	assert_non_null(strstr(text, "31.5 ms"));
	assert_non_null(strstr(text, "failed"));
	assert_non_null(strstr(text, "refused: ?[2J"));
	assert_null(strchr(text, '\033'));
	free(text);
	json_decref(list);
	assert_int_equal(unlink(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_keeps_a_drill_from_beginning),
		cmocka_unit_test(the_past_and_the_configuration_count),
		cmocka_unit_test(the_newest_hundred_stay),
		cmocka_unit_test(damaged_lines_are_left_out),
		cmocka_unit_test(a_link_is_not_followed),
		cmocka_unit_test(it_shows_what_was_seen_and_no_control_characters),
	};

	return cmocka_run_group_tests_name("drills", tests, make_folder, remove_folder);
}
