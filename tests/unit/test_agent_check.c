/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every kind of check against a server that works or has one fault: each fault gives its own
 * reason, and attempts and deadline are respected. The checks go through agent_run_once(), so they
 * are confined like the agent.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../stub/stub.h"

static struct stub stub;

static void run(const struct agent_request *r, struct agent_reply *reply)
{
	int err = agent_run_once(r, NULL, reply);

	if (err)
		fail_msg("%s: agent_run_once: %s", r->check.path, strerror(-err));
	assert_int_equal(reply->id, r->id);
	assert_int_equal(reply->seq, r->seq);
	assert_true(reply->detail[0]);
	for (const char *c = reply->detail; *c; c++)
		assert_in_range(*c, ' ', '~');
}

static void expect(const struct agent_request *r, enum hokm_reason reason, struct agent_reply *out)
{
	run(r, out);
	if (out->reason != (uint32_t)reason)
		fail_msg("%s: %s (%s), expected %s", r->check.path, hokm_reason_name(out->reason),
			 out->detail, hokm_reason_name(reason));
}

struct row {
	enum conf_check_kind kind;
	const char *path;
	enum hokm_reason reason;
	const char *body;
	uint64_t timeout_ms; /* 0: longer than the check needs */
};

/* The upgrade comes before the ping, and with TLS a busy machine may need a second for it. */
#define PONG_MS 1500

static const struct row rows[] = {
	{CHECK_HTTP, "/ok", HOKM_R_CHECK_OK, "", 0},
	{CHECK_HTTP, "/ok", HOKM_R_CHECK_OK, "all is well", 0},
	{CHECK_HTTP, "/ok", HOKM_R_CHECK_OK, "at 192.168.1.25:", 0}, /* our Host header */
	{CHECK_HTTP, "/ok", HOKM_R_CHECK_BODY, "all is lost", 0},
	{CHECK_HTTP, "/split", HOKM_R_CHECK_OK, "all is well", 0},
	{CHECK_HTTP, "/split", HOKM_R_CHECK_OK, "is", 0},
	{CHECK_HTTP, "/long", HOKM_R_CHECK_OK, "", 0},
	{CHECK_HTTP, "/long", HOKM_R_CHECK_BODY, "needle", 0}, /* not searched */
	{CHECK_HTTP, "/status/503", HOKM_R_CHECK_STATUS, "", 0},
	{CHECK_HTTP, "/status/302", HOKM_R_CHECK_STATUS, "", 0},
	{CHECK_HTTP, "/hang", HOKM_R_CHECK_TIMEOUT, "", 300},
	{CHECK_HTTP, "/half", HOKM_R_CHECK_TIMEOUT, "", 300},
	{CHECK_HTTP, "/cut", HOKM_R_CHECK_CLOSED, "", 0},
	{CHECK_HTTP, "/drop", HOKM_R_CHECK_CLOSED, "", 0},
	{CHECK_HTTP, "/big-headers", HOKM_R_CHECK_ERROR, "", 0},
	{CHECK_HTTP, "/garbage", HOKM_R_CHECK_ERROR, "", 0},
	{CHECK_WEBSOCKET, "/ws/ok", HOKM_R_CHECK_OK, "", 0},
	{CHECK_WEBSOCKET, "/ws/chatter", HOKM_R_CHECK_OK, "", 0},
	{CHECK_WEBSOCKET, "/ws/drip", HOKM_R_CHECK_OK, "", 0},
	{CHECK_WEBSOCKET, "/ws/no-close", HOKM_R_CHECK_OK, "", 0},
	{CHECK_WEBSOCKET, "/ws/flood-late", HOKM_R_CHECK_OK, "", 0},
	{CHECK_WEBSOCKET, "/ws/status", HOKM_R_CHECK_STATUS, "", 0},
	{CHECK_WEBSOCKET, "/ok", HOKM_R_CHECK_STATUS, "", 0},
	{CHECK_WEBSOCKET, "/ws/bad-accept", HOKM_R_CHECK_ACCEPT, "", 0},
	{CHECK_WEBSOCKET, "/ws/no-accept", HOKM_R_CHECK_ACCEPT, "", 0},
	{CHECK_WEBSOCKET, "/ws/no-upgrade", HOKM_R_CHECK_ACCEPT, "", 0},
	{CHECK_WEBSOCKET, "/ws/extension", HOKM_R_CHECK_ACCEPT, "", 0},
	{CHECK_WEBSOCKET, "/ws/hang", HOKM_R_CHECK_TIMEOUT, "", 300},
	{CHECK_WEBSOCKET, "/ws/no-pong", HOKM_R_CHECK_PONG, "", PONG_MS},
	{CHECK_WEBSOCKET, "/ws/wrong-pong", HOKM_R_CHECK_PONG, "", PONG_MS},
	{CHECK_WEBSOCKET, "/ws/flood", HOKM_R_CHECK_PONG, "", 0},
	{CHECK_WEBSOCKET, "/ws/close", HOKM_R_CHECK_CLOSED, "", 0},
	{CHECK_WEBSOCKET, "/ws/eof", HOKM_R_CHECK_CLOSED, "", 0},
	{CHECK_WEBSOCKET, "/ws/drop", HOKM_R_CHECK_CLOSED, "", 0},
	{CHECK_WEBSOCKET, "/ws/masked", HOKM_R_CHECK_ERROR, "", 0},
	{CHECK_WEBSOCKET, "/ws/rsv", HOKM_R_CHECK_ERROR, "", 0},
	{CHECK_WEBSOCKET, "/ws/big-headers", HOKM_R_CHECK_ERROR, "", 0},
	{CHECK_WEBSOCKET, "/ws/garbage", HOKM_R_CHECK_ERROR, "", 0},
	{CHECK_TCP, "", HOKM_R_CHECK_OK, "", 0},
};

/* A step has its time if and only if the check got that far. */
static void expect_steps(const struct agent_request *r, const struct agent_reply *reply)
{
	const bool ws = r->check.kind == CHECK_WEBSOCKET;
	const bool ok = reply->reason == HOKM_R_CHECK_OK;
	uint64_t sum_ns = 0;

	for (unsigned int i = 0; i < CHECK_STEPS; i++)
		sum_ns += reply->step_ns[i];
	assert_true(sum_ns < reply->took_ns + NS_PER_S);
	assert_true(reply->step_ns[CHECK_STEP_CONNECT] > 0);
	assert_int_equal(reply->step_ns[CHECK_STEP_TLS] > 0, r->check.tls);
	if (ok && r->check.kind != CHECK_TCP)
		assert_true(reply->step_ns[CHECK_STEP_ANSWER] && reply->step_ns[CHECK_STEP_END]);
	if (ws && (reply->reason == HOKM_R_CHECK_STATUS || reply->reason == HOKM_R_CHECK_ACCEPT))
		assert_true(!reply->step_ns[CHECK_STEP_ANSWER] && !reply->step_ns[CHECK_STEP_END]);
	if (reply->reason == HOKM_R_CHECK_PONG)
		assert_true(reply->step_ns[CHECK_STEP_ANSWER] && !reply->step_ns[CHECK_STEP_END]);
	if (!ok)
		assert_int_equal(reply->step_ns[CHECK_STEP_CLOSE], 0);
}

static void answers_of_servers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct agent_request r;
		struct agent_reply reply;

		for (int tls = 0; tls < 2; tls++) {
			stub_request(&r, rows[i].kind, tls ? stub.tls_port : stub.port,
				     rows[i].path);
			r.check.tls = tls;
			r.id = (uint32_t)i % AGENT_CHECKS_MAX;
			r.seq = (uint32_t)(1000 + i);
			snprintf(r.check.body, sizeof(r.check.body), "%s", rows[i].body);
			if (rows[i].timeout_ms)
				r.check.timeout_ns = rows[i].timeout_ms * NS_PER_MS;
			expect(&r, rows[i].reason, &reply);
			expect_steps(&r, &reply);
			assert_int_equal(reply.attempts, 1);
			assert_true(reply.took_ns > 0);
			assert_true(reply.took_ns < r.check.timeout_ns + 10 * NS_PER_S);
		}
	}
}

/* What a check can send beside its path; the server says in its detail what is missing. */
static void server_gets_what_the_check_says(void **state)
{
	static const struct {
		const char *path;
		enum conf_check_kind kind;
		enum conf_proxy proxy;
		const char *origin, *subprotocol, *header;
		bool tls;
	} good[] = {
		{"/ws/proxy-1", CHECK_WEBSOCKET, CONF_PROXY_V1, "", "", "", false},
		{"/ws/proxy-1", CHECK_WEBSOCKET, CONF_PROXY_V1, "", "", "", true},
		{"/ws/proxy-2", CHECK_WEBSOCKET, CONF_PROXY_V2, "", "", "", false},
		{"/ws/headers", CHECK_WEBSOCKET, CONF_PROXY_NONE, "https://h", "game", "X-A: b",
		 false},
	};
	struct agent_request r;
	struct agent_reply reply;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		stub_request(&r, good[i].kind, good[i].tls ? stub.tls_port : stub.port,
			     good[i].path);
		r.check.tls = good[i].tls;
		expect(&r, HOKM_R_CHECK_CLOSED, &reply); /* without it the server closes */
		r.check.proxy = good[i].proxy;
		snprintf(r.check.origin, sizeof(r.check.origin), "%s", good[i].origin);
		snprintf(r.check.subprotocol, sizeof(r.check.subprotocol), "%s",
			 good[i].subprotocol);
		snprintf(r.check.header, sizeof(r.check.header), "%s", good[i].header);
		expect(&r, HOKM_R_CHECK_OK, &reply);
	}
}

static const enum conf_check_kind net_kinds[] = {CHECK_WEBSOCKET, CHECK_HTTP, CHECK_TCP};

static void refused(void **state)
{
	int fd;
	uint16_t port = stub_dead_port(&fd);

	(void)state;
	assert_int_not_equal(port, 0);
	for (size_t i = 0; i < sizeof(net_kinds) / sizeof(net_kinds[0]); i++) {
		struct agent_request r;
		struct agent_reply reply;

		stub_request(&r, net_kinds[i], port, "/");
		expect(&r, HOKM_R_CHECK_REFUSED, &reply);
	}
	close(fd);
}

/* The kernel itself refuses to connect to a multicast address: nothing is sent. */
static void no_way_there(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(net_kinds) / sizeof(net_kinds[0]); i++) {
		struct agent_request r;
		struct agent_reply reply;

		stub_request(&r, net_kinds[i], 9, "/");
		r.check.addr.s_addr = htonl(0xe0000001);
		expect(&r, HOKM_R_CHECK_CONNECT, &reply);
	}
}

static void tls_to_a_plain_port(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(net_kinds) / sizeof(net_kinds[0]); i++) {
		struct agent_request r;
		struct agent_reply reply;

		stub_request(&r, net_kinds[i], stub.port, "/ok");
		r.check.tls = true;
		expect(&r, HOKM_R_CHECK_CONNECT, &reply);
	}
}

static void attempts_until_it_is_well(void **state)
{
	struct agent_request r;
	struct agent_reply reply;

	(void)state;
	stub_request(&r, CHECK_HTTP, stub.port, "/flaky/a/2");
	r.check.attempts = 3;
	r.check.backoff_ns = 50 * NS_PER_MS;
	expect(&r, HOKM_R_CHECK_OK, &reply);
	assert_int_equal(reply.attempts, 3);
	assert_true(reply.took_ns >= 150 * NS_PER_MS); /* 50, then 100 */

	stub_request(&r, CHECK_HTTP, stub.port, "/flaky/b/2");
	r.check.attempts = 2;
	expect(&r, HOKM_R_CHECK_STATUS, &reply);
	assert_int_equal(reply.attempts, 2);
}

/* When a pause does not fit before the deadline, the known failure is reported at once. */
static void pause_beyond_the_deadline(void **state)
{
	struct agent_request r;
	struct agent_reply reply;

	(void)state;
	stub_request(&r, CHECK_HTTP, stub.port, "/status/500");
	r.check.attempts = 5;
	r.check.timeout_ns = 4 * NS_PER_S;
	r.check.backoff_ns = 10 * NS_PER_S;
	expect(&r, HOKM_R_CHECK_STATUS, &reply);
	assert_int_equal(reply.attempts, 1);
	assert_true(reply.took_ns < 3 * NS_PER_S);

	r.check.backoff_ns = UINT64_MAX;
	expect(&r, HOKM_R_CHECK_STATUS, &reply);
}

/* The timeout applies to all attempts together. */
static void deadline_bounds_attempts(void **state)
{
	struct agent_request r;
	struct agent_reply reply;

	(void)state;
	stub_request(&r, CHECK_WEBSOCKET, stub.port, "/ws/hang");
	r.check.attempts = 10;
	r.check.timeout_ns = 500 * NS_PER_MS;
	expect(&r, HOKM_R_CHECK_TIMEOUT, &reply);
	assert_true(reply.took_ns >= 500 * NS_PER_MS);
	/* Ten attempts of half a second would take five. */
	assert_true(reply.took_ns < 4500 * NS_PER_MS);
}

static void exec_results(void **state)
{
	static const struct {
		const char *command;
		enum hokm_reason reason;
		const char *says;
	} commands[] = {
		{"/bin/true", HOKM_R_CHECK_OK, "status 0"},
		{"true", HOKM_R_CHECK_OK, "status 0"},
		{"/usr/bin/test a = a", HOKM_R_CHECK_OK, "status 0"},
		{"/usr/bin/test  a  =  b", HOKM_R_CHECK_EXIT, "status 1"},
		{"/usr/bin/test 'a  b' = \"a  b\"", HOKM_R_CHECK_OK, "status 0"},
		{"/bin/false", HOKM_R_CHECK_EXIT, "status 1"},
		{"/usr/bin/timeout -s KILL 0.01 sleep 5", HOKM_R_CHECK_SIGNAL, "KILL"},
		{"/no/such/command", HOKM_R_CHECK_EXEC, "No such file"},
		{"/etc/passwd", HOKM_R_CHECK_EXEC, "Permission denied"},
		{"", HOKM_R_CHECK_EXEC, ""},
		{"/bin/sleep 5", HOKM_R_CHECK_TIMEOUT, "did not exit"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		struct agent_request r;
		struct agent_reply reply;

		stub_request(&r, CHECK_EXEC, 0, commands[i].command);
		if (commands[i].reason == HOKM_R_CHECK_TIMEOUT)
			r.check.timeout_ns = 300 * NS_PER_MS;
		expect(&r, commands[i].reason, &reply);
		if (!strstr(reply.detail, commands[i].says))
			fail_msg("%s: says \"%s\"", commands[i].command, reply.detail);
	}
}

static void requests_that_make_no_sense(void **state)
{
	struct agent_request r;
	struct agent_reply reply;

	(void)state;
	stub_request(&r, CHECK_HTTP, stub.port, "/a\r\nX-Evil: yes");
	expect(&r, HOKM_R_CHECK_ERROR, &reply);
	stub_request(&r, CHECK_WEBSOCKET, stub.port, "no-slash");
	expect(&r, HOKM_R_CHECK_ERROR, &reply);
	stub_request(&r, CHECK_WEBSOCKET, stub.port, "/ws/ok");
	snprintf(r.host, sizeof(r.host), "a\r\nb");
	expect(&r, HOKM_R_CHECK_ERROR, &reply);
	stub_request(&r, (enum conf_check_kind)99, stub.port, "/ok");
	expect(&r, HOKM_R_CHECK_ERROR, &reply);
	stub_request(&r, CHECK_HTTP, stub.port, "/ok");
	r.check.attempts = 0;
	expect(&r, HOKM_R_CHECK_ERROR, &reply);
	stub_request(&r, CHECK_HTTP, stub.port, "/ok");
	r.id = AGENT_CHECKS_MAX;
	expect(&r, HOKM_R_CHECK_ERROR, &reply);
	stub_request(&r, CHECK_EXEC, stub.port, "");
	memset(r.check.path, 'a', sizeof(r.check.path));
	expect(&r, HOKM_R_CHECK_ERROR, &reply);
}

static int start_stub(void **state)
{
	(void)state;
	return stub_start(&stub) ? 0 : -1;
}

static int stop_stub(void **state)
{
	(void)state;
	stub_stop(&stub);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_of_servers),
		cmocka_unit_test(server_gets_what_the_check_says),
		cmocka_unit_test(refused),
		cmocka_unit_test(no_way_there),
		cmocka_unit_test(tls_to_a_plain_port),
		cmocka_unit_test(attempts_until_it_is_well),
		cmocka_unit_test(pause_beyond_the_deadline),
		cmocka_unit_test(deadline_bounds_attempts),
		cmocka_unit_test(exec_results),
		cmocka_unit_test(requests_that_make_no_sense),
	};

	return cmocka_run_group_tests(tests, start_stub, stop_stub);
}
