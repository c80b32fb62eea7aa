/* SPDX-License-Identifier: GPL-2.0-only */
/* The list `path` of the nodes: what is read, and what is refused with which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf_rig.h"

#define SECRET "secret = \"0123456789abcdef\"\n"

static struct conf *load(const char *of_a, const char *of_b, char **errors)
{
	char text[512];

	snprintf(text, sizeof(text),
		 SECRET "node a { address = \"192.168.1.1\" %s }\n"
			"node b { address = \"192.168.1.2\" %s }\n",
		 of_a, of_b);
	return rig_load(text, errors);
}

static void lists_are_read_in_their_order(void **state)
{
	char *errors;
	struct conf *c = load("path = {\"10.0.0.1\", \"10.1.0.1\"}",
			      "path = {\"10.0.0.2\", \"10.1.0.2\"}", &errors);

	(void)state;
	assert_non_null(c);
	assert_int_equal(c->nodes[0].n_paths, 2);
	assert_int_equal(c->nodes[1].n_paths, 2);
	assert_int_equal(c->nodes[0].paths[0].s_addr, inet_addr("10.0.0.1"));
	assert_int_equal(c->nodes[1].paths[1].s_addr, inet_addr("10.1.0.2"));
	conf_free(c);
	free(errors);
	c = load("path = \"10.0.0.1\"", "path = \"10.0.0.2\"", &errors);
	assert_non_null(c);
	assert_int_equal(c->nodes[1].n_paths, 1);
	conf_free(c);
	free(errors);
	c = load("", "path = {}", &errors);
	assert_non_null(c);
	assert_int_equal(c->nodes[0].n_paths + c->nodes[1].n_paths, 0);
	conf_free(c);
	free(errors);
}

static void what_leads_nowhere_is_refused(void **state)
{
	static const struct {
		const char *a, *b, *error;
	} rows[] = {
		{"path = \"10.0.0.1\"", "",
		 ":3: node b has 0 in its list path and node a has 1: all nodes need the same"},
		{"path = \"10.0.0.1\"", "path = {\"10.0.0.2\", \"10.1.0.2\"}",
		 ":3: node b has 2 in its list path and node a has 1"},
		{"path = \"10.0.0\"", "", "path = \"10.0.0\": an IPv4 address"},
		{"path = \"192.168.1.25\"", "", "path = \"192.168.1.25\": this is a VIP"},
		{"path = \"192.168.1.1\"", "",
		 "path = \"192.168.1.1\": this is the node's address"},
		{"path = {\"10.0.0.1\", \"10.0.0.1\"}", "",
		 "path = \"10.0.0.1\": in the list twice"},
		{"path = {\"10.0.0.1\", \"10.0.1.1\", \"10.0.2.1\"}", "",
		 "path = \"10.0.2.1\": too many: at most 2 paths"},
		{"path = \"10.0.0.1\"", "path = \"10.0.0.1\"",
		 ":3: node b.path = \"10.0.0.1\": another node has this address already"},
		{"path = \"10.0.0.1\"", "path = \"192.168.1.1\"",
		 "path = \"192.168.1.1\": another node has this address already"},
		{"path = \"192.168.1.2\"", "path = \"10.0.0.2\"",
		 ":3: node b.address = \"192.168.1.2\": node a has this address in its list path"},
		{"path = \"10.0.0.1\"", "peer = vrrp path = \"10.0.0.2\"",
		 "path: a node with peer = vrrp answers no pulses on any path"},
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *errors;
		struct conf *c = load(rows[i].a, rows[i].b, &errors);

		if (c || !strstr(errors, rows[i].error))
			fail_msg("row %u: \"%s\" is not in: %s", i, rows[i].error, errors);
		free(errors);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_are_read_in_their_order),
		cmocka_unit_test(what_leads_nowhere_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
