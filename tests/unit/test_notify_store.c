/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The notifier's queue on disk: moments that no clock says are of a damaged file, which is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/notify_store.h"
#include "base/clock.h"

/* What is changed in the file before it is read. */
static struct change {
	off_t at;
	const void *bytes;
	size_t n;
} change;

static void change_file(int dir)
{
	int fd = change.n ? openat(dir, "queue", O_WRONLY | O_CLOEXEC) : -1;

	if (!change.n)
		return;
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, change.bytes, change.n, change.at), change.n);
	close(fd);
}

/* What reading says of a queue with one event of this moment, whose problem began then. */
static int read_back(int64_t at_s, int64_t since_s)
{
	static const struct notify_who who = {.node = "a", .instance = "g"};
	struct conf_notify conf = {.name = "chat", .rules = {.kinds = ~0u, .per_hour = 1}};
	char folder[] = "/tmp/hokm-store.XXXXXX", path[sizeof(folder) + 8];
	struct engine e;
	int dir, err;

	assert_non_null(mkdtemp(folder));
	dir = open(folder, O_RDONLY | O_DIRECTORY);
	assert_true(dir >= 0);
	assert_int_equal(engine_open(&e, NULL, NULL), 0);
	engine_configure(&e, &who, &conf, 1);
	e.channels[0].state.waiting[0].event.at.wall_s = at_s;
	e.channels[0].state.waiting[0].since.wall_s = since_s;
	e.channels[0].state.n_waiting = 1;
	assert_int_equal(store_save_queue(dir, &e), 0);
	change_file(dir);
	err = store_load_queue(dir, &e);
	engine_close(&e);
	close(dir);
	snprintf(path, sizeof(path), "%s/queue", folder);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(folder), 0);
	return err;
}

/* A file whose bytes at `at` are others. */
static int read_back_with(off_t at, const void *bytes, size_t n)
{
	change = (struct change){at, bytes, n};
	return read_back(1700000000, 0);
}

static void a_queue_of_another_version_is_not_read(void **state)
{
	static const uint32_t old = 2, magic = 0x31323334, size = 8;

	(void)state;
	assert_int_equal(read_back_with(sizeof(uint32_t), &old, sizeof(old)), -EPROTONOSUPPORT);
	assert_int_equal(read_back_with(0, &magic, sizeof(magic)), -EBADMSG);
	assert_int_equal(read_back_with(2 * sizeof(uint32_t), &size, sizeof(size)), -EBADMSG);
	change.n = 0;
}

static void moments_that_no_clock_says_are_refused(void **state)
{
	(void)state;
	assert_int_equal(read_back(1700000000, 0), 0);
	assert_int_equal(read_back(-1, 0), -EBADMSG);
	assert_int_equal(read_back(INT64_MAX, 0), -EBADMSG);
	assert_int_equal(read_back(0, INT64_MIN), -EBADMSG);
}

/* What was not read is reported by a message of its own, whatever the channel filters. */
static void what_was_not_read_is_reported(void **state)
{
	static const struct notify_who who = {.node = "a", .instance = "g", .vip = "192.168.1.25"};
	struct conf_notify conf = {
		.name = "chat", .rules = {.least = NOTIFY_CRITICAL, .kinds = 0, .per_hour = 1}};
	struct notify_message m = {.who = &who};
	struct notify_state *s;
	struct engine e;
	char body[512];

	(void)state;
	assert_int_equal(engine_open(&e, NULL, NULL), 0);
	engine_configure(&e, &who, &conf, 1);
	s = &e.channels[0].state;
	assert_false(notify_due(s, &conf.rules, clock_now_ns(), 0, true));
	engine_unread(&e);
	assert_true(notify_due(s, &conf.rules, clock_now_ns(), 0, true));
	m.dropped = s->out_dropped;
	assert_non_null(strstr(notify_body(&m, body, sizeof(body)),
			       "At least 1 earlier events were dropped"));
	notify_sent(s);
	assert_false(notify_due(s, &conf.rules, clock_now_ns() + 3600 * NS_PER_S, 0, true));
	engine_close(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_queue_of_another_version_is_not_read),
		cmocka_unit_test(what_was_not_read_is_reported),
		cmocka_unit_test(moments_that_no_clock_says_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
