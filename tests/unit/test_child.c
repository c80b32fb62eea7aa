/* SPDX-License-Identifier: GPL-2.0-only */
/* agent/child.c: a child of the daemon in each of its states. Its program here is a function. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/child.h"

#define STATUS 7

struct rig {
	sd_event *event;
	struct child child;
	unsigned int reads, ends;
	pid_t ended;
	siginfo_t how;
};

/* What the child does with its end of the socket, and then it exits. */
typedef void (*program_fn)(int fd);
static program_fn program;

static int spawn(const char *user, int *fd, pid_t *pid)
{
	int pair[2];

	assert_string_equal(user, "someone");
	assert_false(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair));
	*pid = fork();
	assert_true(*pid >= 0);
	if (!*pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(pair[0]);
		fcntl(pair[1], F_SETFL, 0);
		program(pair[1]);
		_exit(STATUS);
	}
	close(pair[1]);
	*fd = pair[0];
	return 0;
}

static int spawn_fails(const char *user, int *fd, pid_t *pid)
{
	(void)user;
	(void)fd;
	(void)pid;
	return -EAGAIN;
}

static void says_and_ends(int fd)
{
	(void)send(fd, "x", 1, 0);
}

static void reads(int fd)
{
	char c;

	while (recv(fd, &c, 1, 0) > 0)
		;
}

static void hears_nothing(int fd)
{
	(void)fd;
	for (;;)
		pause();
}

static int on_io(sd_event_source *s, int fd, uint32_t events, void *arg)
{
	struct rig *r = arg;
	char c;
	ssize_t n = recv(fd, &c, 1, 0);

	(void)s;
	(void)events;
	if (n > 0)
		r->reads++;
	else
		child_hang_up(&r->child);
	return 0;
}

static void on_end(pid_t pid, const siginfo_t *info, void *arg)
{
	struct rig *r = arg;

	r->ends++;
	r->ended = pid;
	r->how = *info;
	assert_int_equal(r->child.fd, -1);
	assert_int_equal(r->child.pidfd, -1);
	assert_int_equal(r->child.pid, 0);
}

static int set_up(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	assert_true(sd_event_new(&r->event) >= 0);
	child_init(&r->child);
	*state = r;
	return 0;
}

/* No child is left, alive or not reaped, and nothing of it is in the loop. */
static int tear_down(void **state)
{
	struct rig *r = *state;

	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	assert_null(r->child.io);
	assert_null(r->child.ended);
	sd_event_unref(r->event);
	free(r);
	return 0;
}

static pid_t begin(struct rig *r, program_fn what)
{
	program = what;
	assert_false(child_start(&r->child, r->event, spawn, "someone", on_end, r));
	assert_false(child_read(&r->child, r->event, on_io));
	assert_true(r->child.fd >= 0 && r->child.pidfd >= 0 && r->child.pid > 0);
	return r->child.pid;
}

static void run_until_end(struct rig *r)
{
	while (!r->ends)
		assert_true(sd_event_run(r->event, UINT64_MAX) >= 0);
}

static void one_that_ends_is_reaped_and_reported(void **state)
{
	struct rig *r = *state;
	pid_t pid = begin(r, says_and_ends);

	run_until_end(r);
	assert_int_equal(r->ended, pid);
	assert_int_equal(r->how.si_status, STATUS);
	assert_string_equal(child_ended_with(&r->how), "status");
	assert_true(r->reads <= 1);
	/* And the handle can be used again. */
	r->ends = 0;
	assert_true(begin(r, says_and_ends) > 0);
	run_until_end(r);
}

static void one_that_is_killed_is_reported_as_such(void **state)
{
	struct rig *r = *state;

	begin(r, hears_nothing);
	child_kill(&r->child);
	assert_int_equal(r->child.fd, -1);
	assert_true(r->child.pidfd >= 0);
	run_until_end(r);
	assert_int_equal(r->how.si_status, SIGKILL);
	assert_string_equal(child_ended_with(&r->how), "signal");
	child_kill(&r->child); /* none: nothing is killed */
}

static void one_that_hears_of_the_end_is_not_killed(void **state)
{
	struct rig *r = *state;

	begin(r, reads);
	assert_true(child_end(&r->child, 60 * 1000));
	assert_int_equal(r->ends, 0);
	assert_true(child_end(&r->child, 0)); /* none */
}

static void one_that_does_not_end_is_killed(void **state)
{
	struct rig *r = *state;

	begin(r, hears_nothing);
	assert_false(child_end(&r->child, 0));
	assert_int_equal(r->ends, 0);
}

static void a_cut_leaves_no_child(void **state)
{
	struct rig *r = *state;

	begin(r, reads);
	child_cut(&r->child, 60 * 1000);
	assert_int_equal(r->child.pidfd, -1);
	assert_int_equal(r->ends, 0);
	child_cut(&r->child, 60 * 1000); /* none */
}

static void of_a_start_that_failed_nothing_is_left(void **state)
{
	struct rig *r = *state;

	assert_int_equal(child_start(&r->child, r->event, spawn_fails, "someone", on_end, r),
			 -EAGAIN);
	assert_int_equal(r->child.fd, -1);
	begin(r, hears_nothing);
	child_discard(&r->child);
	assert_int_equal(r->child.pidfd, -1);
	assert_int_equal(r->ends, 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_that_ends_is_reaped_and_reported),
		TEST(one_that_is_killed_is_reported_as_such),
		TEST(one_that_hears_of_the_end_is_not_killed),
		TEST(one_that_does_not_end_is_killed),
		TEST(a_cut_leaves_no_child),
		TEST(of_a_start_that_failed_nothing_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
