/* SPDX-License-Identifier: GPL-2.0-only */
/* How many of the probes over a path were not answered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "decide/path_loss.h"

#define MS    1000000ULL
#define START (5000 * MS)

/* One window of probes every 10 ms, of which `percent` are answered. */
static uint64_t pass(struct path_loss *l, uint64_t *sent, uint64_t *answered, unsigned int percent,
		     uint64_t now_ns)
{
	for (unsigned int i = 0; i < PATH_LOSS_NS / (10 * MS); i++, now_ns += 10 * MS) {
		path_loss_step(l, *sent, *answered, now_ns);
		++*sent;
		*answered += *sent % 100 < percent;
	}
	return now_ns;
}

static void loss_of_the_last_window_is_shown(void **state)
{
	static const unsigned int percents[] = {100, 0, 50, 93, 100};
	uint64_t sent = 70, answered = 30, now_ns = START;
	struct path_loss l = {0};

	(void)state;
	for (unsigned int i = 0; i < sizeof(percents) / sizeof(percents[0]); i++) {
		now_ns = pass(&l, &sent, &answered, percents[i], now_ns);
		path_loss_step(&l, sent, answered, now_ns);
		assert_true(l.known);
		assert_in_range(l.permille + 2, 1000 - percents[i] * 10, 1004 - percents[i] * 10);
	}
}

static void nothing_is_known_before_a_window_is_whole(void **state)
{
	struct path_loss l = {0};

	(void)state;
	path_loss_step(&l, 0, 0, START);
	path_loss_step(&l, 500, 1, START + PATH_LOSS_NS - 1);
	assert_false(l.known);
	/* Nobody was asked. */
	path_loss_step(&l, 0, 0, START + PATH_LOSS_NS);
	path_loss_step(&l, 0, 0, START + 3 * PATH_LOSS_NS);
	assert_false(l.known);
}

/* Another peer has the slot, or the answers were forgotten. */
static void smaller_numbers_begin_anew(void **state)
{
	struct path_loss l = {0};

	(void)state;
	path_loss_step(&l, 100, 100, START);
	path_loss_step(&l, 200, 150, START + PATH_LOSS_NS);
	assert_int_equal(l.permille, 500);
	path_loss_step(&l, 300, 10, START + 2 * PATH_LOSS_NS);
	assert_false(l.known);
	path_loss_step(&l, 400, 110, START + 3 * PATH_LOSS_NS);
	assert_int_equal(l.permille, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loss_of_the_last_window_is_shown),
		cmocka_unit_test(nothing_is_known_before_a_window_is_whole),
		cmocka_unit_test(smaller_numbers_begin_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
