/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When a channel tries again after an answer that refuses (agent/notify_engine.h): as Retry-After
 * says, within limits, else by its own back-off. The server is a socket of this process, and time
 * is an argument.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>

#include "../stub/stub.h"
#include "agent/notify_engine.h"

#define S(n)       ((uint64_t)(n)*NS_PER_S)
#define START      S(100000)
#define PATIENCE_S 30 /* a delivery that does not end ends the test */

static const struct notify_who who = {"primary", "hokm", "192.168.1.25"};

static struct engine engine;
static int listener, fd; /* -1: no connection */
static char request[8192];
static size_t len;
static unsigned int requests;

static void open_channel(void)
{
	struct conf_notify c;
	uint16_t port;

	port = stub_dead_port(&listener);
	assert_true(port);
	assert_int_equal(fcntl(listener, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(listen(listener, 8), 0);
	memset(&c, 0, sizeof(c));
	snprintf(c.name, sizeof(c.name), "hook");
	c.type = NOTIFY_WEBHOOK;
	snprintf(c.endpoint, sizeof(c.endpoint), "http://127.0.0.1:%u/", port);
	c.timeout_ns = S(20);
	c.rules = (struct notify_conf){.kinds = ~0u, .per_hour = 3600};
	engine_configure(&engine, &who, &c, 1);
}

static bool is_whole(void)
{
	const char *body = strstr(request, "\r\n\r\n");
	const char *length = strstr(request, "Content-Length: ");

	return body && length &&
	       strlen(body + 4) >= strtoul(length + strlen("Content-Length: "), NULL, 10);
}

/* Answers the next request with this status and these header lines. Waits for nothing. */
static void serve(const char *status, const char *headers)
{
	char answer[256];
	ssize_t n;

	if (fd < 0)
		fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, request + len, sizeof(request) - 1 - len);
	if (n <= 0)
		return;
	len += (size_t)n;
	request[len] = '\0';
	if (!is_whole())
		return;
	snprintf(answer, sizeof(answer),
		 "HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n%s\r\n", status,
		 headers);
	assert_int_equal(write(fd, answer, strlen(answer)), strlen(answer));
	close(fd);
	fd = -1;
	len = 0;
	requests++;
}

/* One attempt at this moment; true when there was one. */
static bool attempt(uint64_t now_ns, const char *status, const char *headers)
{
	const struct channel *c = engine.channels;
	unsigned int before = requests;

	for (engine_run(&engine, now_ns); c->delivery; engine_run(&engine, now_ns)) {
		serve(status, headers);
		curl_multi_poll(engine.multi, NULL, 0, 1, NULL);
	}
	return requests > before;
}

static int begin(void **state)
{
	struct notify_event e;
	int err;

	(void)state;
	alarm(PATIENCE_S);
	requests = 0;
	len = 0;
	fd = -1;
	err = engine_open(&engine, NULL, NULL);
	if (err)
		return err;
	open_channel();
	assert_true(notify_event_from("upkeep", HOKM_R_PUT_BACK, "address: put back", &e));
	engine_take(&engine, &e, START);
	return 0;
}

static int end(void **state)
{
	(void)state;
	engine_close(&engine);
	close(listener);
	alarm(0);
	return 0;
}

static void a_channel_waits_as_long_as_the_server_asks(void **state)
{
	static const char *const statuses[] = {"429 Too Many Requests", "503 Unavailable"};
	uint64_t now_ns = START;

	(void)state;
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		assert_true(attempt(now_ns, statuses[i], "Retry-After: 90\r\n"));
		assert_false(attempt(now_ns + S(89), statuses[i], ""));
		now_ns += S(90) + S(90) / 4;
	}
	assert_true(attempt(now_ns, "200 OK", ""));
	assert_int_equal(engine.channels->delivered, 1);
	assert_int_equal(engine.channels->failed, 2);
}

static void no_server_keeps_a_channel_waiting_for_a_day(void **state)
{
	(void)state;
	assert_true(attempt(START, "429 Too Many Requests", "Retry-After: 86400\r\n"));
	assert_false(attempt(START + S(3599), "200 OK", ""));
	assert_true(attempt(START + S(3600) + S(900), "200 OK", ""));
	assert_int_equal(engine.channels->delivered, 1);
}

static void without_a_word_it_tries_again_after_a_second(void **state)
{
	(void)state;
	assert_true(attempt(START, "429 Too Many Requests", ""));
	assert_false(attempt(START + S(1) - 1, "200 OK", ""));
	assert_true(attempt(START + S(1) + S(1) / 4, "200 OK", ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_channel_waits_as_long_as_the_server_asks, begin, end),
		cmocka_unit_test_setup_teardown(
			no_server_keeps_a_channel_waiting_for_a_day, begin, end),
		cmocka_unit_test_setup_teardown(
			without_a_word_it_tries_again_after_a_second, begin, end),
	};

	return cmocka_run_group_tests_name("notify_retry", tests, NULL, NULL);
}
