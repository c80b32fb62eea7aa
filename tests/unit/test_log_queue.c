/* SPDX-License-Identifier: GPL-2.0-only */
/* The queue before stderr: who logs never waits, the order stays, what is lost is counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/log_queue.h"

#define FLOOD 20000 /* lines, more than the queue holds */
/* A writer that waits for a pipe that nobody reads waits without limit. */
#define PATIENCE_S 20

struct pipe_log {
	int fd[2];
	int saved;
	FILE *reader;
};

static struct pipe_log p;

/* stderr is a pipe. */
static int pipe_begin(void **state)
{
	(void)state;
	assert_int_equal(pipe2(p.fd, O_CLOEXEC), 0);
	fflush(stderr);
	p.saved = dup(STDERR_FILENO);
	assert_true(p.saved >= 0);
	assert_true(dup2(p.fd[1], STDERR_FILENO) >= 0);
	close(p.fd[1]);
	p.reader = fdopen(p.fd[0], "r");
	assert_non_null(p.reader);
	alarm(PATIENCE_S);
	return 0;
}

static int pipe_end(void **state)
{
	(void)state;
	alarm(0);
	dup2(p.saved, STDERR_FILENO);
	close(p.saved);
	return fclose(p.reader);
}

/* The next line without its prefix, or "" at the end. */
static const char *next_line(void)
{
	static char line[2 * LOG_LINE_MAX];

	return fgets(line, sizeof(line), p.reader) ? line + strlen("<6>") : "";
}

static void flood(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		log_info("line %u of a flood that is long enough to fill a pipe", i);
}

static void keeps_every_line_and_its_order(void **state)
{
	unsigned int at = 0;

	(void)state;
	assert_int_equal(log_queue_start(NULL), 0);
	flood(500);
	log_queue_stop();
	dup2(p.saved, STDERR_FILENO); /* the reader sees the end */
	for (unsigned int i = 0; i < 500; i++) {
		assert_int_equal(sscanf(next_line(), "line %u", &at), 1);
		assert_int_equal(at, i);
	}
	assert_string_equal(next_line(), "");
	assert_int_equal(log_queue_lost(), 0);
}

static void a_full_pipe_makes_nobody_wait(void **state)
{
	uint64_t before = log_queue_lost(), begin_ns, lost;
	unsigned int at = 0, reported = 0, n = 0;
	const char *line;

	(void)state;
	assert_int_equal(log_queue_start(NULL), 0);
	begin_ns = clock_now_ns();
	flood(FLOOD);
	assert_true(clock_now_ns() - begin_ns < 5 * NS_PER_S);
	lost = log_queue_lost() - before;
	assert_in_range(lost, 1, FLOOD - 1000);
	for (; sscanf(line = next_line(), "line %u", &at) == 1; n++)
		assert_int_equal(at, n);
	/* The report stands where the lines are missing. */
	assert_int_equal(sscanf(line, "%u log lines were lost here", &reported), 1);
	assert_int_equal(reported, lost);
	assert_int_equal(n + reported, FLOOD);
	log_info("after it");
	assert_string_equal(next_line(), "after it\n");
	log_queue_stop();
}

static void a_child_writes_by_itself(void **state)
{
	int status = -1;
	pid_t child;

	(void)state;
	assert_int_equal(log_queue_start(NULL), 0);
	child = fork();
	if (!child) {
		log_info("from the child");
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_string_equal(next_line(), "from the child\n");
	log_queue_stop();
}

/* The last test: afterwards the process logs nothing more. */
static void the_end_does_not_wait_for_ever(void **state)
{
	uint64_t begin_ns;

	(void)state;
	assert_int_equal(log_queue_start(NULL), 0);
	flood(FLOOD);
	begin_ns = clock_now_ns();
	log_queue_stop();
	assert_true(clock_now_ns() - begin_ns < 10 * NS_PER_S);
	log_error("a last word, which must not wait either");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			keeps_every_line_and_its_order, pipe_begin, pipe_end),
		cmocka_unit_test_setup_teardown(
			a_full_pipe_makes_nobody_wait, pipe_begin, pipe_end),
		cmocka_unit_test_setup_teardown(a_child_writes_by_itself, pipe_begin, pipe_end),
		cmocka_unit_test_setup_teardown(
			the_end_does_not_wait_for_ever, pipe_begin, pipe_end),
	};

	setenv("JOURNAL_STREAM", "1:2", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
