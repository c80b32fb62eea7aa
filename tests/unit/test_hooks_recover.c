/* SPDX-License-Identifier: GPL-2.0-only */
/* The command that recovers a service, as a process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

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

/* The script of the hook `before` is the command. */
static struct conf_service service_of(const struct hooks_rig *r, const char *user)
{
	struct conf_service svc = {.name = "game"};

	memcpy(svc.recover.command, r->conf.hooks.command[CONF_HOOK_BEFORE],
	       sizeof(svc.recover.command));
	snprintf(svc.recover.user, sizeof(svc.recover.user), "%s", user);
	svc.recover.timeout_ns = 30 * NS_PER_S;
	return svc;
}

static int recover(struct hooks_rig *r, const struct conf_service *svc, struct answers *a)
{
	const struct hook_call c = {
		.when = HOOK_RECOVER,
		.state = HOKM_VRRP_BACKUP,
		.from = HOKM_VRRP_BACKUP,
		.reason = HOKM_R_CHECK_REFUSED,
		.priority = 110,
	};

	return hooks_recover(r->hooks, svc, 2, &c, note, a);
}

static void its_end_is_told_with_its_number(void **state)
{
	struct hooks_rig *r = *state;
	static const struct {
		const char *body;
		enum hook_answer answer;
	} rows[] = {
		{"exit 0", HOOK_PERMITS},
		{"exit 3", HOOK_REFUSES},
		{"kill -9 $$", HOOK_REFUSES},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct answers a = {0};
		struct conf_service svc;

		hooks_before(r, rows[i].body);
		svc = service_of(r, "nobody");
		assert_int_equal(recover(r, &svc, &a), 0);
		assert_int_equal(recover(r, &svc, &a), -EBUSY);
		assert_int_equal(a.n, 0);
		hooks_run_all(r, 30000);
		assert_int_equal(a.n, 1);
		assert_int_equal(a.number, 2);
		assert_int_equal(a.answer, rows[i].answer);
	}
	assert_int_equal(hooks_stats_of(r).run, 3);
	assert_int_equal(hooks_stats_of(r).failed, 2);
}

static void it_has_no_right_of_the_daemon(void **state)
{
	struct hooks_rig *r = *state;
	struct answers a = {0};
	struct conf_service svc;
	char got[256];

	/* Hooks of this node have capabilities; this is none. */
	r->conf.hooks.caps = 1;
	hooks_before(r, "exec >>$OUT; id -un; echo $HOKM_SERVICE $HOKM_ATTEMPT $HOKM_WHEN\n"
			"echo $HOKM_REASON; grep -E 'CapEff|NoNew' /proc/self/status");
	svc = service_of(r, "nobody");
	assert_int_equal(recover(r, &svc, &a), 0);
	hooks_run_all(r, 30000);
	hooks_read(r, got, sizeof(got));
	assert_string_equal(got, "nobody\ngame 2 recover\ncheck-refused\n"
				 "CapEff:\t0000000000000000\nNoNewPrivs:\t1\n");
}

/* As root it would run what another user may have put there. */
static void root_runs_nothing_that_others_may_change(void **state)
{
	struct hooks_rig *r = *state;
	struct answers a = {0};
	struct conf_service svc;
	char got[64];

	hooks_before(r, "echo ran >>$OUT");
	hooks_path(r, got, sizeof(got), "before");
	assert_int_equal(chmod(got, 0777), 0);
	svc = service_of(r, "root");
	assert_int_equal(recover(r, &svc, &a), 0);
	hooks_run_all(r, 30000);
	assert_int_equal(a.answer, HOOK_SILENT);
	assert_int_equal(hooks_stats_of(r).not_started, 1);
	hooks_read(r, got, sizeof(got));
	assert_string_equal(got, "");
}

static void a_hook_does_not_wait_for_it(void **state)
{
	struct hooks_rig *r = *state;
	struct answers a = {0};
	struct conf_service svc;
	char got[64];

	/* It ends when the hook has run. */
	hooks_before(r, "while ! grep -q hook $OUT; do sleep 0.01; done; echo recovered >>$OUT");
	hooks_after(r, "echo hook >>$OUT");
	svc = service_of(r, "nobody");
	assert_int_equal(recover(r, &svc, &a), 0);
	hooks_call(r, false, HOKM_VRRP_BACKUP);
	hooks_run_all(r, 30000);
	hooks_read(r, got, sizeof(got));
	assert_string_equal(got, "hook\nrecovered\n");
	assert_int_equal(a.answer, HOOK_PERMITS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOOK_TEST(its_end_is_told_with_its_number),
		HOOK_TEST(it_has_no_right_of_the_daemon),
		HOOK_TEST(root_runs_nothing_that_others_may_change),
		HOOK_TEST(a_hook_does_not_wait_for_it),
	};
	int code = hooks_prepare();

	return code ? code : cmocka_run_group_tests_name("hooks_recover", tests, NULL, NULL);
}
