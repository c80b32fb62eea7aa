/* SPDX-License-Identifier: GPL-2.0-only */
/* What `ctl status` says when no daemon answers: a table of what is left in the kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "base/clock.h"
#include "conf/conf.h"
#include "ctl/gone.h"
#include "ctl/render.h"
#include "path/bpf.h"

#define NOW (1000 * NS_PER_S)

static const struct {
	const char *name;
	enum gone_why why;
	int64_t lease_ms; /* ahead of now; INT64_MIN: there was none */
	uint64_t daemon_ms, linger_s;
	bool ingress, egress;
	const char *says[6], *never;
} rows[] = {
	{.name = "killed, the lease is over",
	 .why = GONE_REFUSED,
	 .lease_ms = -3000,
	 .daemon_ms = 3250,
	 .linger_s = 300,
	 .ingress = true,
	 .egress = true,
	 .says = {"a (10.0.0.1) is not owner of 10.0.0.100\n",
		  "  WARNING  the daemon is gone: nobody listens on /run/x.sock\n",
		  "  WARNING  the kernel's lease ended 3.0 s ago: this node is not owner\n",
		  "last sign of life 3.2 s ago, in state master, epoch 7\n",
		  "eth0, XDP native: both programs are attached\n",
		  "new connections go to peers for 4 min 56 s more\n"},
	 .never = "is OWNER"},
	{.name = "killed, the lease still runs",
	 .why = GONE_REFUSED,
	 .lease_ms = 210,
	 .daemon_ms = 40,
	 .linger_s = 300,
	 .ingress = true,
	 .egress = true,
	 .says = {"a (10.0.0.1) is OWNER of 10.0.0.100\n",
		  "the kernel's lease ends in 210 ms: until then this node is owner\n",
		  "last sign of life 40 ms ago"},
	 .never = "not owner"},
	{.name = "stopped, and the time linger is over",
	 .why = GONE_STOPPED,
	 .lease_ms = -600000,
	 .daemon_ms = 600300,
	 .linger_s = 300,
	 .ingress = true,
	 .egress = true,
	 .says = {"is not owner of",
		  "does not answer within 10 s on /run/x.sock: it is stopped or stuck\n",
		  "the time `linger` is over: new connections are not steered to peers\n"},
	 .never = "is gone"},
	{.name = "a backup without a socket, and one program was detached",
	 .why = GONE_NO_SOCKET,
	 .lease_ms = INT64_MIN,
	 .daemon_ms = 1000,
	 .linger_s = 300,
	 .ingress = true,
	 .says = {"is not owner of", "the daemon is gone: there is no socket /run/x.sock\n",
		  "the kernel holds no lease: this node is not owner\n",
		  "the egress program is NOT ATTACHED\n",
		  "tracked    50 connections on this node, 2 steered to peers\n",
		  "next       systemctl status hokm-xdp; journalctl -u hokm-xdp; hokm-xdp doctor"},
	 .never = "ago: this node"},
	{.name = "nothing is attached: nothing is steered",
	 .why = GONE_NO_SOCKET,
	 .lease_ms = -1000,
	 .daemon_ms = 1000,
	 .linger_s = 300,
	 .says = {"NO PROGRAM IS ATTACHED\n"},
	 .never = "steering"},
};

/* Caller: json_decref(). */
static json_t *data_of(size_t r)
{
	static struct conf c;
	struct hokm_left left = {
		.own = {.daemon_ns = NOW - rows[r].daemon_ms * NS_PER_MS,
			.epoch = 7,
			.state = HOKM_VRRP_MASTER},
		.linger_ns = rows[r].linger_s * NS_PER_S,
		.mode = "native",
		.ingress = rows[r].ingress,
		.egress = rows[r].egress,
		.local = 50,
		.steered = 2,
	};
	json_t *data;

	c.n_nodes = 2;
	c.n_vips = 1;
	snprintf(c.nodes[0].name, sizeof(c.nodes[0].name), "a");
	snprintf(c.socket, sizeof(c.socket), "/run/x.sock");
	snprintf(c.interface, sizeof(c.interface), "eth0");
	c.nodes[0].addr.s_addr = inet_addr("10.0.0.1");
	c.vips[0].s_addr = inet_addr("10.0.0.100");
	if (rows[r].lease_ms != INT64_MIN)
		left.owner_until_ns = NOW + (uint64_t)(rows[r].lease_ms * (int64_t)NS_PER_MS);
	data = gone_json(&c, &left, rows[r].why, NOW);
	assert_non_null(data);
	return data;
}

/* Caller: free(). */
static char *rendered(const json_t *data, const char *options)
{
	json_t *o = json_loads(options, 0, NULL);
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_true(o && out);
	render_gone(data, o, out);
	assert_int_equal(fclose(out), 0);
	json_decref(o);
	return text;
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		json_t *data = data_of(r);
		char *text = rendered(data, "{}");

		for (size_t i = 0; i < sizeof(rows[r].says) / sizeof(rows[r].says[0]); i++)
			if (rows[r].says[i] && !strstr(text, rows[r].says[i]))
				fail_msg("%s: missing \"%s\" in:\n%s", rows[r].name,
					 rows[r].says[i], text);
		if (strstr(text, rows[r].never))
			fail_msg("%s: \"%s\" in:\n%s", rows[r].name, rows[r].never, text);
		free(text);
		json_decref(data);
	}
}

/* With --owner the first line alone, as from a daemon. */
static void test_owner_is_one_line(void **state)
{
	json_t *data = data_of(0);
	char *text = rendered(data, "{\"owner\": true}");

	(void)state;
	assert_string_equal(text, "a (10.0.0.1) is not owner of 10.0.0.100\n");
	free(text);
	json_decref(data);
}

/* A lease that runs never has an end in the past, and the reverse. */
static void test_json(void **state)
{
	json_t *over = data_of(0), *runs = data_of(1), *none = data_of(3);

	(void)state;
	assert_string_equal(field_text(over, "daemon"), "gone");
	assert_string_equal(field_text(over, "why"), "refused");
	assert_false(field_true(over, "owner"));
	assert_int_equal(field_int(over, "lease_left_ms", -1), 0);
	assert_int_equal(field_int(over, "lease_ended_ms", -1), 3000);
	assert_true(field_true(runs, "owner"));
	assert_int_equal(field_int(runs, "lease_left_ms", -1), 210);
	assert_true(json_is_null(json_object_get(runs, "lease_ended_ms")));
	assert_true(json_is_null(json_object_get(none, "lease_ended_ms")));
	json_decref(over);
	json_decref(runs);
	json_decref(none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_owner_is_one_line),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
