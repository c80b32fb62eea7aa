/* SPDX-License-Identifier: GPL-2.0-only */
/* What is said of the limits of a process: base/limits.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/limits.h"

static void errors_that_say_nothing_of_a_limit_have_no_advice(void **state)
{
	static const int other[] = {0, ENOENT, -EPERM, -EINVAL, ENOMEM, -EROFS};
	char text[LIMITS_ADVICE];

	(void)state;
	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
		assert_string_equal(limits_advice(other[i], text), "");
}

static void each_limit_is_named_with_its_value(void **state)
{
	struct rlimit was, lim;
	char text[LIMITS_ADVICE];

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	lim = was;
	lim.rlim_cur = 37;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &lim), 0);
	assert_non_null(strstr(limits_advice(-EMFILE, text), "no more than 37 files"));
	assert_non_null(strstr(text, "LimitNOFILE=512"));
	assert_non_null(strstr(limits_advice(EMFILE, text), "no more than 37 files"));
	assert_non_null(strstr(limits_advice(ENFILE, text), "fs.file-max"));
	assert_non_null(strstr(limits_advice(-EAGAIN, text), "TasksMax="));
	assert_non_null(strstr(text, "LimitNPROC="));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
}

/* The soft limit is the one that counts, and a process may raise it to the hard one. */
static void files_are_raised_as_far_as_allowed(void **state)
{
	static const struct {
		rlim_t soft, hard, then;
	} cases[] = {{1024, 1024, 1024}, {64, 1024, LIMITS_FILES}, {64, 300, 300}, {64, 64, 64}};
	struct rlimit was;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	assert_true(was.rlim_max >= 1024);
	/* The hard limit only goes down. */
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rlimit lim = {cases[i].soft, cases[i].hard};

		assert_int_equal(setrlimit(RLIMIT_NOFILE, &lim), 0);
		limits_raise_files();
		assert_int_equal(getrlimit(RLIMIT_NOFILE, &lim), 0);
		assert_int_equal(lim.rlim_cur, cases[i].then);
		assert_int_equal(lim.rlim_max, cases[i].hard);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_that_say_nothing_of_a_limit_have_no_advice),
		cmocka_unit_test(each_limit_is_named_with_its_value),
		cmocka_unit_test(files_are_raised_as_far_as_allowed),
	};

	return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
