/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events of frame tracking as JSON and text: each kind has the fields that mean something for it.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "serve/event_json.h"

static struct event_line line_of(enum hokm_event_kind kind)
{
	struct event_line line = {
		.source = EVENT_KERNEL,
		.record =
			{
				.kind = (__u8)kind,
				.target = HOKM_LOCAL,
				.age_ns = 1500000,
				.bytes_in = 10,
				.bytes_out = 20,
				.client_port = htons(5),
				.close_side = HOKM_SIDE_CLIENT,
				.fault = HOKM_FAULT_OPCODE,
				.close_code = 1011,
				.status = 503,
			},
	};

	line.record.client.w[2] = htonl(0xffff);
	line.record.client.w[3] = htonl(0x0a000001);
	return line;
}

/* The event without the fields that every event has, and its text. */
static void expect(const struct event_line *line, const char *own, const char *text)
{
	static const char *const common[] = {
		"seq", "time", "source", "kind", "client", "service", "target", "text"};
	json_t *o = event_line_json(line, NULL), *want = json_loads(own, 0, NULL);
	const char *got = json_string_value(json_object_get(o, "text"));
	char *dump;

	assert_true(o && want && got);
	assert_string_equal(got, text);
	for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
		json_object_del(o, common[i]);
	dump = json_dumps(o, 0);
	if (!json_equal(o, want))
		fail_msg("%s is not %s", dump, own);
	free(dump);
	json_decref(o);
	json_decref(want);
}

#define START "client=10.0.0.1:5 service=#0 target=local"

static void test_kinds(void **state)
{
	struct event_line l = line_of(HOKM_EV_OPEN);

	(void)state;
	expect(&l, "{}", START);
	l = line_of(HOKM_EV_UPGRADED);
	l.record.status = 101;
	expect(&l, "{\"status\":101,\"upgrade_us\":1500}", START " status=101 took=1.500ms");
	l = line_of(HOKM_EV_NOT_UPGRADED);
	expect(&l, "{\"status\":503,\"upgrade_us\":1500}", START " status=503 took=1.500ms");
	l = line_of(HOKM_EV_SYNC_LOST);
	expect(&l, "{\"side\":\"client\",\"fault\":\"opcode\"}",
	       START " frames-of=client fault=opcode");
	l.record.fault = 200;
	l.record.close_side = 200;
	expect(&l, "{\"side\":\"unknown\",\"fault\":\"?\"}", START " frames-of=unknown fault=?");
	l = line_of(HOKM_EV_SYNC_REGAINED);
	l.record.close_side = HOKM_SIDE_SERVER;
	expect(&l, "{\"side\":\"server\"}", START " frames-of=server");
	l = line_of(HOKM_EV_CLOSED);
	expect(&l,
	       "{\"side\":\"client\",\"age_ms\":1,\"bytes_in\":10,\"bytes_out\":20,"
	       "\"close_code\":1011}",
	       START " age=0.002s in=10 out=20 by=client code=1011");
	l.record.close_code = 0;
	expect(&l, "{\"side\":\"client\",\"age_ms\":1,\"bytes_in\":10,\"bytes_out\":20}",
	       START " age=0.002s in=10 out=20 by=client");
}

static void test_words(void **state)
{
	static const char *const words[] = {
		"upgraded", "not-upgraded", "sync-lost", "sync-regained", "passive", "stale"};
	char list[400];

	(void)state;
	event_kinds_list(list, sizeof(list));
	/* The text is complete: nothing was truncated. */
	assert_true(strlen(list) < sizeof(list) - 2);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		assert_true(event_kind_known(words[i]));
		assert_non_null(strstr(list, words[i]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
