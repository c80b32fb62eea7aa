/* SPDX-License-Identifier: GPL-2.0-only */
/* What `ctl reload` and `ctl upgrade` print, and end with, by what the status says afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/ctl_proto.h"
#include "ctl/render.h"

#define ASKED_MAX 4

/* How far the clock of this program is ahead. A status NEVER moves it beyond the end of a wait. */
static time_t ahead_s;
#define NEVER "never"

int clock_gettime(clockid_t id, struct timespec *ts)
{
	long err = syscall(SYS_clock_gettime, id, ts);

	ts->tv_sec += ahead_s;
	return (int)err;
}

/* The statuses that the daemon gives one after the other; NULL: nobody answers. */
struct answers {
	const char *json[ASKED_MAX];
	unsigned int n, asked;
};

static json_t *ask(void *ctl, const char *verb)
{
	struct answers *a = ctl;
	json_t *status;

	assert_string_equal(verb, "status");
	assert_true(a->asked < a->n);
	if (!a->json[a->asked++])
		return NULL;
	if (!strcmp(a->json[a->asked - 1], NEVER)) {
		ahead_s += 3600;
		return NULL;
	}
	status = json_loads(a->json[a->asked - 1], 0, NULL);
	assert_non_null(status);
	return status;
}

/* It asks until it knows the outcome, and no more. */
static void expect(int (*follow)(const json_t *, ctl_ask_fn, void *, FILE *), const char *options,
		   struct answers a, int code, const char *want)
{
	json_t *o = json_loads(options, 0, NULL);
	char *out = NULL;
	size_t len;
	FILE *f = open_memstream(&out, &len);

	assert_true(o && f);
	while (a.n < ASKED_MAX && (a.json[a.n] || (a.n + 1 < ASKED_MAX && a.json[a.n + 1])))
		a.n++;
	assert_int_equal(follow(o, ask, &a, f), code);
	assert_int_equal(a.asked, a.n);
	fclose(f);
	assert_string_equal(out, want);
	free(out);
	json_decref(o);
}

#define RELOAD(phase, text) "{\"reload\":{\"phase\":\"" phase "\",\"text\":\"" text "\"}}"
#define UPGRADE(state, phase, text)                                                  \
	"{\"state\":\"" state "\",\"version\":\"2\",\"upgrade\":{\"phase\":\"" phase \
	"\",\"text\":\"" text "\"}}"

static void a_reload_ends_with_its_result(void **state)
{
	const struct answers taken = {{RELOAD("reading", ""), RELOAD("done", "")}, 0, 0};
	const struct answers wrong = {
		{RELOAD("reading", ""), RELOAD("refused", "f:3: no such key\\nf:4: no such key")},
		0,
		0};

	(void)state;
	expect(follow_reload, "{}", taken, CTL_EXIT_OK, "reloaded\n");
	expect(follow_reload, "{\"json\":true}", taken, CTL_EXIT_OK,
	       "{\"reloaded\":true,\"text\":\"\"}\n");
	expect(follow_reload, "{}", wrong, CTL_EXIT_FAILED,
	       "refused, nothing changed: f:3: no such key\nf:4: no such key\n");
	expect(follow_reload, "{\"json\":true}", wrong, CTL_EXIT_FAILED,
	       "{\"reloaded\":false,\"text\":\"f:3: no such key\\nf:4: no such key\"}\n");
}

/* The daemon that was asked is not there any more, or is of a version that says nothing. */
static void another_daemon_answers(void **state)
{
	const struct answers fresh = {{RELOAD("reading", ""), NULL, RELOAD("none", "")}, 0, 0};
	const struct answers older = {{"{}"}, 0, 0};

	(void)state;
	expect(follow_reload, "{}", fresh, CTL_EXIT_OK,
	       "another daemon has started meanwhile, and has read the file\n");
	expect(follow_reload, "{}", older, CTL_EXIT_OK,
	       "the daemon does not say whether it takes the file: "
	       "`hokm-xdp ctl events --kind config` does\n");
	expect(follow_reload, "{\"json\":true}", fresh, CTL_EXIT_OK,
	       "{\"reloaded\":true,\"text\":\"\"}\n");
	expect(follow_reload, "{\"json\":true}", older, CTL_EXIT_OK,
	       "{\"reloaded\":null,\"text\":\"the daemon does not say whether it takes the file: "
	       "`hokm-xdp ctl events --kind config` does\"}\n");
}

/* With --json everything that is printed is JSON. */
static void the_wait_ends_without_an_outcome(void **state)
{
	const struct answers reading = {{RELOAD("reading", ""), NEVER}, 0, 0};
	const struct answers dead = {{NULL, NEVER}, 0, 0};

	(void)state;
	expect(follow_reload, "{}", reading, CTL_EXIT_NO_DAEMON,
	       "the daemon does not say whether it takes the file; its log does\n");
	expect(follow_reload, "{\"json\":true}", reading, CTL_EXIT_NO_DAEMON,
	       "{\"reloaded\":null,\"text\":"
	       "\"the daemon does not say whether it takes the file; its log does\"}\n");
	expect(follow_upgrade, "{}", dead, CTL_EXIT_NO_DAEMON,
	       "no new daemon answers; its log says why\n");
	expect(follow_upgrade, "{\"json\":true}", dead, CTL_EXIT_NO_DAEMON,
	       "{\"upgraded\":null,\"text\":\"no new daemon answers; its log says why\"}\n");
}

static void an_upgrade_ends_with_its_result(void **state)
{
	const struct answers taken = {
		{UPGRADE("master", "judging", ""), NULL, UPGRADE("init", "done", "1"),
		 UPGRADE("master", "done", "1")},
		0,
		0};
	const struct answers wrong = {{UPGRADE("master", "refused", "no")}, 0, 0};

	(void)state;
	expect(follow_upgrade, "{}", taken, CTL_EXIT_OK,
	       "upgraded: hokm-xdp 2 runs now, 1 before; state master\n");
	expect(follow_upgrade, "{}", wrong, CTL_EXIT_FAILED, "refused, nothing changed: no\n");
	expect(follow_upgrade, "{\"json\":true}", wrong, CTL_EXIT_FAILED,
	       "{\"upgraded\":false,\"text\":\"no\"}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reload_ends_with_its_result),
		cmocka_unit_test(another_daemon_answers),
		cmocka_unit_test(the_wait_ends_without_an_outcome),
		cmocka_unit_test(an_upgrade_ends_with_its_result),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
