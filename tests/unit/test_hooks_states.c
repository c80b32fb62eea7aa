/* SPDX-License-Identifier: GPL-2.0-only */
/* Which hooks a change of the state runs, and which state one that ran out of time gets again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "hooks_rig.h"

static void state_words(void **state)
{
	struct hooks_rig *r = *state;
	char got[256];

	hooks_after(r, "echo $3 $HOKM_WHEN >>$OUT");
	hooks_call(r, true, HOKM_VRRP_MASTER); /* not configured: nothing runs */
	hooks_call(r, false, HOKM_VRRP_MASTER);
	hooks_call(r, false, HOKM_VRRP_BACKUP);
	hooks_call(r, false, HOKM_VRRP_FAULT);
	hooks_call(r, false, HOKM_VRRP_INIT);
	hooks_run_all(r, 30000);
	hooks_read(r, got, sizeof(got));
	assert_string_equal(got, "MASTER after\nBACKUP after\nFAULT after\nSTOP after\n");
	assert_int_equal(hooks_stats_of(r).run, 4);
}

/* As with keepalived: first the hook of the state, which gets the words of the file and no more. */
static void the_hook_of_the_state_comes_first(void **state)
{
	static const enum hokm_vrrp_state changes[] = {
		HOKM_VRRP_MASTER, HOKM_VRRP_BACKUP, HOKM_VRRP_FAULT, HOKM_VRRP_INIT};
	struct hooks_rig *r = *state;
	char got[512];

	for (enum conf_hook h = CONF_HOOK_MASTER; h <= CONF_HOOK_AFTER; h++) {
		hooks_script(r, h,
			     "printf '%s|' \"${0##*/}\" \"$@\" $HOKM_STATE >>$OUT; echo >>$OUT");
		hooks_add_args(r, h, h == CONF_HOOK_FAULT ? "" : " -s 'two words'");
	}
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		hooks_call(r, false, changes[i]);
	hooks_run_all(r, 30000);
	hooks_read(r, got, sizeof(got));
	assert_string_equal(
		got, "master|-s|two words|master|\n"
		     "after|-s|two words|INSTANCE|game one|MASTER|110|master|\n"
		     "backup|-s|two words|backup|\n"
		     "after|-s|two words|INSTANCE|game one|BACKUP|110|backup|\n"
		     "fault|fault|\n"
		     "after|-s|two words|INSTANCE|game one|FAULT|110|fault|\n"
		     "stop|-s|two words|init|\n"
		     "after|-s|two words|INSTANCE|game one|STOP|110|init|\n");
	assert_int_equal(hooks_stats_of(r).run, 8);
}

/* Its first run does not end, as with a lock that is held; all later ones are over at once. */
#define HANGS_ONCE "echo $3 $4 >>$OUT; [ $(wc -l <$OUT) -ge 2 ] || exec sleep 1000"

/* What it set up for an older state would stay. */
static void one_that_ran_out_of_time_is_told_the_state_again(void **state)
{
	struct hooks_rig *r = *state;
	char got[256];

	hooks_after(r, HANGS_ONCE);
	r->conf.hooks.timeout_ns = 5 * NS_PER_S; /* enough for a run that does not hang */
	hooks_call(r, false, HOKM_VRRP_MASTER);
	hooks_run_all(r, 30000);
	hooks_read(r, got, sizeof(got));
	assert_string_equal(got, "MASTER 110\nMASTER 110\n");
	assert_int_equal(hooks_stats_of(r).timed_out, 1);
	assert_int_equal(hooks_stats_of(r).run, 2);
}

/* The newest state is the one that waits, and it gets that once. */
static void an_older_state_is_not_told_again(void **state)
{
	struct hooks_rig *r = *state;
	char got[256];

	hooks_after(r, HANGS_ONCE);
	hooks_before(r, "echo before >>$OUT");
	r->conf.hooks.timeout_ns = 5 * NS_PER_S; /* enough for a run that does not hang */
	hooks_call(r, false, HOKM_VRRP_MASTER);
	hooks_call(r, false, HOKM_VRRP_BACKUP);
	hooks_call(r, true, HOKM_VRRP_MASTER);
	hooks_run_all(r, 30000);
	hooks_read(r, got, sizeof(got));
	assert_string_equal(got, "MASTER 110\nBACKUP 110\nbefore\n");
	assert_int_equal(hooks_stats_of(r).run, 3);
}

/* A node that is backup by now must not set up again what an owner has. */
static void the_hook_of_a_state_that_is_over_is_not_told_again(void **state)
{
	struct hooks_rig *r = *state;
	char got[256];

	hooks_script(r, CONF_HOOK_MASTER, "echo master >>$OUT; exec sleep 1000");
	r->conf.hooks.timeout_ns = 5 * NS_PER_S;
	hooks_call(r, false, HOKM_VRRP_MASTER);
	hooks_call(r, false, HOKM_VRRP_BACKUP);
	hooks_run_all(r, 30000);
	hooks_read(r, got, sizeof(got));
	assert_string_equal(got, "master\n");
	assert_int_equal(hooks_stats_of(r).timed_out, 1);
}

/* The hook of the state gets it again, although the hook `after` waits behind it. */
static void each_hook_of_the_newest_state_is_told_again(void **state)
{
	struct hooks_rig *r = *state;
	char got[256];

	hooks_script(r, CONF_HOOK_MASTER,
		     "echo master >>$OUT; [ $(wc -l <$OUT) -ge 2 ] || exec sleep 1000");
	hooks_after(r, "echo after >>$OUT");
	r->conf.hooks.timeout_ns = 5 * NS_PER_S;
	hooks_call(r, false, HOKM_VRRP_MASTER);
	hooks_run_all(r, 30000);
	hooks_read(r, got, sizeof(got));
	assert_string_equal(got, "master\nafter\nmaster\n");
}

/* A hook that never ends does not run all day. A new state begins the count anew. */
static void one_that_hangs_each_time_is_told_a_few_times(void **state)
{
	struct hooks_rig *r = *state;

	hooks_after(r, "exec sleep 1000");
	r->conf.hooks.timeout_ns = 100 * NS_PER_MS;
	for (unsigned int i = 1; i <= 2; i++) {
		hooks_call(r, false, HOKM_VRRP_MASTER);
		hooks_run_all(r, 30000);
		assert_int_equal(hooks_stats_of(r).timed_out, 4 * i);
		assert_int_equal(hooks_stats_of(r).run, 4 * i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOOK_TEST(state_words),
		HOOK_TEST(the_hook_of_the_state_comes_first),
		HOOK_TEST(one_that_ran_out_of_time_is_told_the_state_again),
		HOOK_TEST(an_older_state_is_not_told_again),
		HOOK_TEST(the_hook_of_a_state_that_is_over_is_not_told_again),
		HOOK_TEST(each_hook_of_the_newest_state_is_told_again),
		HOOK_TEST(one_that_hangs_each_time_is_told_a_few_times),
	};
	int err = hooks_prepare();

	return err ? err : cmocka_run_group_tests_name("hooks: states", tests, NULL, NULL);
}
