/* SPDX-License-Identifier: GPL-2.0-only */
/* The gateway in the kernel's table of routes, of which only the default routes are read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/gateway.h"

#define HEADER  "Iface\tDestination\tGateway \tFlags\n"
#define OTHER   "eth1\t00000000\t01020304\t0003\n"
#define ON_LINK "eth0\t00000000\t00000000\t0001\n"
#define DEFAULT "eth0\t00000000\t010200C0\t0003\n"
#define NEXT    "eth0\t00000001\t090200C0\t0003\n"

static void only_the_default_routes_are_read(void **state)
{
	static const struct {
		const char *first; /* lines; many others follow */
		int err;
		size_t lines; /* that are read */
	} rows[] = {
		{HEADER DEFAULT, 0, 2},
		{HEADER OTHER ON_LINK DEFAULT, 0, 4},
		{HEADER OTHER NEXT, -ENOENT, 3},
		{HEADER NEXT, -ENOENT, 2},
		{HEADER NEXT DEFAULT, -ENOENT, 2}, /* no order of the kernel's */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		static char text[64 * 1024];
		struct in_addr found = {0};
		size_t lines = 0, len;
		FILE *f;

		len = (size_t)snprintf(text, sizeof(text), "%s", rows[i].first);
		while (len < sizeof(text) - 64)
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s", NEXT);
		f = fmemopen(text, len, "r");
		assert_non_null(f);
		assert_int_equal(gateway_of_table(f, "eth0", &found), rows[i].err);
		for (long at = 0; at < ftell(f); at++)
			lines += text[at] == '\n';
		fclose(f);
		if (lines != rows[i].lines)
			fail_msg("row %zu: %zu lines", i, lines);
		assert_int_equal(found.s_addr, rows[i].err ? 0 : 0x010200C0);
	}
}

static void an_empty_table_has_none(void **state)
{
	char text[] = HEADER;
	FILE *f = fmemopen(text, strlen(text), "r");
	struct in_addr found;

	(void)state;
	assert_non_null(f);
	assert_int_equal(gateway_of_table(f, "eth0", &found), -ENOENT);
	assert_int_equal(gateway_of_table(f, "eth0", &found), -ENOENT);
	fclose(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_default_routes_are_read),
		cmocka_unit_test(an_empty_table_has_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
