/* SPDX-License-Identifier: GPL-2.0-only */
/* The hook `before` when its answer is awaited. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/clock.h"
#include "hooks_rig.h"

struct answers {
	unsigned int n;
	uint64_t number;
	enum hook_answer answer;
};

static void note(void *arg, uint64_t number, enum hook_answer answer)
{
	struct answers *a = arg;

	a->n++;
	a->number = number;
	a->answer = answer;
}

static void ask(struct hooks_rig *r, uint64_t wait_ns, uint64_t number)
{
	const struct hook_call c = {
		.when = HOOK_BEFORE,
		.state = HOKM_VRRP_MASTER,
		.from = HOKM_VRRP_BACKUP,
		.reason = HOKM_R_MASTER_DOWN,
		.priority = 110,
	};

	hooks_ask(r->hooks, &c, wait_ns, number);
}

static void expect(struct hooks_rig *r, uint64_t wait_ns, enum hook_answer answer)
{
	static uint64_t number;
	struct answers a = {0};

	hooks_on_answer(r->hooks, note, &a);
	ask(r, wait_ns, ++number);
	/* The loop goes on meanwhile. */
	assert_int_equal(a.n, 0);
	hooks_run_all(r, 30000);
	assert_int_equal(a.n, 1);
	assert_int_equal(a.number, number);
	assert_int_equal(a.answer, answer);
}

static void the_exit_status_is_the_answer(void **state)
{
	struct hooks_rig *r = *state;
	char got[64];

	hooks_before(r, "echo $3 $HOKM_REASON >>$OUT");
	expect(r, 30 * NS_PER_S, HOOK_PERMITS);
	hooks_read(r, got, sizeof(got));
	assert_string_equal(got, "MASTER master-down\n");
	hooks_before(r, "exit 1");
	expect(r, 30 * NS_PER_S, HOOK_REFUSES);
	hooks_before(r, "kill -ABRT $$");
	expect(r, 30 * NS_PER_S, HOOK_REFUSES);
}

/* What says nothing of the hook's will must not count as its word. */
static void a_hook_that_cannot_answer_says_nothing(void **state)
{
	struct hooks_rig *r = *state;

	hooks_path(r, r->conf.hooks.command[CONF_HOOK_BEFORE], CONF_PATH_MAX, "no-such-file");
	expect(r, 30 * NS_PER_S, HOOK_SILENT);
	hooks_before(r, "exec sleep 1000");
	expect(r, 200 * NS_PER_MS, HOOK_SILENT);
	assert_int_equal(hooks_stats_of(r).timed_out, 1);
	assert_int_equal(hooks_stats_of(r).not_started, 1);
}

/* A queue of hooks that take long delays no change. */
static void a_hook_that_runs_does_not_delay_the_answer(void **state)
{
	struct hooks_rig *r = *state;
	struct answers a = {0};
	uint64_t end_ns = clock_now_ns() + 30 * NS_PER_S;

	r->conf.hooks.timeout_ns = 60 * NS_PER_S;
	hooks_before(r, "true");
	hooks_after(r, "exec sleep 1000");
	hooks_call(r, false, HOKM_VRRP_BACKUP);
	hooks_on_answer(r->hooks, note, &a);
	ask(r, 30 * NS_PER_S, 7);
	while (!a.n && clock_now_ns() < end_ns)
		assert_true(sd_event_run(r->event, 20000) >= 0);
	assert_int_equal(a.n, 1);
	assert_int_equal(a.answer, HOOK_PERMITS);
	assert_true(hooks_busy(r->hooks));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOOK_TEST(the_exit_status_is_the_answer),
		HOOK_TEST(a_hook_that_cannot_answer_says_nothing),
		HOOK_TEST(a_hook_that_runs_does_not_delay_the_answer),
	};
	int err = hooks_prepare();

	return err ? err : cmocka_run_group_tests_name("hooks: ask", tests, NULL, NULL);
}
