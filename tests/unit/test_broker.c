/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The exec broker with this test as an agent that a server broke into: whatever it sends, only the
 * configured commands run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/broker.h"

#define WAIT_MS 20000
#define GOOD    5 /* the one check that has a command */

struct rig {
	struct agent_commands commands;
	char made[64], evil[64]; /* files that commands would make */
	int fd;
	pid_t pid;
};

static void open_rig(struct rig *r)
{
	memset(r, 0, sizeof(*r));
	snprintf(r->made, sizeof(r->made), "/tmp/hokm-broker-made.%d", (int)getpid());
	snprintf(r->evil, sizeof(r->evil), "/tmp/hokm-broker-evil.%d", (int)getpid());
	snprintf(r->commands.command[GOOD], CONF_PATH_MAX, "/usr/bin/touch %s", r->made);
	assert_int_equal(broker_open(&r->commands, &r->fd, &r->pid), 0);
	/*
	 * The broker has its own copy: what happens to the agent's memory later is nothing to it.
	 */
	snprintf(r->commands.command[GOOD], CONF_PATH_MAX, "/usr/bin/touch %s", r->evil);
	snprintf(r->commands.command[0], CONF_PATH_MAX, "/usr/bin/touch %s", r->evil);
}

static void close_rig(struct rig *r)
{
	close(r->fd);
	assert_int_equal(waitpid(r->pid, NULL, 0), r->pid);
	assert_int_equal(access(r->evil, F_OK), -1);
	unlink(r->made);
}

static void ask(const struct rig *r, uint32_t id)
{
	const struct broker_request q = {.op = BROKER_RUN, .id = id, .seq = 1, .attempt = 1};

	assert_int_equal(send(r->fd, &q, sizeof(q), MSG_NOSIGNAL), sizeof(q));
}

/* False: the broker has closed its socket. */
static bool answered(const struct rig *r, struct broker_answer *a)
{
	struct pollfd p = {.fd = r->fd, .events = POLLIN};
	ssize_t n;

	assert_int_equal(poll(&p, 1, WAIT_MS), 1);
	n = recv(r->fd, a, sizeof(*a), MSG_TRUNC);
	assert_true(n <= 0 || n == sizeof(*a));
	return n > 0;
}

static void a_number_runs_its_command(void **state)
{
	struct broker_answer a;
	struct rig r;

	(void)state;
	open_rig(&r);
	ask(&r, GOOD);
	assert_true(answered(&r, &a));
	assert_int_equal(a.id, GOOD);
	assert_int_equal(a.result, BROKER_EXITED);
	assert_int_equal(a.code, 0);
	assert_int_equal(access(r.made, F_OK), 0);
	close_rig(&r);
}

static void another_number_runs_nothing(void **state)
{
	static const uint32_t numbers[] = {
		0, GOOD + 1, AGENT_CHECKS_MAX, AGENT_CHECKS_MAX + GOOD, INT32_MAX, UINT32_MAX};
	struct broker_answer a;
	struct rig r;

	(void)state;
	open_rig(&r);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		ask(&r, numbers[i]);
		assert_true(answered(&r, &a));
		assert_int_equal(a.id, numbers[i]);
		assert_int_equal(a.result, BROKER_NOT_STARTED);
		assert_int_equal(a.code, ENOENT);
	}
	assert_int_equal(access(r.made, F_OK), -1);
	close_rig(&r);
}

/* The message that once named a command by its text, and one that is cut short. */
static void a_text_runs_nothing(void **state)
{
	struct {
		struct broker_request q;
		char command[CONF_PATH_MAX];
	} m;
	const size_t sizes[] = {sizeof(m), sizeof(m.q) - 1};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct broker_answer a;
		struct rig r;

		open_rig(&r);
		memset(&m, 0, sizeof(m));
		m.q.op = BROKER_RUN;
		m.q.id = GOOD;
		snprintf(m.command, sizeof(m.command), "/usr/bin/touch %s", r.evil);
		assert_int_equal(send(r.fd, &m, sizes[i], MSG_NOSIGNAL), (ssize_t)sizes[i]);
		assert_false(answered(&r, &a));
		assert_int_equal(access(r.made, F_OK), -1);
		close_rig(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_number_runs_its_command),
		cmocka_unit_test(another_number_runs_nothing),
		cmocka_unit_test(a_text_runs_nothing),
	};

	return cmocka_run_group_tests_name("broker", tests, NULL, NULL);
}
