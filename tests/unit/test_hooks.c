/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hooks as processes: what they get, their queue, and each fault that a hook may have.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "hooks_rig.h"
#include "own_netns.h"

static void argv_and_environment(void **state)
{
	struct hooks_rig *r = *state;
	char got[2048], sorted[1024];

	hooks_before(r, "printf '%s|' \"$@\" >$OUT; id -un >>$OUT; pwd >>$OUT;"
			"tr '\\0' '\\n' </proc/$$/environ | sort >>$OUT");
	assert_int_equal(setenv("HX_FOREIGN", "must not be seen", 1), 0);
	hooks_call(r, true, HOKM_VRRP_MASTER);
	hooks_run_all(r, 10000);
	snprintf(sorted, sizeof(sorted),
		 "INSTANCE|game one|MASTER|110|nobody\n/\n"
		 "HOKM_FROM=backup\nHOKM_INSTANCE=game one\nHOKM_NODE=east\nHOKM_PRIORITY=110\n"
		 "HOKM_REASON=master-down\nHOKM_STATE=master\n"
		 "HOKM_VIPS=192.168.1.25 255.255.255.255\nHOKM_WHEN=before\n"
		 "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n");
	hooks_read(r, got, sizeof(got));
	assert_string_equal(got, sorted);
	assert_int_equal(hooks_stats_of(r).run, 1);
	assert_int_equal(hooks_stats_of(r).failed, 0);
}

static void one_at_a_time(void **state)
{
	struct hooks_rig *r = *state;
	char got[256];

	hooks_before(r, "echo in >>$OUT; sleep 0.2; echo out >>$OUT");
	hooks_after(r, "echo next >>$OUT");
	hooks_call(r, true, HOKM_VRRP_MASTER);
	hooks_call(r, false, HOKM_VRRP_MASTER);
	assert_int_equal(hooks_stats_of(r).waiting, 1);
	hooks_run_all(r, 10000);
	hooks_read(r, got, sizeof(got));
	assert_string_equal(got, "in\nout\nnext\n");
}

static void bare_process(void **state)
{
	struct hooks_rig *r = *state;
	struct sched_param fifo = {.sched_priority = 1}, normal = {0};
	char got[512];

	/*
	 * The hook leads its group and has only three descriptors, no blocked or ignored signal, an
	 * ordinary scheduling policy, no capability, and no way to get one.
	 */
	hooks_before(r, "set -- $(cut -d')' -f2 /proc/$$/stat);"
			"[ $3 = $$ ] && echo leader >$OUT; echo policy ${39} >>$OUT;"
			"ls /proc/self/fd >>$OUT;" /* ls itself opened 3 */
			"grep SigBlk /proc/self/status >>$OUT;"
			/*
			 * Without 32 and 33: libc uses them, and they may have been ignored before.
			 */
			"ign=$(sed -n 's/^SigIgn:.//p' /proc/self/status);"
			"printf 'SigIgn: %016x\n' $((0x$ign & ~0x180000000)) >>$OUT;"
			"grep -E 'CapEff|CapPrm|NoNewPrivs' /proc/self/status >>$OUT;"
			"readlink /proc/$$/fd/0 >>$OUT");
	assert_int_equal(sched_setscheduler(0, SCHED_FIFO, &fifo), 0);
	(void)signal(SIGPIPE, SIG_IGN);
	assert_true(dup(2) >= 0); /* not close-on-exec, but the hook must not get it */
	hooks_call(r, true, HOKM_VRRP_MASTER);
	assert_int_equal(sched_setscheduler(0, SCHED_OTHER, &normal), 0);
	hooks_run_all(r, 10000);
	hooks_read(r, got, sizeof(got));
	assert_string_equal(got, "leader\npolicy 0\n0\n1\n2\n3\nSigBlk:\t0000000000000000\n"
				 "SigIgn: 0000000000000000\nCapPrm:\t0000000000000000\n"
				 "CapEff:\t0000000000000000\nNoNewPrivs:\t1\n/dev/null\n");
}

static void failures_are_counted(void **state)
{
	struct hooks_rig *r = *state;

	hooks_before(r, "exit 3");
	hooks_after(r, "kill -ABRT $$");
	hooks_call(r, true, HOKM_VRRP_MASTER);
	hooks_call(r, false, HOKM_VRRP_MASTER);
	hooks_run_all(r, 10000);
	assert_int_equal(hooks_stats_of(r).run, 2);
	assert_int_equal(hooks_stats_of(r).failed, 2);
	assert_int_equal(hooks_stats_of(r).not_started, 0);
}

static void what_cannot_start_is_survived(void **state)
{
	struct hooks_rig *r = *state;
	char got[64];

	hooks_after(r, "echo fine >>$OUT");
	hooks_path(r, r->conf.hooks.command[CONF_HOOK_BEFORE], CONF_PATH_MAX, "no-such-file");
	hooks_call(r, true, HOKM_VRRP_MASTER);
	hooks_call(r, false, HOKM_VRRP_MASTER);
	hooks_run_all(r, 10000);
	assert_int_equal(hooks_stats_of(r).not_started, 1);
	assert_int_equal(hooks_stats_of(r).run, 1);
	hooks_before(r, "true");
	assert_int_equal(chmod(r->conf.hooks.command[CONF_HOOK_BEFORE], 0644), 0);
	hooks_call(r, true, HOKM_VRRP_MASTER);
	hooks_run_all(r, 10000);
	assert_int_equal(hooks_stats_of(r).not_started, 2);
	snprintf(r->conf.hooks.user, sizeof(r->conf.hooks.user), "hx-no-such-user");
	hooks_call(r, false, HOKM_VRRP_MASTER);
	hooks_run_all(r, 10000);
	assert_int_equal(hooks_stats_of(r).not_started, 3);
	hooks_read(r, got, sizeof(got));
	assert_string_equal(got, "fine\n");
}

/* Such a hook counted as good, and nobody learnt that it does nothing. */
static void one_without_the_right_is_not_passed_over(void **state)
{
	struct hooks_rig *r = *state;

	hooks_before(r, "echo 'RTNETLINK answers: Operation not permitted' >&2; exit 0");
	hooks_call(r, true, HOKM_VRRP_MASTER);
	hooks_call(r, true, HOKM_VRRP_MASTER);
	hooks_run_all(r, 30000);
	assert_int_equal(hooks_stats_of(r).denied, 2);
	assert_int_equal(hooks_stats_of(r).failed, 0);
	hooks_before(r, "echo fine");
	hooks_call(r, true, HOKM_VRRP_MASTER);
	hooks_run_all(r, 30000);
	assert_int_equal(hooks_stats_of(r).denied, 2);
}

/* Reads the pids that the script wrote. */
struct pids {
	int pid[2];
};

static bool all_gone(void *arg)
{
	const struct pids *p = arg;

	for (int i = 0; i < 2; i++)
		if (!kill(p->pid[i], 0))
			return false;
	return true;
}

static void expect_gone(const struct hooks_rig *r)
{
	struct pids p = {{0}};
	char got[64], *end;

	hooks_read(r, got, sizeof(got));
	p.pid[0] = (int)strtol(got, &end, 10);
	p.pid[1] = (int)strtol(end, NULL, 10);
	assert_true(p.pid[0] > 1 && p.pid[1] > 1);
	/* init reaps an orphan of the group, which takes a moment. */
	assert_true(own_wait(all_gone, &p, 5000));
}

static void a_hanging_hook_is_killed_with_its_group(void **state)
{
	struct hooks_rig *r = *state;

	hooks_before(r, "sleep 1000 & echo $$ $! >$OUT; wait");
	r->conf.hooks.timeout_ns = 300 * NS_PER_MS;
	hooks_call(r, true, HOKM_VRRP_MASTER);
	hooks_run_all(r, 1900); /* before SIGKILL would be sent */
	assert_int_equal(hooks_stats_of(r).timed_out, 1);
	assert_int_equal(hooks_stats_of(r).failed, 0);
	expect_gone(r);
}

static void one_that_ignores_sigterm_too(void **state)
{
	struct hooks_rig *r = *state;
	uint64_t start = clock_now_ns();

	hooks_before(r, "trap '' TERM; sleep 1000 & echo $$ $! >$OUT; while :; do sleep 0.1; done");
	r->conf.hooks.timeout_ns = 300 * NS_PER_MS;
	hooks_call(r, true, HOKM_VRRP_MASTER);
	hooks_run_all(r, 10000);
	assert_true(clock_now_ns() - start >= 2300 * NS_PER_MS);
	assert_int_equal(hooks_stats_of(r).timed_out, 1);
	expect_gone(r);
}

static void output_is_bounded(void **state)
{
	struct hooks_rig *r = *state;

	hooks_before(r, "i=0; while [ $i -lt 5000 ]; do echo line $i; i=$((i+1)); done;"
			"head -c 300000 /dev/zero; echo done >$OUT");
	hooks_call(r, true, HOKM_VRRP_MASTER);
	hooks_run_all(r, 20000);
	assert_int_equal(hooks_stats_of(r).run, 1);
	assert_int_equal(hooks_stats_of(r).failed, 0);
}

static void background_output_holds_nothing_up(void **state)
{
	struct hooks_rig *r = *state;
	uint64_t start = clock_now_ns();
	char got[64];

	hooks_before(r, "sleep 30 & echo $! >$OUT");
	hooks_call(r, true, HOKM_VRRP_MASTER);
	hooks_run_all(r, 10000);
	assert_true(clock_now_ns() - start < 10 * NS_PER_S);
	assert_int_equal(hooks_stats_of(r).failed, 0);
	/* A background process of a hook that succeeded is not killed. */
	hooks_read(r, got, sizeof(got));
	assert_int_equal(kill((int)strtol(got, NULL, 10), SIGKILL), 0);
}

static void the_queue_is_bounded(void **state)
{
	struct hooks_rig *r = *state;
	char got[1024], want[32];

	hooks_before(r, "sleep 0.3");
	hooks_after(r, "echo $4 >>$OUT");
	hooks_call(r, true, HOKM_VRRP_MASTER);
	for (uint8_t i = 1; i <= HOOKS_QUEUE_MAX + 3; i++) {
		struct hook_call c = {.when = HOOK_AFTER, .priority = i};

		hooks_queue(r->hooks, &c);
	}
	assert_int_equal(hooks_stats_of(r).dropped, 3);
	assert_int_equal(hooks_stats_of(r).waiting, HOOKS_QUEUE_MAX);
	hooks_run_all(r, 30000);
	assert_int_equal(hooks_stats_of(r).run, HOOKS_QUEUE_MAX + 1);
	hooks_read(r, got, sizeof(got));
	snprintf(want, sizeof(want), "4\n5\n");
	assert_memory_equal(got, want, strlen(want));
	assert_non_null(strstr(got, "\n35\n"));
}

static void closing_kills_what_runs(void **state)
{
	struct hooks_rig *r = *state;
	uint64_t start = clock_now_ns();
	char got[64];

	hooks_before(r, "trap '' TERM; sleep 1000 & echo $$ $! >$OUT; wait");
	hooks_call(r, true, HOKM_VRRP_MASTER);
	hooks_call(r, true, HOKM_VRRP_MASTER);
	do {
		assert_true(sd_event_run(r->event, 20000) >= 0);
		hooks_read(r, got, sizeof(got));
	} while (!strchr(got, '\n') && clock_now_ns() < start + 5 * NS_PER_S);
	hooks_close(r->hooks);
	r->hooks = NULL;
	assert_true(clock_now_ns() - start < 6 * NS_PER_S);
	expect_gone(r);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void a_reload_changes_only_later_calls(void **state)
{
	struct hooks_rig *r = *state;
	struct conf other = r->conf;
	char got[64];

	hooks_before(r, "echo $2 >>$OUT");
	memcpy(&other.hooks, &r->conf.hooks, sizeof(other.hooks));
	snprintf(other.instance, sizeof(other.instance), "new");
	hooks_call(r, true, HOKM_VRRP_MASTER);
	hooks_call(r, true, HOKM_VRRP_MASTER);
	hooks_reconf(r->hooks, &other);
	hooks_call(r, true, HOKM_VRRP_MASTER);
	hooks_run_all(r, 10000);
	hooks_read(r, got, sizeof(got));
	assert_string_equal(got, "game one\ngame one\nnew\n");
	hooks_reconf(r->hooks, &r->conf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOOK_TEST(argv_and_environment),
		HOOK_TEST(one_at_a_time),
		HOOK_TEST(bare_process),
		HOOK_TEST(failures_are_counted),
		HOOK_TEST(what_cannot_start_is_survived),
		HOOK_TEST(one_without_the_right_is_not_passed_over),
		HOOK_TEST(a_hanging_hook_is_killed_with_its_group),
		HOOK_TEST(one_that_ignores_sigterm_too),
		HOOK_TEST(output_is_bounded),
		HOOK_TEST(background_output_holds_nothing_up),
		HOOK_TEST(the_queue_is_bounded),
		HOOK_TEST(closing_kills_what_runs),
		HOOK_TEST(a_reload_changes_only_later_calls),
	};
	int err = hooks_prepare();

	return err ? err : cmocka_run_group_tests_name("hooks", tests, NULL, NULL);
}
