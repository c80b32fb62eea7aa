/* SPDX-License-Identifier: GPL-2.0-only */
/* For unit tests: an event loop with an agent, and functions that run it until a reply came. */
#ifndef HOKM_TESTS_AGENT_RIG_H
#define HOKM_TESTS_AGENT_RIG_H

#include "../stub/stub.h"

#define WAIT_NS (20 * NS_PER_S)

struct rig {
	sd_event *event;
	struct agent *agent;
	struct agent_reply reply;
	unsigned int replies, died;
	struct agent_commands commands;
};

static inline void on_reply(const struct agent_reply *r, void *arg)
{
	struct rig *rig = arg;

	rig->reply = *r;
	rig->replies++;
}

static inline void on_died(void *arg)
{
	((struct rig *)arg)->died++;
}

/* The command is that of check 0, "" for none. */
static inline int open_rig_for(void **state, const char *command)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	if (rig)
		snprintf(rig->commands.command[0], CONF_PATH_MAX, "%s", command);
	if (!rig || sd_event_new(&rig->event) < 0 ||
	    agent_open(rig->event, stub_user(), &rig->commands, on_reply, on_died, rig,
		       &rig->agent))
		return -1;
	*state = rig;
	return 0;
}

static inline int close_rig(void **state)
{
	struct rig *rig = *state;

	agent_close(rig->agent);
	sd_event_unref(rig->event);
	free(rig);
	return 0;
}

/* Without a broker: no exec check is configured. */
static inline int open_rig(void **state)
{
	return open_rig_for(state, "");
}

/* With a broker, for a test that does not mind which command it may run. */
static inline int open_rig_exec(void **state)
{
	return open_rig_for(state, "/bin/true");
}

/* Runs the loop until *n reaches `want`; the test fails after WAIT_NS. */
static inline void turn_until(struct rig *rig, const unsigned int *n, unsigned int want)
{
	uint64_t by_ns = clock_now_ns() + WAIT_NS;

	while (*n < want) {
		if (clock_now_ns() > by_ns)
			fail_msg("no reply came in time");
		assert_true(sd_event_run(rig->event, 100 * 1000) >= 0);
	}
}

/* The command of check 0 from now on; another agent runs then. */
static inline void set_command(struct rig *rig, const char *command)
{
	unsigned int before = rig->died;

	snprintf(rig->commands.command[0], CONF_PATH_MAX, "%s", command);
	agent_set_commands(rig->agent, &rig->commands);
	turn_until(rig, &rig->died, before + 1);
	rig->died = before;
}

/* Runs the loop until a restarted agent accepts the check. */
static inline void check_when_back(struct rig *rig, const struct agent_request *r)
{
	uint64_t by_ns = clock_now_ns() + WAIT_NS;

	while (agent_check(rig->agent, r)) {
		if (clock_now_ns() > by_ns)
			fail_msg("the agent was not restarted in time");
		assert_true(sd_event_run(rig->event, 100 * 1000) >= 0);
	}
}

static inline void check_until_replied(struct rig *rig, const struct agent_request *r)
{
	unsigned int before = rig->replies;

	check_when_back(rig, r);
	turn_until(rig, &rig->replies, before + 1);
}

#endif
