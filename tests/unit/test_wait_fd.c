/* SPDX-License-Identifier: GPL-2.0-only */
/* A wait for one file descriptor ends at its moment, and a signal is no end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/wait_fd.h"

#define LONG_NS  (60 * NS_PER_S)
#define SHORT_NS (30 * NS_PER_MS)

static volatile sig_atomic_t alarms;

static void open_pair(int fd[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
}

static void what_is_there_is_not_waited_for(void **state)
{
	int fd[2];

	(void)state;
	open_pair(fd);
	assert_int_equal(write(fd[1], "x", 1), 1);
	assert_int_equal(wait_fd(fd[0], POLLIN, clock_now_ns() + LONG_NS), 0);
	assert_int_equal(wait_fd(fd[0], POLLOUT, clock_now_ns() + LONG_NS), 0);
	close(fd[0]);
	close(fd[1]);
}

static void an_end_that_was_closed_ends_the_wait(void **state)
{
	int fd[2];

	(void)state;
	open_pair(fd);
	close(fd[1]);
	assert_int_equal(wait_fd(fd[0], POLLIN, clock_now_ns() + LONG_NS), 0);
	close(fd[0]);
}

static void a_moment_that_has_passed_is_no_wait(void **state)
{
	int fd[2];

	(void)state;
	open_pair(fd);
	assert_int_equal(write(fd[1], "x", 1), 1);
	assert_int_equal(wait_fd(fd[0], POLLIN, clock_now_ns()), -ETIMEDOUT);
	close(fd[0]);
	close(fd[1]);
}

static void on_alarm(int sig)
{
	(void)sig;
	alarms++;
}

/* Interrupted every 2 ms, it waits until its moment all the same. */
static void a_signal_does_not_end_the_wait(void **state)
{
	const struct itimerval every = {.it_interval = {0, 2000}, .it_value = {0, 2000}};
	const struct itimerval off = {0};
	const struct sigaction sa = {.sa_handler = on_alarm};
	uint64_t by_ns;
	int fd[2];

	(void)state;
	open_pair(fd);
	assert_int_equal(sigaction(SIGALRM, &sa, NULL), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &every, NULL), 0);
	by_ns = clock_now_ns() + SHORT_NS;
	assert_int_equal(wait_fd(fd[0], POLLIN, by_ns), -ETIMEDOUT);
	assert_true(clock_now_ns() >= by_ns);
	assert_int_equal(setitimer(ITIMER_REAL, &off, NULL), 0);
	assert_true(alarms > 0);
	close(fd[0]);
	close(fd[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_there_is_not_waited_for),
		cmocka_unit_test(an_end_that_was_closed_ends_the_wait),
		cmocka_unit_test(a_moment_that_has_passed_is_no_wait),
		cmocka_unit_test(a_signal_does_not_end_the_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
