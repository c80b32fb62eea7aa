/* SPDX-License-Identifier: GPL-2.0-only */
/* When the connections of an unresponsive service are terminated: each condition by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "decide/unresponsive.h"

#define S 1000000000ULL

/* All conditions hold, the last one just so. */
static const struct unresponsive_input due = {
	.health = HOKM_SVC_DOWN,
	.no_answer = true,
	.peer_up = true,
	.players = 5,
	.active_ns = 100 * S - UNRESPONSIVE_SILENT_NS,
	.now_ns = 100 * S,
};

static void checks_without_an_answer_count(void **state)
{
	(void)state;
	for (unsigned int r = 0; r < HOKM_REASON_COUNT; r++)
		assert_int_equal(unresponsive_reason((enum hokm_reason)r),
				 r == HOKM_R_CHECK_TIMEOUT || r == HOKM_R_CHECK_PONG);
}

static void only_a_service_that_is_down(void **state)
{
	(void)state;
	for (unsigned int st = 0; st < HOKM_SVC_STATE_COUNT; st++) {
		struct unresponsive_input in = due;

		in.health = (enum hokm_svc_state)st;
		assert_int_equal(unresponsive_due(&in), st == HOKM_SVC_DOWN);
	}
}

static void each_condition_is_needed(void **state)
{
	struct unresponsive_input in = due;

	(void)state;
	assert_true(unresponsive_due(&in));
	in.no_answer = false;
	assert_false(unresponsive_due(&in));
	in = due;
	in.keep = true;
	assert_false(unresponsive_due(&in));
	in = due;
	in.peer_up = false;
	assert_false(unresponsive_due(&in));
}

/* A server that sends anything is slow, not unresponsive. */
static void the_server_must_have_been_silent(void **state)
{
	struct unresponsive_input in = due;

	(void)state;
	in.active_ns++;
	assert_false(unresponsive_due(&in));
	in.active_ns = 0; /* not watched yet */
	assert_false(unresponsive_due(&in));
}

/* An unresponsive server has been silent for as long as the check waited for it. */
static void the_silence_covers_the_check(void **state)
{
	struct unresponsive_input in = due;

	(void)state;
	in.waited_ns = UNRESPONSIVE_SILENT_NS;
	assert_true(unresponsive_due(&in));
	in.waited_ns++;
	assert_false(unresponsive_due(&in));
	in.active_ns -= 10 * S;
	in.waited_ns = 10 * S + UNRESPONSIVE_SILENT_NS;
	assert_true(unresponsive_due(&in));
}

static void again_while_players_are_left(void **state)
{
	struct unresponsive_input in = due;

	(void)state;
	in.players = 0; /* not counted yet: the first round does not wait for the count */
	assert_true(unresponsive_due(&in));
	in.terminated_ns = in.now_ns - UNRESPONSIVE_AGAIN_NS;
	assert_false(unresponsive_due(&in));
	in.players = 1;
	assert_true(unresponsive_due(&in));
	in.terminated_ns++;
	assert_false(unresponsive_due(&in));
}

static bool waiters_due(const struct unresponsive_input *in, uint64_t wait_ns)
{
	uint64_t before_ns = 0;
	bool is_due = unresponsive_waiters_due(in, &before_ns);

	assert_int_equal(before_ns, is_due ? in->now_ns - wait_ns : 0);
	return is_due;
}

/* The server sends to others meanwhile, and players are not needed: who waits is none yet. */
static void those_who_wait_are_terminated_alone(void **state)
{
	struct unresponsive_input in = due;

	(void)state;
	in.active_ns = in.now_ns;
	in.players = 0;
	assert_false(unresponsive_due(&in));
	assert_true(waiters_due(&in, UNRESPONSIVE_SILENT_NS));
	in.waiters_ns = in.now_ns - UNRESPONSIVE_AGAIN_NS;
	assert_true(waiters_due(&in, UNRESPONSIVE_SILENT_NS));
	in.waiters_ns++;
	assert_false(waiters_due(&in, 0));
}

static void they_have_waited_as_long_as_the_check_and_others(void **state)
{
	static const struct {
		uint64_t waited_ns, pace_ns, wait_ns;
	} rows[] = {
		{0, 0, UNRESPONSIVE_SILENT_NS},
		{10 * S, S, 10 * S},
		{S, 3 * S, 3 * S},
		{200 * S, 0, 0}, /* nobody has waited since before the boot */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct unresponsive_input in = due;

		in.active_ns = in.now_ns;
		in.waited_ns = rows[i].waited_ns;
		in.pace_ns = rows[i].pace_ns;
		assert_int_equal(waiters_due(&in, rows[i].wait_ns), rows[i].wait_ns > 0);
	}
}

static void those_who_wait_need_the_other_conditions(void **state)
{
	struct unresponsive_input in;

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		in = due;
		in.active_ns = in.now_ns;
		if (i == 0)
			in.health = HOKM_SVC_UP;
		else if (i == 1)
			in.no_answer = false;
		else if (i == 2)
			in.keep = true;
		else
			in.peer_up = false;
		assert_false(waiters_due(&in, 0));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checks_without_an_answer_count),
		cmocka_unit_test(only_a_service_that_is_down),
		cmocka_unit_test(each_condition_is_needed),
		cmocka_unit_test(the_server_must_have_been_silent),
		cmocka_unit_test(the_silence_covers_the_check),
		cmocka_unit_test(again_while_players_are_left),
		cmocka_unit_test(those_who_wait_are_terminated_alone),
		cmocka_unit_test(they_have_waited_as_long_as_the_check_and_others),
		cmocka_unit_test(those_who_wait_need_the_other_conditions),
	};

	return cmocka_run_group_tests_name("unresponsive", tests, NULL, NULL);
}
