/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hooks as processes: real scripts in a temporary folder, which run as `nobody`, and each fault
 * that a hook may have. Like the daemon, the test needs root to change to another user.
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

#include "act/hooks.h"
#include "base/clock.h"
#include "own_netns.h"

struct rig {
	char dir[32];
	char out[48]; /* what the scripts wrote */
	struct conf conf;
	sd_event *event;
	struct hooks *hooks;
};

static void path_in(const struct rig *r, char *buf, size_t size, const char *name)
{
	assert_true(snprintf(buf, size, "%s/%s", r->dir, name) < (int)size);
}

/* Writes a shell script of that name. In it $OUT is the file that read_out() reads. */
static void script(struct rig *r, char *path, size_t size, const char *name, const char *body)
{
	char text[1024];
	int fd, n;

	path_in(r, path, size, name);
	n = snprintf(text, sizeof(text), "#!/bin/sh\nOUT=%s\n%s\n", r->out, body);
	assert_true(n > 0 && n < (int)sizeof(text));
	(void)unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, (size_t)n), n);
	assert_int_equal(fchmod(fd, 0755), 0);
	close(fd);
}

static void before(struct rig *r, const char *body)
{
	script(r, r->conf.hooks.before, sizeof(r->conf.hooks.before), "before", body);
}

static void after(struct rig *r, const char *body)
{
	script(r, r->conf.hooks.after, sizeof(r->conf.hooks.after), "after", body);
}

static void read_out(const struct rig *r, char *buf, size_t size)
{
	int fd = open(r->out, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	assert_true(fd >= 0);
	n = read(fd, buf, size - 1);
	assert_true(n >= 0);
	buf[n] = '\0';
	close(fd);
}

static int set_up(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));
	int fd;

	assert_non_null(r);
	memcpy(r->dir, "/tmp/hxhooksXXXXXX", sizeof("/tmp/hxhooksXXXXXX"));
	assert_non_null(mkdtemp(r->dir));
	assert_int_equal(chmod(r->dir, 0755), 0);
	path_in(r, r->out, sizeof(r->out), "out");
	fd = open(r->out, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, 0666), 0);
	close(fd);
	snprintf(r->conf.instance, sizeof(r->conf.instance), "game one");
	snprintf(r->conf.nodes[0].name, sizeof(r->conf.nodes[0].name), "east");
	snprintf(r->conf.hooks.user, sizeof(r->conf.hooks.user), "nobody");
	r->conf.hooks.timeout_ns = 20 * NS_PER_S;
	r->conf.n_vips = 2;
	r->conf.vips[0] = own_addr("192.168.1.25");
	r->conf.vips[1] = own_addr("255.255.255.255");
	assert_true(sd_event_new(&r->event) >= 0);
	assert_int_equal(hooks_open(r->event, &r->conf, &r->hooks), 0);
	*state = r;
	return 0;
}

static int tear_down(void **state)
{
	static const char *const files[] = {"before", "after", "out"};
	struct rig *r = *state;
	char path[64];

	hooks_close(r->hooks);
	sd_event_unref(r->event);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		path_in(r, path, sizeof(path), files[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(r->dir), 0);
	free(r);
	return 0;
}

static void call(struct rig *r, bool is_before, enum hokm_vrrp_state to)
{
	struct hook_call c = {
		.when = is_before ? HOOK_BEFORE : HOOK_AFTER,
		.state = to,
		.from = HOKM_VRRP_BACKUP,
		.reason = HOKM_R_MASTER_DOWN,
		.priority = 110,
	};

	hooks_queue(r->hooks, &c);
}

/* Runs the loop until no hook is left. */
static void run_all(struct rig *r, uint64_t deadline_ms)
{
	uint64_t end = clock_now_ns() + deadline_ms * NS_PER_MS;

	while (hooks_busy(r->hooks) && clock_now_ns() < end)
		assert_true(sd_event_run(r->event, 20000) >= 0);
	assert_false(hooks_busy(r->hooks));
}

static struct hooks_stats stats(const struct rig *r)
{
	struct hooks_stats s;

	hooks_get_stats(r->hooks, &s);
	return s;
}

static void argv_and_environment(void **state)
{
	struct rig *r = *state;
	char got[2048], sorted[1024];

	before(r, "printf '%s|' \"$@\" >$OUT; id -un >>$OUT; pwd >>$OUT;"
		  "tr '\\0' '\\n' </proc/$$/environ | sort >>$OUT");
	assert_int_equal(setenv("HX_FOREIGN", "must not be seen", 1), 0);
	call(r, true, HOKM_VRRP_MASTER);
	run_all(r, 10000);
	snprintf(sorted, sizeof(sorted),
		 "INSTANCE|game one|MASTER|110|nobody\n/\n"
		 "HOKM_FROM=backup\nHOKM_INSTANCE=game one\nHOKM_NODE=east\nHOKM_PRIORITY=110\n"
		 "HOKM_REASON=master-down\nHOKM_STATE=master\n"
		 "HOKM_VIPS=192.168.1.25 255.255.255.255\nHOKM_WHEN=before\n"
		 "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n");
	read_out(r, got, sizeof(got));
	assert_string_equal(got, sorted);
	assert_int_equal(stats(r).run, 1);
	assert_int_equal(stats(r).failed, 0);
}

static void state_words(void **state)
{
	struct rig *r = *state;
	char got[256];

	after(r, "echo $3 $HOKM_WHEN >>$OUT");
	call(r, true, HOKM_VRRP_MASTER); /* not configured: nothing runs */
	call(r, false, HOKM_VRRP_MASTER);
	call(r, false, HOKM_VRRP_BACKUP);
	call(r, false, HOKM_VRRP_FAULT);
	call(r, false, HOKM_VRRP_INIT);
	run_all(r, 10000);
	read_out(r, got, sizeof(got));
	assert_string_equal(got, "MASTER after\nBACKUP after\nFAULT after\nSTOP after\n");
	assert_int_equal(stats(r).run, 4);
}

static void one_at_a_time(void **state)
{
	struct rig *r = *state;
	char got[256];

	before(r, "echo in >>$OUT; sleep 0.2; echo out >>$OUT");
	after(r, "echo next >>$OUT");
	call(r, true, HOKM_VRRP_MASTER);
	call(r, false, HOKM_VRRP_MASTER);
	assert_int_equal(stats(r).waiting, 1);
	run_all(r, 10000);
	read_out(r, got, sizeof(got));
	assert_string_equal(got, "in\nout\nnext\n");
}

static void bare_process(void **state)
{
	struct rig *r = *state;
	struct sched_param fifo = {.sched_priority = 1}, normal = {0};
	char got[512];

	/*
	 * The hook leads its group and has only three descriptors, no blocked or ignored signal, an
	 * ordinary scheduling policy, no capability, and no way to get one.
	 */
	before(r, "set -- $(cut -d')' -f2 /proc/$$/stat);"
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
	call(r, true, HOKM_VRRP_MASTER);
	assert_int_equal(sched_setscheduler(0, SCHED_OTHER, &normal), 0);
	run_all(r, 10000);
	read_out(r, got, sizeof(got));
	assert_string_equal(got, "leader\npolicy 0\n0\n1\n2\n3\nSigBlk:\t0000000000000000\n"
				 "SigIgn: 0000000000000000\nCapPrm:\t0000000000000000\n"
				 "CapEff:\t0000000000000000\nNoNewPrivs:\t1\n/dev/null\n");
}

static void failures_are_counted(void **state)
{
	struct rig *r = *state;

	before(r, "exit 3");
	after(r, "kill -ABRT $$");
	call(r, true, HOKM_VRRP_MASTER);
	call(r, false, HOKM_VRRP_MASTER);
	run_all(r, 10000);
	assert_int_equal(stats(r).run, 2);
	assert_int_equal(stats(r).failed, 2);
	assert_int_equal(stats(r).not_started, 0);
}

static void what_cannot_start_is_survived(void **state)
{
	struct rig *r = *state;
	char got[64];

	after(r, "echo fine >>$OUT");
	path_in(r, r->conf.hooks.before, sizeof(r->conf.hooks.before), "no-such-file");
	call(r, true, HOKM_VRRP_MASTER);
	call(r, false, HOKM_VRRP_MASTER);
	run_all(r, 10000);
	assert_int_equal(stats(r).not_started, 1);
	assert_int_equal(stats(r).run, 1);
	before(r, "true");
	assert_int_equal(chmod(r->conf.hooks.before, 0644), 0);
	call(r, true, HOKM_VRRP_MASTER);
	run_all(r, 10000);
	assert_int_equal(stats(r).not_started, 2);
	snprintf(r->conf.hooks.user, sizeof(r->conf.hooks.user), "hx-no-such-user");
	call(r, false, HOKM_VRRP_MASTER);
	run_all(r, 10000);
	assert_int_equal(stats(r).not_started, 3);
	read_out(r, got, sizeof(got));
	assert_string_equal(got, "fine\n");
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

static void expect_gone(const struct rig *r)
{
	struct pids p = {{0}};
	char got[64], *end;

	read_out(r, got, sizeof(got));
	p.pid[0] = (int)strtol(got, &end, 10);
	p.pid[1] = (int)strtol(end, NULL, 10);
	assert_true(p.pid[0] > 1 && p.pid[1] > 1);
	/* init reaps an orphan of the group, which takes a moment. */
	assert_true(own_wait(all_gone, &p, 5000));
}

static void a_hanging_hook_is_killed_with_its_group(void **state)
{
	struct rig *r = *state;

	before(r, "sleep 1000 & echo $$ $! >$OUT; wait");
	r->conf.hooks.timeout_ns = 300 * NS_PER_MS;
	call(r, true, HOKM_VRRP_MASTER);
	run_all(r, 1900); /* before SIGKILL would be sent */
	assert_int_equal(stats(r).timed_out, 1);
	assert_int_equal(stats(r).failed, 0);
	expect_gone(r);
}

/* Its first run does not end, as with a lock that is held; all later ones are over at once. */
#define HANGS_ONCE "echo $3 $4 >>$OUT; [ $(wc -l <$OUT) -ge 2 ] || exec sleep 1000"

/* What it set up for an older state would stay. */
static void one_that_ran_out_of_time_is_told_the_state_again(void **state)
{
	struct rig *r = *state;
	char got[256];

	after(r, HANGS_ONCE);
	r->conf.hooks.timeout_ns = 2 * NS_PER_S; /* enough for a run that does not hang */
	call(r, false, HOKM_VRRP_MASTER);
	run_all(r, 10000);
	read_out(r, got, sizeof(got));
	assert_string_equal(got, "MASTER 110\nMASTER 110\n");
	assert_int_equal(stats(r).timed_out, 1);
	assert_int_equal(stats(r).run, 2);
}

/* The newest state is the one that waits, and it gets that once. */
static void an_older_state_is_not_told_again(void **state)
{
	struct rig *r = *state;
	char got[256];

	after(r, HANGS_ONCE);
	before(r, "echo before >>$OUT");
	r->conf.hooks.timeout_ns = 2 * NS_PER_S; /* enough for a run that does not hang */
	call(r, false, HOKM_VRRP_MASTER);
	call(r, false, HOKM_VRRP_BACKUP);
	call(r, true, HOKM_VRRP_MASTER);
	run_all(r, 10000);
	read_out(r, got, sizeof(got));
	assert_string_equal(got, "MASTER 110\nBACKUP 110\nbefore\n");
	assert_int_equal(stats(r).run, 3);
}

/* A hook that never ends does not run all day. A new state begins the count anew. */
static void one_that_hangs_each_time_is_told_a_few_times(void **state)
{
	struct rig *r = *state;

	after(r, "exec sleep 1000");
	r->conf.hooks.timeout_ns = 100 * NS_PER_MS;
	for (unsigned int i = 1; i <= 2; i++) {
		call(r, false, HOKM_VRRP_MASTER);
		run_all(r, 10000);
		assert_int_equal(stats(r).timed_out, 4 * i);
		assert_int_equal(stats(r).run, 4 * i);
	}
}

static void one_that_ignores_sigterm_too(void **state)
{
	struct rig *r = *state;
	uint64_t start = clock_now_ns();

	before(r, "trap '' TERM; sleep 1000 & echo $$ $! >$OUT; while :; do sleep 0.1; done");
	r->conf.hooks.timeout_ns = 300 * NS_PER_MS;
	call(r, true, HOKM_VRRP_MASTER);
	run_all(r, 10000);
	assert_true(clock_now_ns() - start >= 2300 * NS_PER_MS);
	assert_int_equal(stats(r).timed_out, 1);
	expect_gone(r);
}

static void output_is_bounded(void **state)
{
	struct rig *r = *state;

	before(r, "i=0; while [ $i -lt 5000 ]; do echo line $i; i=$((i+1)); done;"
		  "head -c 300000 /dev/zero; echo done >$OUT");
	call(r, true, HOKM_VRRP_MASTER);
	run_all(r, 20000);
	assert_int_equal(stats(r).run, 1);
	assert_int_equal(stats(r).failed, 0);
}

static void background_output_holds_nothing_up(void **state)
{
	struct rig *r = *state;
	uint64_t start = clock_now_ns();
	char got[64];

	before(r, "sleep 30 & echo $! >$OUT");
	call(r, true, HOKM_VRRP_MASTER);
	run_all(r, 10000);
	assert_true(clock_now_ns() - start < 10 * NS_PER_S);
	assert_int_equal(stats(r).failed, 0);
	/* A background process of a hook that succeeded is not killed. */
	read_out(r, got, sizeof(got));
	assert_int_equal(kill((int)strtol(got, NULL, 10), SIGKILL), 0);
}

static void the_queue_is_bounded(void **state)
{
	struct rig *r = *state;
	char got[1024], want[32];

	before(r, "sleep 0.3");
	after(r, "echo $4 >>$OUT");
	call(r, true, HOKM_VRRP_MASTER);
	for (uint8_t i = 1; i <= HOOKS_QUEUE_MAX + 3; i++) {
		struct hook_call c = {.when = HOOK_AFTER, .priority = i};

		hooks_queue(r->hooks, &c);
	}
	assert_int_equal(stats(r).dropped, 3);
	assert_int_equal(stats(r).waiting, HOOKS_QUEUE_MAX);
	run_all(r, 30000);
	assert_int_equal(stats(r).run, HOOKS_QUEUE_MAX + 1);
	read_out(r, got, sizeof(got));
	snprintf(want, sizeof(want), "4\n5\n");
	assert_memory_equal(got, want, strlen(want));
	assert_non_null(strstr(got, "\n35\n"));
}

static void closing_kills_what_runs(void **state)
{
	struct rig *r = *state;
	uint64_t start = clock_now_ns();
	char got[64];

	before(r, "trap '' TERM; sleep 1000 & echo $$ $! >$OUT; wait");
	call(r, true, HOKM_VRRP_MASTER);
	call(r, true, HOKM_VRRP_MASTER);
	do {
		assert_true(sd_event_run(r->event, 20000) >= 0);
		read_out(r, got, sizeof(got));
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
	struct rig *r = *state;
	struct conf other = r->conf;
	char got[64];

	before(r, "echo $2 >>$OUT");
	memcpy(other.hooks.before, r->conf.hooks.before, sizeof(other.hooks.before));
	snprintf(other.instance, sizeof(other.instance), "new");
	call(r, true, HOKM_VRRP_MASTER);
	call(r, true, HOKM_VRRP_MASTER);
	hooks_reconf(r->hooks, &other);
	call(r, true, HOKM_VRRP_MASTER);
	run_all(r, 10000);
	read_out(r, got, sizeof(got));
	assert_string_equal(got, "game one\ngame one\nnew\n");
	hooks_reconf(r->hooks, &r->conf);
}

#define HOOK_TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOOK_TEST(argv_and_environment),
		HOOK_TEST(state_words),
		HOOK_TEST(one_at_a_time),
		HOOK_TEST(bare_process),
		HOOK_TEST(failures_are_counted),
		HOOK_TEST(what_cannot_start_is_survived),
		HOOK_TEST(a_hanging_hook_is_killed_with_its_group),
		HOOK_TEST(one_that_ran_out_of_time_is_told_the_state_again),
		HOOK_TEST(an_older_state_is_not_told_again),
		HOOK_TEST(one_that_hangs_each_time_is_told_a_few_times),
		HOOK_TEST(one_that_ignores_sigterm_too),
		HOOK_TEST(output_is_bounded),
		HOOK_TEST(background_output_holds_nothing_up),
		HOOK_TEST(the_queue_is_bounded),
		HOOK_TEST(closing_kills_what_runs),
		HOOK_TEST(a_reload_changes_only_later_calls),
	};
	sigset_t child;

	if (geteuid() != 0) {
		fprintf(stderr, "skipped: hooks become another user, which needs root\n");
		return OWN_SKIPPED;
	}
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigaddset(&child, SIGTERM); /* as in the daemon: a hook must not inherit it */
	if (sigprocmask(SIG_BLOCK, &child, NULL) < 0)
		return 1;
	return cmocka_run_group_tests_name("hooks", tests, NULL, NULL);
}
