/* SPDX-License-Identifier: GPL-2.0-only */
/* What `ctl status` shows of the arbiter `gateway`: user/ctl/render_ownership.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "ctl/render.h"

static void expect(json_t *data, const char *part)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(data);
	assert_non_null(out);
	render_ownership(data, out);
	assert_int_equal(fclose(out), 0);
	if (*part ? !strstr(text, part) : strstr(text, "arbiter") != NULL)
		fail_msg("not as expected: %s", text);
	free(text);
	json_decref(data);
}

static void the_arbiter_is_shown_with_what_it_does_not_survive(void **state)
{
	(void)state;
	expect(json_pack("{s:{s:s, s:s, s:i, s:s}}", "arbiter", "address", "192.168.1.1", "phase",
			 "answers", "answered_ms", 12, "survives", "all but one"),
	       "  arbiter    gateway 192.168.1.1, answers; it answered 12 ms ago\n"
	       "    all but one\n");
}

static void the_gateway_as_member_is_shown_with_whom_it_grants(void **state)
{
	json_t *grants = json_pack(
		"{s:b, s:i, s:i, s:i, s:[{s:s, s:b, s:b, s:i, s:i, s:n}]}", "in_force", 1,
		"majority", 2, "members", 3, "in_touch", 2, "others", "name", "gateway", "stand_in",
		1, "witness", 0, "answered_ms", 9000, "granted_ms", 25, "holder");

	(void)state;
	expect(json_pack("{s:o, s:{s:s, s:s, s:i, s:s}}", "grants", grants, "arbiter", "address",
			 "192.168.1.1", "phase", "answers", "answered_ms", 12, "survives", "most"),
	       "    gateway grants this node (asked while the other node is silent)\n"
	       "  arbiter    gateway 192.168.1.1, answers");
}

static void an_unknown_gateway_is_shown_as_such(void **state)
{
	(void)state;
	expect(json_pack("{s:{s:n, s:s, s:n, s:s}}", "arbiter", "address", "phase", "silent",
			 "answered_ms", "survives", "all but one"),
	       "  arbiter    gateway UNKNOWN, silent; it has NEVER ANSWERED\n");
}

static void the_record_in_etcd_is_shown(void **state)
{
	(void)state;
	expect(json_pack("{s:{s:s, s:s, s:s, s:i, s:s, s:s, s:i, s:i, s:s, s:n}}", "arbiter",
			 "kind", "etcd", "address", "https://e:2379", "phase", "holds",
			 "answered_ms", 12, "survives", "what it does", "key", "/h/10.0.0.1/51",
			 "epoch", 7, "revision", 19, "holder", "primary", "problem"),
	       "  arbiter    etcd https://e:2379, holds; it answered 12 ms ago\n"
	       "    record /h/10.0.0.1/51: epoch 7, revision 19, held by primary\n"
	       "    what it does\n");
	expect(json_pack("{s:{s:s, s:n, s:s, s:n, s:s, s:s, s:i, s:i, s:n, s:s}}", "arbiter",
			 "kind", "etcd", "address", "phase", "silent", "answered_ms", "survives",
			 "what it does", "key", "/h", "epoch", 0, "revision", 0, "holder",
			 "problem", "https://e: refused"),
	       "  arbiter    etcd UNKNOWN, silent; it has NEVER ANSWERED\n"
	       "    record /h: epoch 0, revision 0, held by nobody\n"
	       "    NO ANSWER to the last question: https://e: refused\n");
}

static void another_arbiter_has_no_line(void **state)
{
	(void)state;
	expect(json_pack("{s:n}", "arbiter"), "");
	expect(json_object(), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_arbiter_is_shown_with_what_it_does_not_survive),
		cmocka_unit_test(the_gateway_as_member_is_shown_with_whom_it_grants),
		cmocka_unit_test(an_unknown_gateway_is_shown_as_such),
		cmocka_unit_test(the_record_in_etcd_is_shown),
		cmocka_unit_test(another_arbiter_has_no_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
