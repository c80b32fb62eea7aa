/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Server-sent events of the HTTP listener: the framing, what a follower reads and misses, and that
 * a slow one costs nothing but its place. Real followers are in test_http_listener.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/http_stream.h"

#define RETRY "retry: 2000\n\n"

/* All that the follower has to read, `piece` bytes at a time. */
static const char *all_of(struct http_follower *w, const struct http_feed *f, uint64_t now_ns,
			  size_t piece)
{
	static char text[64 * 1024];
	size_t len = 0, n;

	while ((n = http_follower_read(w, f, now_ns, text + len, piece)) > 0) {
		assert_true(n <= piece);
		len += n;
		assert_true(len + piece < sizeof(text));
	}
	text[len] = '\0';
	return text;
}

static void a_new_follower_gets_everything_at_once(void **state)
{
	struct http_feed f = {.last_id = 0};
	struct http_follower w;

	(void)state;
	assert_int_equal(http_feed_put(&f, HTTP_EVENT_STATE, "{\"n\":1}"), 0);
	assert_int_equal(http_feed_put(&f, HTTP_EVENT_STATE, "{\"n\":2}"), 0);
	assert_int_equal(http_feed_put(&f, HTTP_EVENT_RECORD, "{}"), 0);
	for (size_t piece = 1; piece < 200; piece += 7) {
		http_follower_init(&w, 1);
		assert_string_equal(all_of(&w, &f, 1, piece), RETRY
				    "id: 3\nevent: record\ndata: {}\n\n"
				    "id: 2\nevent: state\ndata: {\"n\":2}\n\n");
		assert_string_equal(all_of(&w, &f, 1, piece), "");
	}
	http_feed_free(&f);
}

static void a_follower_without_a_state_waits(void **state)
{
	struct http_feed f = {.last_id = 0};
	struct http_follower w;

	(void)state;
	http_follower_init(&w, 1);
	assert_string_equal(all_of(&w, &f, 1, 100), RETRY);
	assert_false(http_follower_wake(&w, &f, 2));
	assert_int_equal(http_feed_put(&f, HTTP_EVENT_STATE, "{}"), 0);
	assert_true(http_follower_wake(&w, &f, 3));
	/* Once only: it is not idle until it has read that. */
	assert_false(http_follower_wake(&w, &f, 3));
	assert_string_equal(all_of(&w, &f, 3, 100), "id: 1\nevent: state\ndata: {}\n\n");
	assert_false(http_follower_wake(&w, &f, 4));
	http_feed_free(&f);
}

/* A second line would be a field of its own: a message that the state did not contain. */
static void a_text_of_two_lines_is_refused(void **state)
{
	static const char *const texts[] = {"{}\n", "{}\n\ndata: x", "a\rb", "\r\n"};
	struct http_feed f = {.last_id = 0};
	struct http_follower w;

	(void)state;
	assert_int_equal(http_feed_put(&f, HTTP_EVENT_STATE, "{}"), 0);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(http_feed_put(&f, HTTP_EVENT_STATE, texts[i]), -EINVAL);
	http_follower_init(&w, 1);
	assert_string_equal(all_of(&w, &f, 1, 100), RETRY "id: 1\nevent: state\ndata: {}\n\n");
	http_feed_free(&f);
}

/* What it has begun it gets whole, though there is a newer one; and then the newest only. */
static void a_slow_reader_misses_states_and_makes_no_queue(void **state)
{
	struct http_feed f = {.last_id = 0};
	char text[64], begin[40];
	struct http_follower w;
	size_t n;

	(void)state;
	http_follower_init(&w, 1);
	assert_string_equal(all_of(&w, &f, 1, 100), RETRY);
	assert_int_equal(http_feed_put(&f, HTTP_EVENT_STATE, "{\"n\":1}"), 0);
	assert_true(http_follower_wake(&w, &f, 2));
	n = http_follower_read(&w, &f, 2, begin, 10);
	assert_int_equal(n, 10);
	for (int i = 2; i <= 1000; i++) {
		snprintf(text, sizeof(text), "{\"n\":%d}", i);
		assert_int_equal(http_feed_put(&f, HTTP_EVENT_STATE, text), 0);
		assert_false(http_follower_wake(&w, &f, 3));
	}
	n += http_follower_read(&w, &f, 4, begin + n, sizeof(begin) - 1 - n);
	begin[n] = '\0';
	assert_string_equal(begin, "id: 1\nevent: state\ndata: {\"n\":1}\n\n");
	assert_string_equal(all_of(&w, &f, 5, 100),
			    "id: 1000\nevent: state\ndata: {\"n\":1000}\n\n");
	http_feed_free(&f);
}

static void a_reader_that_stops_is_known_by_its_time(void **state)
{
	struct http_feed f = {.last_id = 0};
	struct http_follower w;
	char byte;

	(void)state;
	http_follower_init(&w, 10);
	assert_false(http_follower_slow(&w, 110, 100));
	assert_true(http_follower_slow(&w, 111, 100));
	assert_string_equal(all_of(&w, &f, 200, 100), RETRY);
	/* One that has read all there is may wait without limit. */
	assert_false(http_follower_slow(&w, 1000000, 100));
	assert_int_equal(http_feed_put(&f, HTTP_EVENT_STATE, "{}"), 0);
	assert_true(http_follower_wake(&w, &f, 2000000));
	/* A byte now and then is not enough. */
	for (uint64_t t = 2000000; t <= 2000100; t += 20) {
		assert_int_equal(http_follower_read(&w, &f, t, &byte, 1), 1);
		assert_false(http_follower_slow(&w, t, 100));
	}
	assert_true(http_follower_slow(&w, 2000101, 100));
	http_follower_free(&w);
	http_feed_free(&f);
}

static void a_silent_daemon_is_no_silent_stream(void **state)
{
	struct http_feed f = {.last_id = 0};
	struct http_follower w;
	uint64_t now_ns = 1;

	(void)state;
	assert_int_equal(http_feed_put(&f, HTTP_EVENT_STATE, "{}"), 0);
	http_follower_init(&w, now_ns);
	(void)all_of(&w, &f, now_ns, 100);
	for (int i = 0; i < 3; i++) {
		assert_false(http_follower_wake(&w, &f, now_ns + HTTP_BEAT_NS - 1));
		now_ns += HTTP_BEAT_NS;
		assert_true(http_follower_wake(&w, &f, now_ns));
		assert_string_equal(all_of(&w, &f, now_ns, 2), ":\n\n");
	}
	http_feed_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_follower_gets_everything_at_once),
		cmocka_unit_test(a_follower_without_a_state_waits),
		cmocka_unit_test(a_text_of_two_lines_is_refused),
		cmocka_unit_test(a_slow_reader_misses_states_and_makes_no_queue),
		cmocka_unit_test(a_reader_that_stops_is_known_by_its_time),
		cmocka_unit_test(a_silent_daemon_is_no_silent_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
