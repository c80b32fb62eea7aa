/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What `ctl status` and the doctor warn of about DNS: a failure of the owner stays until an attempt
 * succeeds, that of a node which is owner no more has its age, and ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/render.h"

static const struct row {
	const char *state;
	int failures;
	int asked_s;      /* since the last attempt; -1: none was made */
	const char *says; /* NULL: it warns of nothing */
} rows[] = {
	{"right", 0, 5, NULL},
	{"waiting", 3, 5, "the record of type A could not be changed: no rights\n"},
	{"waiting", 3, 3600, "the record of type A could not be changed: no rights\n"},
	{"blind", 3, 3600, "the record of type A could not be changed: no rights\n"},
	{"refused", 0, 5, "the record of type A is not changed: no rights\n"},
	{"not-owner", 0, 5, NULL},
	{"not-owner", 3, 300,
	 "DNS, 5 min 0 s ago as owner: the record of type A could not be changed: no "},
	{"not-owner", 3, 300, "; `hokm-xdp dns test` tries it without a change\n"},
	{"not-owner", 3, 599, "ago as owner"},
	{"not-owner", 3, 600, NULL},
	{"not-owner", 3, -1, NULL},
};

static char *warnings(const struct row *row)
{
	json_t *dns = json_pack("{s:b, s:[{s:s, s:s, s:s, s:i}]}", "saved", 1, "records", "type",
				"A", "state", row->state, "text", "no rights", "failures",
				row->failures);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(dns);
	assert_non_null(out);
	if (row->asked_s >= 0)
		assert_int_equal(
			json_object_set_new(json_array_get(json_object_get(dns, "records"), 0),
					    "asked_ms", json_integer(row->asked_s * 1000)),
			0);
	render_dns_warnings(dns, out);
	assert_int_equal(fclose(out), 0);
	json_decref(dns);
	return text;
}

static void failures_are_told_as_long_as_they_matter(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = warnings(&rows[i]);

		if (!rows[i].says && text[0])
			fail_msg("row %zu warns: %s", i, text);
		if (rows[i].says && !strstr(text, rows[i].says))
			fail_msg("row %zu: %s", i, text);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(failures_are_told_as_long_as_they_matter),
	};

	return cmocka_run_group_tests_name("render_dns", tests, NULL, NULL);
}
