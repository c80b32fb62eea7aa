/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A process whose CLOCK_BOOTTIME is not that of BPF programs is found out, however small the shift.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "path/bpf_clock.h"

/* The answer in a time namespace with this offset; EXIT codes are errnos. */
static int check_with(const char *offset)
{
	int fd, status;
	pid_t pid;

	/* The children are in the namespace, and the first of them begins its time. */
	if (unshare(CLONE_NEWTIME))
		return -ENOSYS;
	fd = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, offset, strlen(offset)), (ssize_t)strlen(offset));
	close(fd);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		_exit(-bpf_clock_check());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return -WEXITSTATUS(status);
}

static void without_a_time_namespace_the_clocks_are_one(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++)
		assert_int_equal(bpf_clock_check(), 0);
}

static void no_daemon_holds_a_lease_in_a_time_namespace(void **state)
{
	static const char *const offsets[] = {
		"boottime 86400 0\n", "boottime 0 200000000\n", "boottime 4294967 296000000\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		int status;
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (!pid)
			_exit(-check_with(offsets[i]));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		if (WEXITSTATUS(status) == ENOSYS)
			skip(); /* a kernel without time namespaces */
		assert_int_equal(WEXITSTATUS(status), EXDEV);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_time_namespace_the_clocks_are_one),
		cmocka_unit_test(no_daemon_holds_a_lease_in_a_time_namespace),
	};

	return cmocka_run_group_tests_name("clock of BPF programs", tests, NULL, NULL);
}
