/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The exec broker: a child of the agent, forked before the agent forbids itself to make processes.
 * Same user, no capabilities, no_new_privs. It runs the commands of exec checks and does nothing
 * else: no network, no libcurl. Both talk over a SOCK_SEQPACKET pair, one message one packet.
 */
#ifndef HOKM_AGENT_BROKER_H
#define HOKM_AGENT_BROKER_H

#include <stdint.h>
#include <sys/types.h>

#include "conf/conf.h"

#define BROKER_ARGS_MAX 32 /* words of one command */

enum broker_op { BROKER_RUN, BROKER_KILL };

struct broker_request {
	uint32_t op; /* enum broker_op */
	uint32_t id; /* the check's id */
	uint32_t seq;
	uint32_t attempt;
	char command[CONF_PATH_MAX]; /* BROKER_RUN: words between blanks, no shell */
};

enum broker_result {
	BROKER_EXITED,      /* code: the exit status */
	BROKER_SIGNALLED,   /* code: the signal */
	BROKER_NOT_STARTED, /* code: errno */
};

struct broker_answer {
	uint32_t id, seq, attempt;
	uint32_t result; /* enum broker_result */
	int32_t code;
};

/*
 * Forks the broker. `user` is what this process has become already. Returns its socket in *fd
 * (non-blocking, CLOEXEC) and its pid in *pid; 0 or -errno. When the socket closes, it kills what
 * runs and ends.
 */
int broker_open(int *fd, pid_t *pid);

#endif
