/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Long replies of the control server: complete, two at once, with clients that are slow or close,
 * with work that fails, and with a server that closes meanwhile. The event loop serves other
 * clients all the time.
 */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "serve/server.h"
#include "ctl_rig.h"

/* More than fits into any socket. */
#define LONG "{\"verb\":\"count\",\"args\":{\"frames\":200,\"bytes\":50000}}"
#define BUSY "{\"verb\":\"count\",\"args\":{\"busy\":true}}"

/* Reads the next n frames of a reply; `whole`: the last of them ends the reply. */
static void expect_frames(struct ctl_rig *r, int fd, int first, int n, bool whole)
{
	for (int i = first; i < first + n; i++) {
		json_t *msg = ctl_rig_frame(r, fd);
		bool last = whole && i == first + n - 1;

		assert_true(json_is_true(json_object_get(msg, "ok")));
		assert_int_equal(json_is_true(json_object_get(msg, "more")), !last);
		assert_int_equal(
			json_integer_value(json_object_get(json_object_get(msg, "data"), "n")), i);
		json_decref(msg);
	}
}

static void expect_error(struct ctl_rig *r, int fd, int code, const char *part)
{
	ctl_rig_assert_error(ctl_rig_frame(r, fd), code, part);
}

static void expect_text(struct ctl_rig *r, int fd)
{
	json_t *msg;

	ctl_rig_send_frame(fd, "{\"verb\":\"text\"}");
	msg = ctl_rig_frame(r, fd);
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(msg, "data"), "text")),
		"it is done");
	json_decref(msg);
}

static void expect_alive(struct ctl_rig *r)
{
	int fd = ctl_rig_connect(r);

	expect_text(r, fd);
	close(fd);
}

/* Runs the server until n threads work. */
static void wait_streams(struct ctl_rig *r, unsigned int n)
{
	uint64_t give_up_ns = clock_now_ns() + CTL_RIG_PATIENCE_NS;

	while (r->server->n_streams != n) {
		assert_true(clock_now_ns() < give_up_ns);
		ctl_rig_turn(r);
	}
}

static void wait_clients(struct ctl_rig *r, unsigned int n)
{
	uint64_t give_up_ns = clock_now_ns() + CTL_RIG_PATIENCE_NS;

	while (r->server->n_clients != n) {
		assert_true(clock_now_ns() < give_up_ns);
		ctl_rig_turn(r);
	}
}

static void test_whole(void **state)
{
	struct ctl_rig *r = *state;
	int fd = ctl_rig_connect(r);

	ctl_rig_send_frame(fd, LONG);
	expect_frames(r, fd, 1, 200, true);
	/* The connection stays usable, also when the next request has already arrived. */
	expect_text(r, fd);
	ctl_rig_send_frame(fd, "{\"verb\":\"count\",\"args\":{\"frames\":3}}");
	ctl_rig_send_frame(fd, "{\"verb\":\"count\",\"args\":{\"frames\":1}}");
	expect_frames(r, fd, 1, 3, true);
	expect_frames(r, fd, 1, 1, true);
	wait_streams(r, 0);
	close(fd);
	wait_clients(r, 0);
}

/* As in the daemon, whose loop has real-time priority. Needs CAP_SYS_NICE. */
static void test_ordinary_priority(void **state)
{
	static const int flags[] = {0, SCHED_RESET_ON_FORK};
	const struct sched_param realtime = {.sched_priority = 5}, ordinary = {0};
	struct ctl_rig *r = *state;
	int fd = ctl_rig_connect(r);

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		assert_int_equal(sched_setscheduler(0, SCHED_FIFO | flags[i], &realtime), 0);
		ctl_rig_send_frame(fd, "{\"verb\":\"count\",\"args\":{\"frames\":3}}");
		expect_frames(r, fd, 1, 3, true);
		wait_streams(r, 0);
	}
	assert_int_equal(sched_setscheduler(0, SCHED_OTHER, &ordinary), 0);
	close(fd);
}

static void test_refused_and_failed(void **state)
{
	struct ctl_rig *r = *state;
	int fd = ctl_rig_connect(r);

	ctl_rig_send_frame(fd, "{\"verb\":\"count\",\"args\":{\"refuse\":true}}");
	expect_error(r, fd, EPERM, "not today");
	ctl_rig_send_frame(fd, "{\"verb\":\"count\",\"args\":{\"frames\":1,\"fail\":true}}");
	expect_error(r, fd, EIO, "cannot count any further");
	ctl_rig_send_frame(fd, "{\"verb\":\"count\",\"args\":{\"frames\":4,\"fail\":true}}");
	expect_frames(r, fd, 1, 3, false);
	expect_error(r, fd, EIO, "cannot count any further");
	expect_text(r, fd);
	close(fd);
}

static void test_two_at_once(void **state)
{
	struct ctl_rig *r = *state;
	int a = ctl_rig_connect(r), b = ctl_rig_connect(r), c = ctl_rig_connect(r);

	ctl_rig_send_frame(a, LONG);
	ctl_rig_send_frame(b, LONG);
	wait_streams(r, 2);
	ctl_rig_send_frame(c, LONG);
	expect_error(r, c, EBUSY, "2 long listings are being made already");
	assert_int_equal(ctl_rig_stats(r).busy, 1);
	expect_alive(r);
	/* One reply ends, and another client takes its place. */
	expect_frames(r, a, 1, 200, true);
	wait_streams(r, 1);
	ctl_rig_send_frame(c, LONG);
	expect_frames(r, c, 1, 200, true);
	expect_frames(r, b, 1, 200, true);
	wait_streams(r, 0);
	close(a);
	close(b);
	close(c);
}

/* Only the reply of the slow client is cut off, and the server's memory does not grow. */
static void test_slow_reader(void **state)
{
	struct ctl_rig *r = *state;
	int slow = ctl_rig_connect(r), good = ctl_rig_connect(r);

	r->server->stream_stall_ns = 200 * NS_PER_MS;
	ctl_rig_send_frame(slow, LONG);
	wait_streams(r, 1);
	/* Each reply keeps the time that it began with: a busy machine must not make the good one
	 * slow.
	 */
	r->server->stream_stall_ns = 60 * NS_PER_S;
	ctl_rig_send_frame(good, LONG);
	expect_frames(r, good, 1, 200, true);
	wait_streams(r, 0);
	ctl_rig_wait_closed(r, slow);
	assert_int_equal(ctl_rig_stats(r).timed_out, 1);
	expect_text(r, good);
	close(slow);
	close(good);
}

/* A client that reads fast, and a reply that never ends. */
static void test_whole_deadline(void **state)
{
	struct ctl_rig *r = *state;
	int fd = ctl_rig_connect(r);

	r->server->stream_max_ns = 100 * NS_PER_MS;
	ctl_rig_send_frame(fd, BUSY);
	ctl_rig_wait_closed(r, fd);
	assert_int_equal(ctl_rig_stats(r).timed_out, 1);
	close(fd);
	expect_alive(r);
}

static void test_reader_goes(void **state)
{
	struct ctl_rig *r = *state;
	int busy = ctl_rig_connect(r), sending = ctl_rig_connect(r);

	ctl_rig_send_frame(busy, BUSY);
	ctl_rig_send_frame(sending, LONG);
	wait_streams(r, 2);
	expect_frames(r, sending, 1, 2, false);
	close(busy);
	wait_streams(r, 1);
	close(sending);
	wait_streams(r, 0);
	wait_clients(r, 0);
	assert_int_equal(ctl_rig_stats(r).timed_out, 0);
	expect_alive(r);
}

/* A client that has shut down its writing side still gets its reply. */
static void test_half_closed(void **state)
{
	struct ctl_rig *r = *state;
	int fd = ctl_rig_connect(r);

	ctl_rig_send_frame(fd, LONG);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	expect_frames(r, fd, 1, 200, true);
	ctl_rig_wait_closed(r, fd);
	close(fd);
}

/* A thread that works and a thread that waits for its client: both end at once. */
static void test_close(void **state)
{
	struct ctl_rig r;
	int busy, sending;
	uint64_t began_ns;

	(void)state;
	ctl_rig_open(&r, NULL);
	busy = ctl_rig_connect(&r);
	sending = ctl_rig_connect(&r);
	ctl_rig_send_frame(busy, BUSY);
	ctl_rig_send_frame(sending, LONG);
	wait_streams(&r, 2);
	began_ns = clock_now_ns();
	ctl_rig_close(&r);
	assert_true(clock_now_ns() - began_ns < 5 * NS_PER_S);
	close(busy);
	close(sending);
}

/* Last: its thread stays until the process ends. */
static void test_close_does_not_wait_for_ever(void **state)
{
	struct ctl_rig r;
	int deaf;

	(void)state;
	ctl_rig_open(&r, NULL);
	deaf = ctl_rig_connect(&r);
	ctl_rig_send_frame(deaf, "{\"verb\":\"count\",\"args\":{\"deaf\":true}}");
	wait_streams(&r, 1);
	ctl_rig_close(&r);
	close(deaf);
}

static int setup(void **state)
{
	int err = ctl_rig_setup(state);
	struct ctl_rig *r = *state;

	r->at_any_cost = true;
	return err;
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, ctl_rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_whole),
		TEST(test_ordinary_priority),
		TEST(test_refused_and_failed),
		TEST(test_two_at_once),
		TEST(test_slow_reader),
		TEST(test_whole_deadline),
		TEST(test_reader_goes),
		TEST(test_half_closed),
		cmocka_unit_test(test_close),
		cmocka_unit_test(test_close_does_not_wait_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
