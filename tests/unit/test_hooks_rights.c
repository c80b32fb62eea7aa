/* SPDX-License-Identifier: GPL-2.0-only */
/* The rights of a hook: what it may have, and who must not get them through it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/caps.h"
#include "hooks_rig.h"

/* What a program that the hook starts may do. */
#define WRITE_RIGHTS \
	"id -u >$OUT; grep -E 'CapPrm|CapEff|CapBnd|NoNewPrivs' /proc/self/status >>$OUT"

static void rights(struct hooks_rig *r, const char *user, const char *names)
{
	char bad[32];

	snprintf(r->conf.hooks.user, sizeof(r->conf.hooks.user), "%s", user);
	snprintf(r->conf.hooks.capabilities, sizeof(r->conf.hooks.capabilities), "%s", names);
	assert_int_equal(caps_parse(names, &r->conf.hooks.caps, bad, sizeof(bad)), 0);
}

static void run_as(struct hooks_rig *r, const char *user, const char *names, const char *want)
{
	char got[512], *at;

	rights(r, user, names);
	hooks_call(r, false, HOKM_VRRP_MASTER);
	hooks_run_all(r, 30000);
	hooks_read(r, got, sizeof(got));
	while ((at = strchr(got, '\t')))
		*at = ' ';
	assert_string_equal(got, want);
}

static void only_what_the_file_names(void **state)
{
	struct hooks_rig *r = *state;

	hooks_after(r, WRITE_RIGHTS);
	run_as(r, "root", "net_admin net_raw",
	       "0\nCapPrm: 0000000000003000\nCapEff: 0000000000003000\n"
	       "CapBnd: 0000000000003000\nNoNewPrivs: 1\n");
	run_as(r, "nobody", "net_admin",
	       "65534\nCapPrm: 0000000000001000\nCapEff: 0000000000001000\n"
	       "CapBnd: 0000000000001000\nNoNewPrivs: 1\n");
	assert_int_equal(hooks_stats_of(r).not_started, 0);
}

/* Root without capabilities has none after its exec either. */
static void root_has_no_capability_by_itself(void **state)
{
	struct hooks_rig *r = *state;

	hooks_after(r, "id -u >$OUT; grep -E 'CapPrm|CapEff' /proc/self/status >>$OUT");
	run_as(r, "root", "", "0\nCapPrm: 0000000000000000\nCapEff: 0000000000000000\n");
}

static void expect_not_run(struct hooks_rig *r, uint64_t not_started)
{
	char got[64];

	hooks_call(r, false, HOKM_VRRP_MASTER);
	hooks_run_all(r, 30000);
	assert_int_equal(hooks_stats_of(r).not_started, not_started);
	hooks_read(r, got, sizeof(got));
	assert_string_equal(got, "");
}

/* The user who may write the file would have the rights of root. */
static void one_that_others_can_change_gets_no_rights(void **state)
{
	struct hooks_rig *r = *state;
	const char *file = r->conf.hooks.command[CONF_HOOK_AFTER];
	char got[64];

	hooks_after(r, "echo ran >>$OUT");
	rights(r, "root", "");
	assert_int_equal(chown(file, 65534, 0), 0);
	expect_not_run(r, 1);
	rights(r, "nobody", "net_admin");
	expect_not_run(r, 2);
	assert_int_equal(chown(file, 0, 0), 0);
	assert_int_equal(chmod(r->dir, 0777), 0);
	expect_not_run(r, 3);
	/* Without rights it is nobody's loss. */
	rights(r, "nobody", "");
	hooks_call(r, false, HOKM_VRRP_MASTER);
	hooks_run_all(r, 30000);
	hooks_read(r, got, sizeof(got));
	assert_string_equal(got, "ran\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOOK_TEST(only_what_the_file_names),
		HOOK_TEST(root_has_no_capability_by_itself),
		HOOK_TEST(one_that_others_can_change_gets_no_rights),
	};
	int err = hooks_prepare();

	return err ? err : cmocka_run_group_tests_name("hooks: rights", tests, NULL, NULL);
}
