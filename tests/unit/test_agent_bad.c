/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bad messages between daemon and agent, from either side: the agent and its checks end, and the
 * daemon goes on and starts another agent, with pauses between.
 *
 * This program is also the agent, because the daemon's side starts /proc/self/exe. With the log
 * level `debug`, the only argument that a test can choose, it is a bad agent.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/pidfd.h>

#include "../stub/agent_rig.h"
#include "agent/agent_spawn.h"
#include "agent/messages.h"
#include "base/log.h"

static int open_bad_rig(void **state)
{
	int err;

	log_set_level(LOG_LVL_DEBUG);
	err = open_rig(state);
	log_set_level(LOG_LVL_INFO);
	return err;
}

/* The agent exits on a message that has another size than a request. */
static void agent_ends_at_a_message_of_wrong_size(void **state)
{
	char junk[sizeof(struct agent_request) + 1];
	const size_t sizes[] = {1, sizeof(junk) - 2, sizeof(junk)};

	(void)state;
	memset(junk, 'x', sizeof(junk));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct pollfd p = {.events = POLLIN};
		siginfo_t info;
		pid_t pid;
		int fd;

		assert_int_equal(agent_spawn(stub_user(), &fd, &pid), 0);
		assert_int_equal(send(fd, junk, sizes[i], MSG_NOSIGNAL), sizes[i]);
		p.fd = pidfd_open(pid, 0);
		assert_true(p.fd >= 0);
		assert_int_equal(poll(&p, 1, (int)(WAIT_NS / NS_PER_MS)), 1);
		assert_int_equal(waitid(P_PIDFD, (id_t)p.fd, &info, WEXITED), 0);
		assert_int_equal(info.si_code, CLD_EXITED);
		close(p.fd);
		close(fd);
	}
}

/* The id of the request selects what the bad agent does. */
enum bad {
	BAD_SIZE,
	BAD_REASON,
	BAD_REASON_HIGH,
	BAD_WORDS,
	BAD_NO_END,
	BAD_ID,
	BAD_EXIT,
	BAD_CLOSE,
	BAD_KINDS,
};

static void daemon_ends_a_bad_agent(void **state)
{
	struct rig *rig = *state;
	uint64_t began_ns = clock_now_ns();

	log_set_level(LOG_LVL_DEBUG); /* later agents are bad too */
	for (uint32_t id = 0; id < 4; id++) {
		struct agent_request r;

		stub_request(&r, CHECK_HTTP, 1, "/ok");
		r.id = id;
		check_when_back(rig, &r);
		turn_until(rig, &rig->died, id + 1);
	}
	/* There are pauses of 100, 200 and 400 ms between the starts. */
	assert_true(clock_now_ns() - began_ns >= 700 * NS_PER_MS);
	assert_int_equal(rig->replies, 0);
	log_set_level(LOG_LVL_INFO);
}

static void daemon_ends_a_bad_agent_in_other_ways(void **state)
{
	struct rig *rig = *state;

	log_set_level(LOG_LVL_DEBUG);
	for (uint32_t id = 4; id < BAD_KINDS; id++) {
		struct agent_request r;

		stub_request(&r, CHECK_HTTP, 1, "/ok");
		r.id = id;
		check_when_back(rig, &r);
		turn_until(rig, &rig->died, id - 3);
	}
	assert_int_equal(rig->replies, 0);
	log_set_level(LOG_LVL_INFO);
}

static void bad_users_are_refused(void **state)
{
	static const struct agent_commands none;
	sd_event *event = NULL;
	struct agent *a = NULL;

	(void)state;
	assert_true(sd_event_new(&event) >= 0);
	assert_int_not_equal(agent_open(event, "no-such-user", &none, on_reply, on_died, NULL, &a),
			     0);
	assert_null(a);
	assert_int_not_equal(agent_open(event, "root", &none, on_reply, on_died, NULL, &a), 0);
	assert_null(a);
	sd_event_unref(event);
}

static void bad_agent_answers(const struct agent_request *r)
{
	struct agent_reply reply = {.id = r->id, .seq = r->seq, .reason = HOKM_R_CHECK_OK};
	size_t len = sizeof(reply);

	switch ((enum bad)r->id) {
	case BAD_SIZE:
		len--;
		break;
	case BAD_REASON:
		reply.reason = HOKM_R_OPERATOR;
		break;
	case BAD_REASON_HIGH:
		reply.reason = UINT32_MAX;
		break;
	case BAD_WORDS:
		snprintf(reply.detail, sizeof(reply.detail), "\x1b[2J");
		break;
	case BAD_NO_END:
		memset(reply.detail, 'x', sizeof(reply.detail));
		break;
	case BAD_ID:
		reply.id = AGENT_CHECKS_MAX;
		break;
	case BAD_EXIT:
		_exit(3);
	case BAD_CLOSE:
		close(AGENT_FD);
		pause();
		break;
	case BAD_KINDS:
		_exit(4);
	}
	if (send(AGENT_FD, &reply, len, MSG_NOSIGNAL) < 0)
		_exit(5);
}

static int bad_agent(void)
{
	struct agent_commands commands;
	struct agent_request r;

	if (recv(AGENT_FD, &commands, sizeof(commands), 0) < 0 && errno != EAGAIN)
		return 0;
	for (;;) {
		struct pollfd p = {.fd = AGENT_FD, .events = POLLIN};

		if (poll(&p, 1, -1) != 1 || recv(AGENT_FD, &r, sizeof(r), 0) != sizeof(r))
			return 0;
		bad_agent_answers(&r);
	}
}

#define WITH_BAD_AGENT(test) cmocka_unit_test_setup_teardown(test, open_bad_rig, close_rig)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agent_ends_at_a_message_of_wrong_size),
		WITH_BAD_AGENT(daemon_ends_a_bad_agent),
		WITH_BAD_AGENT(daemon_ends_a_bad_agent_in_other_ways),
		cmocka_unit_test(bad_users_are_refused),
	};

	if (argc > 3 && !strcmp(argv[1], "agent") && !strcmp(argv[3], "debug"))
		_exit(bad_agent());
	if (argc > 1 && !strcmp(argv[1], "agent"))
		return agent_main(argc - 1, argv + 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
