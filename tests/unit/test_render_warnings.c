/* SPDX-License-Identifier: GPL-2.0-only */
/* What `ctl status` warns of: two owners, and foreign hosts that claim a VIP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/render.h"

/* The warnings of a status in which ' stands for ". */
static char *warned(const char *status)
{
	char *copy = strdup(status), *text = NULL;
	json_t *data;
	size_t len;
	FILE *out;

	assert_non_null(copy);
	for (char *p = copy; *p; p++)
		if (*p == '\'')
			*p = '"';
	data = json_loads(copy, 0, NULL);
	free(copy);
	assert_non_null(data);
	out = open_memstream(&text, &len);
	assert_non_null(out);
	render_warnings(data, out);
	assert_int_equal(fclose(out), 0);
	json_decref(data);
	return text;
}

static void two_owners_are_named(void **state)
{
	char *text = warned(
		"{'peers':[{'name':'a','pulsing':true,'daemon_fresh':true,'rival':"
		"{'now':true,'count':1,'lasted_ms':2500,'over_ms':null}},"
		"{'name':'b','pulsing':true,'daemon_fresh':true,'rival':"
		"{'now':false,'count':1,'lasted_ms':40000,'over_ms':5000}},"
		"{'name':'c','pulsing':true,'daemon_fresh':true,'rival':"
		"{'now':false,'count':1,'lasted_ms':77000,'over_ms':600000}},"
		"{'name':'d','pulsing':true,'daemon_fresh':true,'rival':null}]}");

	(void)state;
	/* That of c was long ago. */
	assert_string_equal(
		text, "  WARNING  this node and peer a own the VIP at once, for at most 2.5 s: "
		      "clients reach either of them\n"
		      "  WARNING  this node and peer b owned the VIP at once, for at most 40.0 s, "
		      "until 5.0 s ago: check the network between them\n");
	free(text);
}

/* Its adverts come, and its pulses do not: whether that ends by itself, its replication says. */
static void how_two_owners_end_is_said(void **state)
{
	static const struct {
		const char *peer, *end;
	} rows[] = {
		{"'rival':{'now':true,'by_adverts':false,'lasted_ms':2500},"
		 "'replica':{'connected':true}",
		 "clients reach either of them\n"},
		{"'rival':{'now':true,'by_adverts':true,'lasted_ms':2500},"
		 "'replica':{'connected':true}",
		 "clients reach either of them; one of them gives way\n"},
		{"'rival':{'now':true,'by_adverts':true,'lasted_ms':2500},"
		 "'replica':{'connected':false}",
		 "ask that node itself before you stop one\n"},
		{"'rival':{'now':true,'by_adverts':true,'lasted_ms':2500},'replica':null",
		 "by its adverts alone this node does not give way"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char status[256], *text;

		snprintf(status, sizeof(status), "{'peers':[{'name':'a','pulsing':false,%s}]}",
			 rows[i].peer);
		text = warned(status);
		if (!strstr(text, rows[i].end))
			fail_msg("row %zu: %s", i, text);
		free(text);
	}
}

static void each_vip_that_is_claimed_is_named(void **state)
{
	char *text = warned(
		"{'claims':["
		"{'mac':'02:00:00:00:00:99','vip':'192.168.1.25','count':7,"
		"'last_ms':900},"
		"{'mac':'02:00:00:00:00:99','vip':'192.168.1.24','count':1,"
		"'last_ms':0},"
		"{'mac':'02:00:00:00:00:98','vip':'192.168.1.24','count':1,"
		"'last_ms':600000}]}");

	(void)state;
	assert_non_null(strstr(text, ":99 claims the VIP 192.168.1.25 by ARP and is no node: 7 "));
	assert_non_null(strstr(text, ":99 claims the VIP 192.168.1.24 by ARP and is no node: 1 "));
	assert_null(strstr(text, ":98"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_owners_are_named),
		cmocka_unit_test(how_two_owners_end_is_said),
		cmocka_unit_test(each_vip_that_is_claimed_is_named),
	};

	return cmocka_run_group_tests_name("render: warnings", tests, NULL, NULL);
}
