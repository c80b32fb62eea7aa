/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Giving up privileges. Each case runs in a child of its own, which exits with 0 on success and
 * otherwise prints the line that failed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/caps.h"

/* Prints the line whose condition is false to stderr, and ends the child. */
#define WANT(cond)                                                         \
	do {                                                               \
		if (!(cond)) {                                             \
			fprintf(stderr, "line %d: %s\n", __LINE__, #cond); \
			_exit(1);                                          \
		}                                                          \
	} while (0)

static void in_child(void (*fn)(void))
{
	int status = -1;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* Returns the number after `key:` in /proc/self/status. */
static unsigned long long status_number(const char *key, int base)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[256];
	unsigned long long value = 0;

	WANT(f);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, key, strlen(key)) && line[strlen(key)] == ':')
			value = strtoull(line + strlen(key) + 1, NULL, base);
	fclose(f);
	return value;
}

#define BIT(cap) (1ULL << (cap))

static const unsigned long long kept_bits = BIT(CAP_NET_ADMIN) | BIT(CAP_NET_RAW) | BIT(CAP_BPF) |
					    BIT(CAP_PERFMON) | BIT(CAP_SYS_NICE) |
					    BIT(CAP_IPC_LOCK) | BIT(CAP_SETUID) | BIT(CAP_SETGID) |
					    BIT(CAP_KILL) | BIT(CAP_DAC_OVERRIDE);

static void child_keep(void)
{
	WANT(!caps_check());
	for (int twice = 0; twice < 2; twice++) {
		WANT(!caps_keep(false));
		WANT(status_number("CapPrm", 16) == kept_bits);
		WANT(status_number("CapEff", 16) == kept_bits);
		WANT(status_number("CapInh", 16) == 0);
		WANT(status_number("CapBnd", 16) == kept_bits);
	}
	/* The kept capabilities are all that caps_check() requires. */
	WANT(!caps_check());
}

static void keeps_what_it_needs_and_no_more(void **state)
{
	(void)state;
	in_child(child_keep);
}

static void child_keep_only(void)
{
	const unsigned long long bits = BIT(CAP_BPF) | BIT(CAP_NET_ADMIN);

	WANT(!caps_keep_only(bits));
	WANT(status_number("CapPrm", 16) == bits);
	WANT(status_number("CapEff", 16) == bits);
	WANT(status_number("CapInh", 16) == 0);
	WANT(status_number("CapBnd", 16) == bits);
	WANT(status_number("CapAmb", 16) == 0);
	WANT(status_number("NoNewPrivs", 10) == 1);
	/* What it gave up it cannot have again. */
	WANT(caps_keep_only(bits | BIT(CAP_SYS_ADMIN)) == -EPERM);
}

static void keeps_only_what_is_named(void **state)
{
	(void)state;
	in_child(child_keep_only);
}

static void child_missing(void)
{
	const cap_value_t value = CAP_NET_RAW;
	cap_t caps = cap_get_proc();

	WANT(caps);
	WANT(!cap_set_flag(caps, CAP_EFFECTIVE, 1, &value, CAP_CLEAR));
	WANT(!cap_set_flag(caps, CAP_PERMITTED, 1, &value, CAP_CLEAR));
	WANT(!cap_set_proc(caps));
	cap_free(caps);
	WANT(caps_check() == -EPERM);
	WANT(caps_keep(false) == -EPERM);
}

static void says_what_is_missing(void **state)
{
	(void)state;
	in_child(child_missing);
}

static void want_nothing_left(const struct passwd *pw)
{
	uid_t r, e, s;
	gid_t rg, eg, sg;

	WANT(!getresuid(&r, &e, &s) && r == pw->pw_uid && e == pw->pw_uid && s == pw->pw_uid);
	WANT(!getresgid(&rg, &eg, &sg) && rg == pw->pw_gid && eg == pw->pw_gid && sg == pw->pw_gid);
	WANT(status_number("CapPrm", 16) == 0);
	WANT(status_number("CapEff", 16) == 0);
	WANT(status_number("CapInh", 16) == 0);
	WANT(status_number("CapAmb", 16) == 0);
	WANT(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
}

static void child_become(void)
{
	const gid_t foreign[] = {0, 4};
	gid_t groups[64];
	struct passwd *pw = getpwnam("nobody");
	int n;

	WANT(pw);
	WANT(!setgroups(2, foreign));
	/* As in the daemon, which has kept only its capabilities. */
	WANT(!caps_keep(false));
	WANT(!caps_become("nobody"));
	want_nothing_left(pw);
	n = getgroups(64, groups);
	for (int i = 0; i < n; i++)
		WANT(groups[i] == pw->pw_gid);
	WANT(setuid(0) && errno == EPERM);
	WANT(setgid(0) && errno == EPERM);
	/* A second call succeeds, but a change to another user does not. */
	WANT(!caps_become("nobody"));
	WANT(caps_become("daemon") == -EPERM);
}

static void becomes_a_user_for_good(void **state)
{
	(void)state;
	in_child(child_become);
}

static void child_become_root(void)
{
	struct passwd *pw = getpwnam("root");

	WANT(pw);
	WANT(!caps_become("root"));
	want_nothing_left(pw);
}

static void even_root_has_nothing_then(void **state)
{
	(void)state;
	in_child(child_become_root);
}

/* For a hook: after caps_keep(true), a program of this user has these capabilities and no other. */
static void want_handed_on(const char *user)
{
	const unsigned long long bits = BIT(CAP_NET_ADMIN) | BIT(CAP_NET_RAW);
	static const char *const sets[] = {"CapPrm", "CapEff", "CapInh", "CapBnd", "CapAmb"};
	struct passwd *pw = getpwnam(user);

	WANT(pw && !caps_keep(true));
	WANT(status_number("CapPrm", 16) == (kept_bits | BIT(CAP_SETPCAP)));
	WANT(status_number("CapEff", 16) == kept_bits);
	WANT(status_number("CapBnd", 16) == (kept_bits | BIT(CAP_SETPCAP)));
	WANT(!caps_become_with(user, bits));
	WANT(getuid() == pw->pw_uid && geteuid() == pw->pw_uid && getegid() == pw->pw_gid);
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
		WANT(status_number(sets[i], 16) == bits);
	WANT(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
}

static void child_root_with(void)
{
	want_handed_on("root");
}

static void child_nobody_with(void)
{
	want_handed_on("nobody");
}

static void hands_on_what_is_named_and_no_more(void **state)
{
	(void)state;
	in_child(child_root_with);
	in_child(child_nobody_with);
}

/* Without CAP_SETPCAP the bounding set stays: such a hook must not run. */
static void child_cannot_shrink(void)
{
	WANT(!caps_keep(false));
	WANT(caps_become_with("root", BIT(CAP_NET_ADMIN)) == -EPERM);
}

static void hands_on_nothing_when_it_cannot_take_the_rest(void **state)
{
	(void)state;
	in_child(child_cannot_shrink);
}

static void names_of_capabilities(void **state)
{
	static const struct {
		const char *names;
		unsigned long long bits;
		const char *bad;
	} table[] = {
		{"", 0, NULL},
		{"net_admin", BIT(CAP_NET_ADMIN), NULL},
		{"CAP_NET_RAW, kill", BIT(CAP_NET_RAW) | BIT(CAP_KILL), NULL},
		{" dac_override  dac_override,", BIT(CAP_DAC_OVERRIDE), NULL},
		{"net_admin sys_admin", 0, "sys_admin"},
		{"setpcap", 0, "setpcap"},
		{"net", 0, "net"},
		{"net_admin_", 0, "net_admin_"},
		{"cap_", 0, "cap_"},
		{"=ep", 0, "=ep"},
	};
	uint64_t bits;
	char bad[32];

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		int err = caps_parse(table[i].names, &bits, bad, sizeof(bad));

		assert_int_equal(err, table[i].bad ? -EINVAL : 0);
		if (err)
			assert_string_equal(bad, table[i].bad);
		else
			assert_int_equal(bits, table[i].bits);
	}
	assert_memory_equal(caps_known((char[192]){0}, 192), "net_admin, net_raw, bpf, ", 25);
}

static void child_become_nobody_known(void)
{
	WANT(caps_become("no-such-user") == -ENOENT);
	WANT(geteuid() == 0);
}

static void unknown_user_is_an_error(void **state)
{
	(void)state;
	in_child(child_become_nobody_known);
}

static void child_realtime(void)
{
	struct sched_param param;
	int status = -1;
	pid_t pid;

	caps_realtime(7);
	WANT(sched_getscheduler(0) == (SCHED_FIFO | SCHED_RESET_ON_FORK));
	WANT(!sched_getparam(0, &param) && param.sched_priority == 7);
#ifndef __SANITIZE_ADDRESS__ /* ASan disables mlockall() */
	WANT(status_number("VmLck", 10) > 0);
#endif
	pid = fork();
	if (pid == 0) {
		WANT(sched_getscheduler(0) == SCHED_OTHER);
		WANT(status_number("VmLck", 10) == 0);
		_exit(0);
	}
	WANT(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && !WEXITSTATUS(status));
	caps_ordinary();
	WANT(sched_getscheduler(0) == SCHED_OTHER || sched_getscheduler(0) == SCHED_RESET_ON_FORK);
	WANT(status_number("VmLck", 10) == 0);
}

static void realtime_and_back(void **state)
{
	(void)state;
	in_child(child_realtime);
}

static void child_realtime_after_keep(void)
{
	WANT(!caps_keep(false));
	caps_realtime(7);
	WANT(sched_getscheduler(0) == (SCHED_FIFO | SCHED_RESET_ON_FORK));
}

static void kept_capabilities_are_enough_for_realtime(void **state)
{
	(void)state;
	in_child(child_realtime_after_keep);
}

#define OOM_FILE "/proc/self/oom_score_adj"

static void put_oom(const char *text)
{
	FILE *f = fopen(OOM_FILE, "we");

	WANT(f && fputs(text, f) >= 0 && !fclose(f));
}

static int oom_score(void)
{
	FILE *f = fopen(OOM_FILE, "re");
	int value = 0;

	WANT(f && fscanf(f, "%d", &value) == 1 && !fclose(f));
	return value;
}

/* A process may not lower its own score without CAP_SYS_RESOURCE: /proc is a copy. */
static void child_oom(void)
{
	WANT(!unshare(CLONE_NEWNS) && !mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	WANT(!mount("tmpfs", "/proc", "tmpfs", 0, NULL) && !mkdir("/proc/self", 0755));
	put_oom("-900\n");
	caps_ordinary();
	WANT(oom_score() == 0);
	put_oom("300\n");
	caps_ordinary();
	WANT(oom_score() == 300);
}

static void oom_protection_is_not_inherited(void **state)
{
	(void)state;
	in_child(child_oom);
}

/* Where the capability is there, it is not what is missing. */
static void advice_for_realtime(void **state)
{
	(void)state;
	assert_non_null(strstr(caps_realtime_advice(false), "give the daemon CAP_SYS_NICE"));
	assert_null(strstr(caps_realtime_advice(true), "CAP_SYS_NICE"));
	assert_non_null(strstr(caps_realtime_advice(true), "cpu.rt_runtime_us"));
}

static int need_root(void **state)
{
	(void)state;
	if (geteuid() == 0)
		return 0;
	fprintf(stderr, "these tests need root: sudo make check-unit\n");
	return -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_what_it_needs_and_no_more),
		cmocka_unit_test(keeps_only_what_is_named),
		cmocka_unit_test(says_what_is_missing),
		cmocka_unit_test(becomes_a_user_for_good),
		cmocka_unit_test(even_root_has_nothing_then),
		cmocka_unit_test(hands_on_what_is_named_and_no_more),
		cmocka_unit_test(hands_on_nothing_when_it_cannot_take_the_rest),
		cmocka_unit_test(names_of_capabilities),
		cmocka_unit_test(unknown_user_is_an_error),
		cmocka_unit_test(realtime_and_back),
		cmocka_unit_test(oom_protection_is_not_inherited),
		cmocka_unit_test(kept_capabilities_are_enough_for_realtime),
		cmocka_unit_test(advice_for_realtime),
	};

	return cmocka_run_group_tests(tests, need_root, NULL);
}
