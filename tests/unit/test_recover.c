/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The recovery of a service: tables of what is known at a moment, and what must follow. Named by
 * what must not happen.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "decide/recover.h"

#define S  1000000000ULL
#define T0 (100000 * S)

static const struct recover_conf usual = {
	.on = true, .attempts = 3, .limit = 6, .backoff_ns = 10 * S};
static const struct recover_conf often = {
	.on = true, .attempts = 20, .limit = 2, .backoff_ns = 10 * S};
static const struct recover_conf once = {.on = true, .attempts = 1, .limit = 60, .backoff_ns = S};
static const struct recover_conf off = {.attempts = 3, .limit = 6, .backoff_ns = 10 * S};

enum what { UP, DOWN, INIT, HELD, BUSY, ENDED };

struct row {
	uint64_t at_s;
	enum what what; /* HELD and BUSY: DOWN, and that too */
	enum recover_do expect;
	enum recover_state state;
};

static void walk(const struct recover_conf *c, const struct row *rows, size_t n)
{
	struct recover r;

	memset(&r, 0, sizeof(r));
	for (size_t i = 0; i < n; i++) {
		const uint64_t now_ns = T0 + rows[i].at_s * S;
		const enum what w = rows[i].what;
		const struct recover_view v = {.up = w == UP,
					       .down = w == DOWN || w == HELD || w == BUSY,
					       .held = w == HELD,
					       .busy = w == BUSY};

		if (w == ENDED)
			recover_ended(&r, c, now_ns);
		else if (recover_step(&r, c, &v, now_ns) != rows[i].expect)
			fail_msg("row %zu: another action is expected", i);
		if (r.state != rows[i].state)
			fail_msg("row %zu: state %s", i, recover_state_name(r.state));
	}
}

#define WALK(conf, rows) walk(&(conf), rows, sizeof(rows) / sizeof((rows)[0]))

static void the_pause_doubles_and_the_attempts_end(void **state)
{
	static const struct row rows[] = {
		{0, UP, RECOVER_NOTHING, RECOVER_IDLE},
		{1, DOWN, RECOVER_RUN, RECOVER_RUNS},
		{2, DOWN, RECOVER_NOTHING, RECOVER_RUNS},
		{3, ENDED, RECOVER_NOTHING, RECOVER_WAITS},
		{12, DOWN, RECOVER_NOTHING, RECOVER_WAITS},
		{13, DOWN, RECOVER_RUN, RECOVER_RUNS},
		{14, ENDED, RECOVER_NOTHING, RECOVER_WAITS},
		{33, DOWN, RECOVER_NOTHING, RECOVER_WAITS},
		{34, DOWN, RECOVER_RUN, RECOVER_RUNS},
		{34, ENDED, RECOVER_NOTHING, RECOVER_WAITS},
		/* The last attempt has its time too. */
		{73, DOWN, RECOVER_NOTHING, RECOVER_WAITS},
		{74, DOWN, RECOVER_GIVE_UP, RECOVER_SPENT},
		{75, DOWN, RECOVER_NOTHING, RECOVER_SPENT},
		{9999, DOWN, RECOVER_NOTHING, RECOVER_SPENT},
	};

	(void)state;
	WALK(usual, rows);
}

static void one_that_is_up_again_is_left_alone(void **state)
{
	static const struct row rows[] = {
		{0, UP, RECOVER_NOTHING, RECOVER_IDLE},
		{1, DOWN, RECOVER_RUN, RECOVER_RUNS},
		/* UP before the command has ended. */
		{2, UP, RECOVER_NOTHING, RECOVER_RUNS},
		{3, ENDED, RECOVER_NOTHING, RECOVER_WAITS},
		{4, UP, RECOVER_TELL_UP, RECOVER_IDLE},
		{5, UP, RECOVER_NOTHING, RECOVER_IDLE},
		{20, UP, RECOVER_NOTHING, RECOVER_IDLE},
		/* A new failure begins with the first attempt. */
		{21, DOWN, RECOVER_RUN, RECOVER_RUNS},
		{22, ENDED, RECOVER_NOTHING, RECOVER_WAITS},
		{31, DOWN, RECOVER_NOTHING, RECOVER_WAITS},
		{32, DOWN, RECOVER_RUN, RECOVER_RUNS},
	};

	(void)state;
	WALK(usual, rows);
}

static void one_that_was_never_up_is_not_started(void **state)
{
	static const struct row rows[] = {
		{0, INIT, RECOVER_NOTHING, RECOVER_IDLE},
		{1, DOWN, RECOVER_NOTHING, RECOVER_IDLE},
		{99, DOWN, RECOVER_NOTHING, RECOVER_IDLE},
		{100, UP, RECOVER_NOTHING, RECOVER_IDLE},
		{101, INIT, RECOVER_NOTHING, RECOVER_IDLE},
		{102, DOWN, RECOVER_RUN, RECOVER_RUNS},
	};

	(void)state;
	WALK(usual, rows);
}

static void nothing_runs_against_the_operator(void **state)
{
	static const struct row rows[] = {
		{0, UP, RECOVER_NOTHING, RECOVER_IDLE},
		{1, HELD, RECOVER_NOTHING, RECOVER_HELD},
		{99, HELD, RECOVER_NOTHING, RECOVER_HELD},
		/* The operator is ready, and the service is still DOWN. */
		{100, DOWN, RECOVER_RUN, RECOVER_RUNS},
		{101, ENDED, RECOVER_NOTHING, RECOVER_WAITS},
		{111, HELD, RECOVER_NOTHING, RECOVER_HELD},
		{112, UP, RECOVER_TELL_UP, RECOVER_IDLE},
	};

	(void)state;
	WALK(usual, rows);
}

static void two_commands_never_run_at_once(void **state)
{
	static const struct row rows[] = {
		{0, UP, RECOVER_NOTHING, RECOVER_IDLE},
		{1, BUSY, RECOVER_NOTHING, RECOVER_WAITS},
		{2, BUSY, RECOVER_NOTHING, RECOVER_WAITS},
		{3, DOWN, RECOVER_RUN, RECOVER_RUNS},
	};

	(void)state;
	WALK(usual, rows);
}

static void an_hour_has_no_more_than_its_limit(void **state)
{
	static const struct row rows[] = {
		{0, UP, RECOVER_NOTHING, RECOVER_IDLE},
		{1, DOWN, RECOVER_RUN, RECOVER_RUNS},
		{2, ENDED, RECOVER_NOTHING, RECOVER_WAITS},
		{3, UP, RECOVER_TELL_UP, RECOVER_IDLE},
		{4, DOWN, RECOVER_RUN, RECOVER_RUNS},
		{5, ENDED, RECOVER_NOTHING, RECOVER_WAITS},
		{6, UP, RECOVER_TELL_UP, RECOVER_IDLE},
		{7, DOWN, RECOVER_TELL_LIMIT, RECOVER_LIMITED},
		{8, DOWN, RECOVER_NOTHING, RECOVER_LIMITED},
		{3600, DOWN, RECOVER_NOTHING, RECOVER_LIMITED},
		/* The first attempt is an hour old. */
		{3601, DOWN, RECOVER_RUN, RECOVER_RUNS},
		{3602, ENDED, RECOVER_NOTHING, RECOVER_WAITS},
		{3612, DOWN, RECOVER_RUN, RECOVER_RUNS},
		{3613, ENDED, RECOVER_NOTHING, RECOVER_WAITS},
		/* Reported once until the service is UP. */
		{3700, DOWN, RECOVER_NOTHING, RECOVER_LIMITED},
	};

	(void)state;
	WALK(often, rows);
}

/* The ring of the last attempts is as long as the greatest limit. */
static void the_greatest_limit_holds_too(void **state)
{
	const struct recover_view up = {.up = true}, down = {.down = true};
	struct recover r;
	uint64_t now_ns = T0;

	(void)state;
	memset(&r, 0, sizeof(r));
	for (unsigned int i = 0; i < RECOVER_LIMIT_MAX; i++, now_ns += S) {
		(void)recover_step(&r, &once, &up, now_ns);
		assert_int_equal(recover_step(&r, &once, &down, now_ns), RECOVER_RUN);
		recover_ended(&r, &once, now_ns);
		assert_int_equal(recover_within_hour(&r, now_ns), i + 1);
	}
	(void)recover_step(&r, &once, &up, now_ns);
	assert_int_equal(recover_step(&r, &once, &down, now_ns), RECOVER_TELL_LIMIT);
	assert_int_equal(recover_step(&r, &once, &down, T0 + RECOVER_HOUR_NS), RECOVER_RUN);
}

static void a_pause_never_passes_an_hour(void **state)
{
	const struct recover_conf c = {
		.on = true, .attempts = 20, .limit = 60, .backoff_ns = 3600 * S};
	const struct recover_view up = {.up = true}, down = {.down = true};
	struct recover r;
	uint64_t now_ns = T0;

	(void)state;
	memset(&r, 0, sizeof(r));
	(void)recover_step(&r, &c, &up, now_ns);
	for (unsigned int i = 0; i < 20; i++, now_ns += RECOVER_PAUSE_MAX_NS) {
		assert_int_equal(recover_step(&r, &c, &down, now_ns), RECOVER_RUN);
		recover_ended(&r, &c, now_ns);
		assert_int_equal(r.next_ns, now_ns + RECOVER_PAUSE_MAX_NS);
	}
}

static void without_a_command_nothing_runs(void **state)
{
	static const struct row rows[] = {
		{0, UP, RECOVER_NOTHING, RECOVER_IDLE},
		{1, DOWN, RECOVER_NOTHING, RECOVER_IDLE},
		{9999, DOWN, RECOVER_NOTHING, RECOVER_IDLE},
	};

	(void)state;
	WALK(off, rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_pause_doubles_and_the_attempts_end),
		cmocka_unit_test(one_that_is_up_again_is_left_alone),
		cmocka_unit_test(one_that_was_never_up_is_not_started),
		cmocka_unit_test(nothing_runs_against_the_operator),
		cmocka_unit_test(two_commands_never_run_at_once),
		cmocka_unit_test(an_hour_has_no_more_than_its_limit),
		cmocka_unit_test(the_greatest_limit_holds_too),
		cmocka_unit_test(a_pause_never_passes_an_hour),
		cmocka_unit_test(without_a_command_nothing_runs),
	};

	return cmocka_run_group_tests_name("recover", tests, NULL, NULL);
}
