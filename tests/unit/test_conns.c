/* SPDX-License-Identifier: GPL-2.0-only */
/* `ctl conns` in the daemon: requests, filters, order, rows, summaries. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "serve/conns.h"

#define NOW (1000 * NS_PER_S)

static const struct conns_names names = {.service = {"game", "", "chat"}, .peer = {"", "backup"}};

/* Parses JSON with ' in place of ". Caller: json_decref(). */
static json_t *json(const char *text)
{
	char *copy = strdup(text);
	json_t *o;

	assert_non_null(copy);
	for (char *p = copy; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	o = json_loads(copy, 0, NULL);
	free(copy);
	assert_non_null(o);
	return o;
}

static int read_query(struct conns_query *q, const char *args, char *error, size_t size)
{
	json_t *o = json(args);
	int err;

	memset(q, 0, sizeof(*q));
	q->names = names;
	err = conns_query_read(q, o, error, size);
	q->now_ns = NOW;
	json_decref(o);
	return err;
}

static struct conns_query query(const char *args)
{
	struct conns_query q;
	char error[512] = "";

	if (read_query(&q, args, error, sizeof(error)))
		fail_msg("%s: %s", args, error);
	return q;
}

static void refused(const char *args, int code, const char *part)
{
	struct conns_query q;
	char error[512] = "";

	assert_int_equal(read_query(&q, args, error, sizeof(error)), -code);
	if (!strstr(error, part))
		fail_msg("%s: \"%s\" does not say \"%s\"", args, error, part);
}

static struct hokm_conn_key key(const char *ip, uint16_t port, uint16_t service)
{
	struct hokm_conn_key k = {.client_port = htons(port), .service = service};

	if (inet_pton(AF_INET, ip, &k.client.w[3]) == 1)
		k.client.w[2] = htonl(0xffff);
	else
		assert_int_equal(inet_pton(AF_INET6, ip, &k.client), 1);
	return k;
}

static struct hokm_conn player(void)
{
	return (struct hokm_conn){
		.created_ns = NOW - 60 * NS_PER_S,
		.tcp_state = HOKM_TCP_ESTABLISHED,
		.target = HOKM_LOCAL,
		.ws = HOKM_WS_OPEN,
		.c2s = {.last_ns = NOW - 2 * NS_PER_S,
			.bytes = 700,
			.packets = 7,
			.frames = 3,
			.ws = {.state = HOKM_FOLLOW_FRAMES}},
		.s2c = {.last_ns = NOW - 5 * NS_PER_S,
			.bytes = 900,
			.packets = 9,
			.frames = 4,
			.ws = {.state = HOKM_FOLLOW_FRAMES}},
	};
}

static bool matches(const char *args, const struct hokm_conn_key *k, const struct hokm_conn *c)
{
	struct conns_query q = query(args);

	return conns_match(&q, k, c);
}

static void test_defaults(void **state)
{
	struct conns_query q = query("{}");
	struct hokm_conn_key k = key("192.168.1.50", 40312, 0);
	struct hokm_conn c = player();

	(void)state;
	assert_int_equal(q.limit, CONNS_DEFAULT);
	assert_int_equal(q.sort, CONNS_BY_NONE);
	assert_false(q.half_open);
	assert_null(conns_field_name(q.n_fields));
	assert_true(conns_match(&q, &k, &c));
	assert_int_equal(query("{'top':'rtt'}").limit, CONNS_TOP);
	assert_int_equal(query("{'sort':'rtt'}").limit, CONNS_DEFAULT);
	assert_int_equal(query("{'top':'age','limit':7}").limit, 7);
	assert_int_equal(query("{'limit':4194304}").limit, CONNS_MOST);
}

static void test_bad_args(void **state)
{
	(void)state;
	refused("{'limit':0}", EINVAL, "limit is 1 to 4194304");
	refused("{'limit':4194305}", EINVAL, "limit is 1 to");
	refused("{'limit':'x'}", EINVAL, "limit is 1 to");
	refused("{'sort':'age','limit':100001}", EINVAL, "at most 100000 are sorted");
	refused("{'stale':'5'}", EINVAL, "such as 5s or 200ms; not \"5\"");
	refused("{'stale':'0s'}", EINVAL, "above 0");
	refused("{'stale':5}", EINVAL, "a duration");
	refused("{'states':['opne']}", EINVAL,
		"asked, open, refused, closing, tls, plain, lost; "
		"not \"opne\"");
	refused("{'states':[5]}", EINVAL, "a state is one of");
	refused("{'states':'open'}", EINVAL, "a list");
	refused("{'service':'ches\\n'}", ENOENT, "no service \"ches\\x0a\"");
	refused("{'service':''}", ENOENT, "no service");
	refused("{'target':'nobody'}", ENOENT, "not \"nobody\"");
	refused("{'target':''}", ENOENT, "not \"\"");
	refused("{'sort':'rtt','top':'rtt'}", EINVAL, "give one of them");
	refused("{'sort':''}", EINVAL, "a key is one of");
	refused("{'top':'lag'}", EINVAL, "not \"lag\"");
	refused("{'summary':true,'top':'rtt'}", EINVAL, "no rows to sort");
	refused("{'summary':1}", EINVAL, "true or false");
	refused("{'half_open':'yes'}", EINVAL, "true or false");
	refused("{'keys':['client','colour']}", EINVAL, "not \"colour\"");
	refused("{'keys':[]}", EINVAL, "a list of fields");
	refused("{'limt':5}", EINVAL, "no such arg; not \"limt\"");
	refused("{'peer':'nobody'}", EINVAL,
		"\"all\" or another node of the group; not \"nobody\"");
	refused("{'peer':''}", EINVAL, "another node");
	refused("{'peer':'all','sort':'age'}", EINVAL, "only client, service and limit");
	refused("{'peer':'all','summary':true}", EINVAL, "only client, service and limit");
	refused("{'peer':'all','stale':'1s'}", EINVAL, "only client, service and limit");
	refused("{'peer':'all','states':['open']}", EINVAL, "only client, service and limit");
	refused("{'peer':'all','target':'local'}", EINVAL, "only client, service and limit");
	refused("{'peer':'all','half_open':true}", EINVAL, "only client, service and limit");
	refused("{'action':'kill'}", EINVAL, "kill needs a filter");
	refused("{'action':'pet','client':'1.2.3.4'}", EINVAL, "is kill; not \"pet\"");
	refused("{'action':'kill','client':'1.2.3.4','limit':5}", EINVAL, "filters only");
	refused("{'action':'kill','client':'1.2.3.4','top':'age'}", EINVAL, "filters only");
	refused("{'action':'kill','client':'1.2.3.4','peer':'all'}", EINVAL, "filters only");
	refused("{'action':'kill','half_open':true,'target':'local'}", EINVAL, "filters only");
	refused("{'dry_run':true}", EINVAL, "dry-run is for kill");
	refused("{'action':'kill','client':'1.2.3.4','dry_run':1}", EINVAL, "true or false");
}

/* `kill` needs a filter; any one suffices. */
static void test_kill(void **state)
{
	static const char *const filters[] = {
		"'client':'10.0.0.0/8'", "'service':'game'", "'target':'local'",
		"'states':['open']", "'stale':'5s'"};
	char args[128];

	(void)state;
	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		snprintf(args, sizeof(args), "{'action':'kill',%s,'dry_run':true}", filters[i]);
		assert_true(query(args).kill && query(args).dry_run);
	}
	assert_false(query("{}").kill);
}

static void test_peer(void **state)
{
	const struct hokm_replica r = {
		.since_ns = NOW - 60 * NS_PER_S,
		.told_ns = NOW - NS_PER_S,
		.isn = 1,
		.seq_next = 0xffffffff,
		.ack_next = 3,
		.holder = 1};
	struct hokm_conn_key k = key("192.168.1.50", 40312, 0);
	struct conns_query q = query("{'peer':'backup','keys':['client']}");
	struct conns_text t = {0};
	struct hokm_replica other = r;

	(void)state;
	assert_true(q.replica && q.holder == 1);
	assert_true(conns_peer_match(&q, &k, &r));
	other.holder = 0;
	assert_false(conns_peer_match(&q, &k, &other));
	q = query("{'peer':'all','client':'192.168.1.51'}");
	assert_false(conns_peer_match(&q, &k, &r));
	q = query("{'peer':'all','service':'chat'}");
	assert_false(conns_peer_match(&q, &k, &r));
	q = query("{'peer':'all'}");
	assert_true(conns_peer_match(&q, &k, &other));
	conns_peer_row(&t, &q, &k, &r);
	conns_text_add(&t, "", 1);
	assert_string_equal(t.buf, "[\"192.168.1.50:40312\",\"game\",\"backup\",60000,1000,1,"
				   "4294967295,3,null]");
	assert_string_equal(conns_peer_key(0), "client");
	assert_string_equal(conns_peer_key(8), "answered_ms");
	assert_null(conns_peer_key(9));
	conns_text_free(&t);
}

static void test_bad_clients(void **state)
{
	static const char *const bad[] = {
		"192.168.1",
		"192.168.1.50:0",
		"192.168.1.50:65536",
		"192.168.1.50/33",
		"192.168.1.50:x",
		"192.168.1.50:1/8",
		"192.168.1.0/24:1",
		"192.168.1.0/",
		"2001:db8::1/129",
		"[2001:db8::1",
		"[2001:db8::1]:",
		"2001:db8::1]:5",
		"",
		":",
		"]:5",
		"[]:5"};
	char args[128];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(args, sizeof(args), "{'client':'%s'}", bad[i]);
		refused(args, EINVAL, "client is ADDR, ADDR:PORT or ADDR/PREFIX");
	}
}

static void test_client(void **state)
{
	struct hokm_conn_key k = key("192.168.1.50", 40312, 0);
	struct hokm_conn_key v6 = key("2001:db8::1", 443, 0);
	struct hokm_conn c = player();

	(void)state;
	assert_true(matches("{'client':'192.168.1.50'}", &k, &c));
	assert_true(matches("{'client':'192.168.1.50:40312'}", &k, &c));
	assert_true(matches("{'client':'192.168.1.0/24'}", &k, &c));
	assert_true(matches("{'client':'192.168.1.51/31'}", &k, &c));
	assert_true(matches("{'client':'10.0.0.0/0'}", &k, &c));
	assert_false(matches("{'client':'192.168.1.51'}", &k, &c));
	assert_false(matches("{'client':'192.168.1.50:40313'}", &k, &c));
	assert_false(matches("{'client':'192.168.1.52/31'}", &k, &c));
	assert_false(matches("{'client':'192.168.0.0/24'}", &k, &c));
	/* 0.0.0.0/0 matches every IPv4 address and no IPv6 address. */
	assert_false(matches("{'client':'0.0.0.0/0'}", &v6, &c));
	assert_true(matches("{'client':'2001:db8::/32'}", &v6, &c));
	assert_true(matches("{'client':'2001:db8::1'}", &v6, &c));
	assert_true(matches("{'client':'[2001:db8::1]:443'}", &v6, &c));
	assert_true(matches("{'client':'::/0'}", &v6, &c));
	assert_false(matches("{'client':'[2001:db8::1]:444'}", &v6, &c));
	assert_false(matches("{'client':'2001:db9::/32'}", &v6, &c));
}

static void test_service_and_target(void **state)
{
	struct hokm_conn_key k = key("192.168.1.50", 40312, 2);
	struct hokm_conn c = player();

	(void)state;
	assert_true(matches("{'service':'chat'}", &k, &c));
	assert_false(matches("{'service':'game'}", &k, &c));
	k.service = 60000;
	assert_false(matches("{'service':'game'}", &k, &c));
	assert_true(matches("{'target':'local'}", &k, &c));
	assert_false(matches("{'target':'backup'}", &k, &c));
	c.target = 1;
	assert_true(matches("{'target':'backup'}", &k, &c));
	assert_false(matches("{'target':'local'}", &k, &c));
}

static void test_states(void **state)
{
	struct hokm_conn_key k = key("192.168.1.50", 40312, 0);
	struct hokm_conn c = player();

	(void)state;
	assert_true(matches("{'states':['established']}", &k, &c));
	assert_true(matches("{'states':['open']}", &k, &c));
	assert_true(matches("{'states':['syn','open']}", &k, &c));
	assert_true(matches("{'states':[]}", &k, &c));
	assert_false(matches("{'states':['syn','asked','lost']}", &k, &c));
	c.s2c.ws.state = HOKM_FOLLOW_LOST;
	assert_true(matches("{'states':['lost']}", &k, &c));
	c.s2c.ws.state = HOKM_FOLLOW_FRAMES;
	c.c2s.ws.state = HOKM_FOLLOW_TRIAL;
	assert_true(matches("{'states':['lost']}", &k, &c));
	c.tcp_state = c.ws = 200;
	assert_false(matches("{'states':['established','open','none']}", &k, &c));
}

static void test_stale(void **state)
{
	struct hokm_conn_key k = key("192.168.1.50", 40312, 0);
	struct hokm_conn c = player();

	(void)state;
	assert_false(matches("{'stale':'1ns'}", &k, &c));
	c.upgrade_ns = NOW - 5 * NS_PER_S;
	assert_true(matches("{'stale':'5s'}", &k, &c));
	assert_false(matches("{'stale':'5001ms'}", &k, &c));
	assert_false(matches("{'stale':'5s','states':['closing']}", &k, &c));
}

static void test_rank(void **state)
{
	struct conns_query up = query("{'sort':'rtt'}"), down = query("{'top':'rtt'}");
	struct hokm_conn slow = player(), fast = player(), none = player();

	(void)state;
	slow.rtt_c2s_us = 90000;
	fast.rtt_c2s_us = 300;
	assert_true(conns_rank(&down, &slow) > conns_rank(&down, &fast));
	assert_true(conns_rank(&up, &slow) < conns_rank(&up, &fast));
	/* A value that was never measured comes last in both orders. */
	assert_int_equal(conns_rank(&down, &none), 0);
	assert_int_equal(conns_rank(&up, &none), 0);
	none.rtt_s2c_us = 5;
	down = query("{'top':'rtt-client'}");
	assert_true(conns_rank(&down, &none) > conns_rank(&down, &slow));
	slow.created_ns = NOW - 61 * NS_PER_S;
	down = query("{'top':'age'}");
	assert_true(conns_rank(&down, &slow) > conns_rank(&down, &fast));
	slow.c2s.last_ns = slow.s2c.last_ns = NOW - 3 * NS_PER_S;
	down = query("{'top':'idle'}");
	assert_true(conns_rank(&down, &slow) > conns_rank(&down, &fast));
	slow.s2c.bytes++;
	down = query("{'top':'bytes'}");
	assert_true(conns_rank(&down, &slow) > conns_rank(&down, &fast));
	slow.c2s.frames = slow.s2c.frames = UINT32_MAX;
	down = query("{'top':'frames'}");
	assert_true(conns_rank(&down, &slow) > conns_rank(&down, &fast));
	slow.ping_c2s_ns = NOW - 1;
	down = query("{'top':'stale'}");
	assert_true(conns_rank(&down, &slow) > conns_rank(&down, &fast));
	slow.upgrade_us = 5;
	up = query("{'sort':'upgrade'}");
	assert_true(conns_rank(&up, &slow) > conns_rank(&up, &fast));
}

/* The result equals that of a plain sort, for every limit around the number of entries. */
static void test_best(void **state)
{
	struct hokm_conn c = player();

	(void)state;
	for (unsigned int limit = 1; limit < 70; limit++) {
		struct conns_best best;
		uint32_t x = 12345;

		conns_best_init(&best, limit);
		for (unsigned int i = 0; i < 60; i++) {
			struct hokm_conn_key k = key("192.168.1.50", (uint16_t)i, 0);

			/* Ranks 0, 7, 14, … 413 in a scattered order. */
			x = i * 37 % 60 * 7;
			c.c2s.bytes = x;
			assert_int_equal(conns_best_put(&best, x, &k, &c), 0);
		}
		conns_best_sort(&best);
		assert_int_equal(best.n, limit < 60 ? limit : 60);
		for (unsigned int i = 0; i < best.n; i++) {
			assert_int_equal(best.heap[i].rank, (59 - i) * 7);
			assert_int_equal(best.heap[i].entry->conn.c2s.bytes, best.heap[i].rank);
		}
		conns_best_free(&best);
	}
}

/* The row as an object with its keys. */
static json_t *row_of(const struct conns_query *q, const struct hokm_conn_key *k,
		      const struct hokm_conn *c)
{
	struct conns_text t = {0};
	json_t *row, *o = json_object();

	conns_row(&t, q, k, c);
	assert_false(t.failed);
	row = json_loadb(t.buf, t.len, 0, NULL);
	conns_text_free(&t);
	assert_int_equal(json_array_size(row), q->n_fields);
	for (unsigned int i = 0; i < q->n_fields; i++)
		json_object_set(o, conns_field_name(q->fields[i]), json_array_get(row, i));
	json_decref(row);
	return o;
}

static void assert_row(json_t *row, const char *want)
{
	json_t *o = json(want), *value;
	const char *k;

	json_object_foreach (o, k, value) {
		char *got = json_dumps(json_object_get(row, k), JSON_ENCODE_ANY);

		if (!json_equal(value, json_object_get(row, k)))
			fail_msg("%s is %s", k, got ? got : "missing");
		free(got);
	}
	json_decref(o);
	json_decref(row);
}

static void test_row(void **state)
{
	struct conns_query q = query("{}");
	struct hokm_conn_key k = key("192.168.1.50", 40312, 0);
	struct hokm_conn c = player();

	(void)state;
	assert_row(row_of(&q, &k, &c),
		   "{'client':'192.168.1.50:40312','service':'game','state':'established',"
		   "'ws':'open','target':'local','flags':[],'follow_in':'frames','age_ms':60000,"
		   "'idle_ms':2000,'idle_in_ms':2000,'idle_out_ms':5000,'frames_in':3,"
		   "'frames_out':4,'packets_in':7,'packets_out':9,'bytes_in':700,'bytes_out':900,"
		   "'rtt_us':null,'rtt_client_us':null,'upgrade_us':null,'http_status':null,"
		   "'close_code':null,'close_side':null,'sync_lost':0,'stale_ms':null,"
		   "'stale_reason':null,'upgrade_wait_ms':null,'ping_wait_ms':null}");
	c.flags = HOKM_CONN_STEERED_IN | HOKM_CONN_ADOPTED;
	c.s2c.ws.state = HOKM_FOLLOW_LOST;
	c.sync_lost = 2;
	c.switch_ns = NOW;
	c.upgrade_us = 0;
	c.status = 101;
	c.rtt_c2s_us = 350;
	c.rtt_s2c_us = 40000;
	c.close_code = 1011;
	c.close_side = HOKM_SIDE_SERVER;
	c.ping_c2s_ns = NOW - 5200 * NS_PER_MS;
	c.ping_s2c_ns = NOW - NS_PER_MS;
	c.s2c.last_ns = 0;
	c.c2s.bytes = UINT64_MAX;
	assert_row(row_of(&q, &k, &c),
		   "{'flags':['steered-in','adopted','lost'],'follow_out':'lost','sync_lost':2,"
		   "'upgrade_us':0,'http_status':101,'rtt_us':350,'rtt_client_us':40000,"
		   "'close_code':1011,'close_side':'server','ping_wait_ms':5200,"
		   "'ping_client_wait_ms':1,'stale_ms':5200,'stale_reason':'stale-ping',"
		   "'idle_out_ms':null,'bytes_in':9223372036854775807}");
	/* Values without a name. */
	c.target = 1;
	k = key("2001:db8::1", 65535, 1);
	c.tcp_state = c.ws = c.c2s.ws.state = 99;
	q = query("{'keys':['target','client','service','state','ws','follow_in']}");
	assert_row(row_of(&q, &k, &c), "{'target':'backup','client':'[2001:db8::1]:65535',"
				       "'service':'?','state':'?','ws':'?','follow_in':'?'}");
	c.target = 0;
	assert_row(row_of(&q, &k, &c), "{'target':'?'}");
	c.target = HOKM_NO_PEER;
	assert_row(row_of(&q, &k, &c), "{'target':'?'}");
}

static void test_quantile(void **state)
{
	uint64_t places[CONNS_PLACES] = {0};

	(void)state;
	assert_int_equal(conns_quantile(places, 50), -1);
	places[0] = 1;
	assert_in_range(conns_quantile(places, 50), 0, 1);
	places[0] = 0;
	places[10] = 100; /* 1024 .. 2047 */
	assert_int_equal(conns_quantile(places, 50), 1536);
	assert_in_range(conns_quantile(places, 1), 1024, 1040);
	assert_in_range(conns_quantile(places, 99), 2030, 2048);
	places[20] = 2;
	assert_in_range(conns_quantile(places, 90), 1900, 2048);
	assert_in_range(conns_quantile(places, 99), 1 << 20, 1 << 21);
	memset(places, 0, sizeof(places));
	places[31] = 1;
	assert_in_range(conns_quantile(places, 99), 1LL << 31, 1LL << 32);
}

static void test_summary(void **state)
{
	static const char *const groups[] = {
		"services", "states", "ws", "follow_in", "targets", "stale"};
	struct conns_query q = query("{'summary':true}");
	struct hokm_latency latency[HOKM_MAX_SERVICES] = {0};
	struct hokm_conn_key k = key("192.168.1.50", 40312, 0);
	struct conns_tally t = {0};
	struct hokm_conn c = player();
	json_t *s, *want;

	(void)state;
	conns_tally_add(&t, &q, &k, &c);
	c.upgrade_ns = NOW - 5;
	c.rtt_c2s_us = 1000;
	conns_tally_add(&t, &q, &k, &c);
	k.service = 7;
	c.target = 1;
	c.tcp_state = 99;
	c.created_ns = 0;
	conns_tally_add(&t, &q, &k, &c);
	latency[0].upgrade[10] = 4;
	s = conns_summary(&t, &q, latency);
	assert_non_null(s);
	want = json("{'services':{'game':2,'?':1},'states':{'established':2,'?':1},"
		    "'ws':{'open':3},'follow_in':{'frames':2},'targets':{'local':2,'backup':1},"
		    "'stale':{'stale-upgrade':1}}");
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (!json_equal(json_object_get(s, groups[i]), json_object_get(want, groups[i])))
			fail_msg("%s differs", groups[i]);
	json_decref(want);
	want = json_object_get(json_object_get(s, "histograms"), "rtt_us");
	assert_int_equal(json_integer_value(json_object_get(want, "count")), 2);
	assert_int_equal(json_integer_value(json_array_get(json_object_get(want, "places"), 9)), 2);
	want = json_object_get(json_object_get(s, "latency"), "game");
	want = json_object_get(want, "upgrade");
	assert_int_equal(json_integer_value(json_object_get(want, "p50")), 1536);
	json_decref(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_bad_args),
		cmocka_unit_test(test_bad_clients),
		cmocka_unit_test(test_kill),
		cmocka_unit_test(test_peer),
		cmocka_unit_test(test_client),
		cmocka_unit_test(test_service_and_target),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_stale),
		cmocka_unit_test(test_rank),
		cmocka_unit_test(test_best),
		cmocka_unit_test(test_row),
		cmocka_unit_test(test_quantile),
		cmocka_unit_test(test_summary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
