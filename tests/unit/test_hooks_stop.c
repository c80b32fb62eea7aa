/* SPDX-License-Identifier: GPL-2.0-only */
/* The daemon stops while hooks run or wait: the hooks of the stop run all the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/clock.h"
#include "conf/conf.h"
#include "hooks_rig.h"

static const struct hook_call call = {.when = HOOK_AFTER, .priority = 110};

/* Runs the loop until the hooks have written so many lines. */
static void await_lines(const struct hooks_rig *r, unsigned int lines)
{
	uint64_t end_ns = clock_now_ns() + 20 * NS_PER_S;
	unsigned int n = 0;

	while (n < lines && clock_now_ns() < end_ns) {
		char got[512];

		assert_true(sd_event_run(r->event, 20000) >= 0);
		hooks_read(r, got, sizeof(got));
		n = 0;
		for (const char *at = got; (at = strchr(at, '\n')) != NULL; at++)
			n++;
	}
	assert_int_equal(n, lines);
}

static void stops(struct hooks_rig *r)
{
	hooks_stop(r->hooks);
	hooks_call(r, false, HOKM_VRRP_INIT);
}

/* What it set up would stay, if the hook of the stop did not run. */
static void one_that_runs_gives_way_to_the_stop(void **state)
{
	struct hooks_rig *r = *state;
	uint64_t begin_ns;
	char got[256];

	hooks_script(r, CONF_HOOK_MASTER,
		     "trap 'echo term >>$OUT; exit' TERM; echo master >>$OUT; sleep 12 & wait");
	hooks_script(r, CONF_HOOK_STOP, "sleep 0.5; echo stop >>$OUT");
	hooks_after(r, "echo after $3 >>$OUT");
	hooks_call(r, false, HOKM_VRRP_MASTER);
	await_lines(r, 1);
	begin_ns = clock_now_ns();
	stops(r);
	hooks_run_all(r, HOOKS_STOP_NS / NS_PER_MS);
	assert_true(clock_now_ns() - begin_ns >= NS_PER_S); /* it had a second */
	hooks_read(r, got, sizeof(got));
	/* The hook `after` of the owner had no time left. */
	assert_string_equal(got, "master\nterm\nstop\nafter STOP\n");
	assert_int_equal(hooks_stats_of(r).timed_out, 1);
	assert_int_equal(hooks_stats_of(r).dropped, 1);
}

/* All hooks in their order; false: the machine was too slow for that. */
static bool run_in_order(struct hooks_rig *r)
{
	uint64_t begin_ns = clock_now_ns();
	char got[256];

	hooks_call(r, false, HOKM_VRRP_MASTER);
	stops(r);
	hooks_run_all(r, 2 * HOOKS_STOP_NS / NS_PER_MS);
	if (clock_now_ns() - begin_ns >= NS_PER_S)
		return false;
	hooks_read(r, got, sizeof(got));
	assert_string_equal(got, "master\nafter MASTER\nstop\nafter STOP\n");
	return true;
}

/* What is over within its second runs before the stop. */
static void short_ones_run_before(void **state)
{
	bool done = false;

	for (int i = 0; i < 10 && !done; i++) {
		assert_int_equal(hooks_tear_down(state), 0);
		assert_int_equal(hooks_set_up(state), 0);
		hooks_script(*state, CONF_HOOK_MASTER, "echo master >>$OUT");
		hooks_script(*state, CONF_HOOK_STOP, "echo stop >>$OUT");
		hooks_after(*state, "echo after $3 >>$OUT");
		done = run_in_order(*state);
	}
	assert_true(done);
}

/* One that ignores SIGTERM is killed, also when it is a hook of the stop. None is repeated. */
static void nothing_runs_longer_than_the_stop(void **state)
{
	struct hooks_rig *r = *state;
	uint64_t begin_ns;
	char got[256];

	r->conf.hooks.timeout_ns = 60 * NS_PER_S;
	hooks_script(r, CONF_HOOK_MASTER,
		     "trap '' TERM; echo master >>$OUT; while :; do sleep 0.1; done");
	hooks_script(r, CONF_HOOK_STOP,
		     "trap '' TERM; echo stop >>$OUT; while :; do sleep 0.1; done");
	hooks_call(r, false, HOKM_VRRP_MASTER);
	await_lines(r, 1);
	begin_ns = clock_now_ns();
	stops(r);
	await_lines(r, 2);
	assert_true(clock_now_ns() - begin_ns >= 2 * NS_PER_S);
	hooks_run_all(r, 20000);
	/* The last moment before SIGKILL is HOOKS_STOP_NS. */
	assert_true(clock_now_ns() - begin_ns >= HOOKS_STOP_NS - NS_PER_S);
	hooks_read(r, got, sizeof(got));
	assert_string_equal(got, "master\nstop\n");
	assert_int_equal(hooks_stats_of(r).timed_out, 2);
	assert_int_equal(hooks_stats_of(r).dropped, 0);
}

static void on_answer(void *arg, uint64_t number, enum hook_answer answer)
{
	(void)number;
	*(enum hook_answer *)arg = answer;
}

/* The question before a change, and the restart of a service, do not hold the end up. */
static void what_runs_beside_the_queue_ends_too(void **state)
{
	enum hook_answer answer = HOOK_PERMITS;
	struct hooks_rig *r = *state;
	uint64_t begin_ns;

	hooks_before(r, "echo asked >>$OUT; exec sleep 30");
	hooks_on_answer(r->hooks, on_answer, &answer);
	hooks_ask(r->hooks, &call, 20 * NS_PER_S, 7);
	await_lines(r, 1);
	begin_ns = clock_now_ns();
	hooks_stop(r->hooks);
	hooks_run_all(r, 8000);
	assert_true(clock_now_ns() - begin_ns >= NS_PER_S);
	assert_int_equal(answer, HOOK_SILENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOOK_TEST(one_that_runs_gives_way_to_the_stop),
		HOOK_TEST(short_ones_run_before),
		HOOK_TEST(nothing_runs_longer_than_the_stop),
		HOOK_TEST(what_runs_beside_the_queue_ends_too),
	};
	int err = hooks_prepare();

	return err ? err : cmocka_run_group_tests_name("hooks: stop", tests, NULL, NULL);
}
