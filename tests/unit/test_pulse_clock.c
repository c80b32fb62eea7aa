/* SPDX-License-Identifier: GPL-2.0-only */
/* When pulses are due: at whole intervals from the first, however late each one was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>

#include <cmocka.h>

#include "decide/pulse_clock.h"

#define MS   1000000ULL
#define AT   (1000 * MS)
#define EACH (10 * MS)

static void pulses_are_taken_at_whole_intervals(void **state)
{
	/* In order: what is asked at this moment after the first pulse, and what is left then. */
	static const struct {
		uint64_t at_ns, ticks, left_ns;
	} rows[] = {
		{0, 1, EACH},                /* the first one is due at once */
		{0, 0, EACH},                /* and is due once */
		{EACH - 1, 0, 1},            /* not a moment too early */
		{EACH, 1, EACH},             /* in time */
		{2 * EACH + 3, 1, EACH - 3}, /* a late one does not shift the next one */
		{3 * EACH, 1, EACH},
		{7 * EACH + 4 * MS, 4, 6 * MS}, /* missed ones count */
		{8 * EACH - 1, 0, 1},
		{1000000 * EACH, 999993, EACH}, /* a node that was suspended */
	};
	struct pulse_clock c;

	(void)state;
	pulse_clock_set(&c, EACH, AT);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t now_ns = AT + rows[i].at_ns;

		assert_int_equal(pulse_clock_take(&c, now_ns), rows[i].ticks);
		assert_int_equal(pulse_clock_left_ns(&c, now_ns), rows[i].left_ns);
	}
}

static void a_due_pulse_has_nothing_left(void **state)
{
	struct pulse_clock c;

	(void)state;
	pulse_clock_set(&c, EACH, AT);
	assert_int_equal(pulse_clock_left_ns(&c, AT), 0);
	assert_int_equal(pulse_clock_left_ns(&c, AT + 5 * EACH), 0);
	assert_int_equal(pulse_clock_take(&c, AT + 5 * EACH), 6);
	assert_int_equal(pulse_clock_left_ns(&c, AT + 5 * EACH), EACH);
}

static void another_interval_begins_at_once(void **state)
{
	struct pulse_clock c;

	(void)state;
	pulse_clock_set(&c, EACH, AT);
	assert_int_equal(pulse_clock_take(&c, AT), 1);
	pulse_clock_set(&c, 50 * MS, AT + 3 * MS);
	assert_int_equal(pulse_clock_take(&c, AT + 3 * MS), 1);
	assert_int_equal(pulse_clock_left_ns(&c, AT + 4 * MS), 49 * MS);
}

/* Another interval counts from the last pulse, so that a node that hurries does not wait first. */
static void the_interval_changes_between_pulses(void **state)
{
	struct pulse_clock c;

	(void)state;
	pulse_clock_set(&c, EACH, AT);
	assert_int_equal(pulse_clock_take(&c, AT), 1);
	pulse_clock_every(&c, 3 * EACH, AT + MS);
	assert_int_equal(pulse_clock_left_ns(&c, AT + MS), 29 * MS);
	/* The same interval again changes nothing. */
	pulse_clock_every(&c, 3 * EACH, AT + 2 * MS);
	assert_int_equal(pulse_clock_left_ns(&c, AT + 2 * MS), 28 * MS);
	pulse_clock_every(&c, EACH, AT + 4 * MS);
	assert_int_equal(pulse_clock_left_ns(&c, AT + 4 * MS), 6 * MS);
	/* The shorter interval is over: the pulse is due, and not late. */
	pulse_clock_every(&c, 3 * EACH, AT + 4 * MS);
	pulse_clock_every(&c, EACH, AT + 25 * MS);
	assert_int_equal(pulse_clock_late_ns(&c, AT + 25 * MS), 0);
	assert_int_equal(pulse_clock_take(&c, AT + 25 * MS), 1);
	assert_int_equal(pulse_clock_left_ns(&c, AT + 25 * MS), EACH);
	/* One that is late already stays so. */
	assert_int_equal(pulse_clock_late_ns(&c, AT + 42 * MS), 7 * MS);
	pulse_clock_every(&c, 3 * EACH, AT + 42 * MS);
	assert_int_equal(pulse_clock_late_ns(&c, AT + 42 * MS), 7 * MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pulses_are_taken_at_whole_intervals),
		cmocka_unit_test(a_due_pulse_has_nothing_left),
		cmocka_unit_test(another_interval_begins_at_once),
		cmocka_unit_test(the_interval_changes_between_pulses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
