/* SPDX-License-Identifier: GPL-2.0-only */
/* The notifier's queue on disk: moments that no clock says are of a damaged file, which is refused.
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
	err = store_load_queue(dir, &e);
	engine_close(&e);
	close(dir);
	snprintf(path, sizeof(path), "%s/queue", folder);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(folder), 0);
	return err;
}

static void moments_that_no_clock_says_are_refused(void **state)
{
	(void)state;
	assert_int_equal(read_back(1700000000, 0), 0);
	assert_int_equal(read_back(-1, 0), -EBADMSG);
	assert_int_equal(read_back(INT64_MAX, 0), -EBADMSG);
	assert_int_equal(read_back(0, INT64_MIN), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(moments_that_no_clock_says_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
