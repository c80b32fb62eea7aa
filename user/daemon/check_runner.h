/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The check runner: has the agent run the active checks when they are due, and takes its results. A
 * service is UP when all its checks are, DOWN when one of them is, and INIT until each has a first
 * result.
 */
#ifndef HOKM_DAEMON_CHECK_RUNNER_H
#define HOKM_DAEMON_CHECK_RUNNER_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "conf/conf.h"

struct agent;
struct inbox;
struct services;

struct check_runner {
	struct services *services;
	struct inbox *inbox;
	struct agent *agent;
	sd_event_source *timer;
	bool agent_died; /* noted */
	bool paused;
	uint64_t agent_restarts;
};

/* Starts the agent, which needs the rights that the daemon gives up later. 0 or -errno, logged. */
int check_runner_open(struct check_runner *r, sd_event *event, const struct conf *c,
		      struct services *services, struct inbox *inbox);
/* After a reload: the agent may run the commands of this configuration, and no others. */
void check_runner_reconf(struct check_runner *r, const struct conf *c);
/* Starts the checks. 0 or -errno, logged. */
int check_runner_start(struct check_runner *r, sd_event *event);
void check_runner_close(struct check_runner *r);
/* Before another daemon takes this process over: waits for wait_ms at most (agent_cut()). */
void check_runner_cut(struct check_runner *r, int wait_ms);

/* Takes the results that were noted, into the health of each check. */
void check_runner_take(struct check_runner *r, uint64_t now_ns);
/*
 * Sums the checks up into the health of each service, and starts the checks that are due. True when
 * the health of a service changed.
 */
bool check_runner_run(struct check_runner *r, uint64_t now_ns);
/*
 * While paused no check begins, and those that run have no result: the health of the services stays
 * as it is.
 */
void check_runner_pause(struct check_runner *r, bool on, uint64_t now_ns);
/* Sets the timer to the next check. */
void check_runner_arm(struct check_runner *r);

#endif
