/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The exec broker: a child of the agent that runs the commands of exec checks. It is forked before
 * the agent gives up the right to create processes. It has the same user, no capabilities and
 * no_new_privs, and it uses no network and no libcurl. Agent and broker talk over a SOCK_SEQPACKET
 * pair, in which each message is one of the structs below.
 *
 * The broker knows the commands from its start. The agent only names one by its number: an agent
 * that a server broke into can start nothing but the configured commands.
 */
#ifndef HOKM_AGENT_BROKER_H
#define HOKM_AGENT_BROKER_H

#include <stdint.h>
#include <sys/types.h>

#include "agent/messages.h"

enum broker_op { BROKER_RUN, BROKER_KILL };

struct broker_request {
	uint32_t op; /* enum broker_op */
	/*
	 * Together these name a running command. They are those of the check's run, and of its
	 * attempt. The id is the number of the command too.
	 */
	uint32_t id;
	uint32_t seq;
	uint32_t attempt;
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
 * Forks the broker, which copies the commands (words_split()), which run without a shell. It
 * keeps the user of this process. *fd is its socket (non-blocking, CLOEXEC),
 * *pid its pid; the caller closes the socket and reaps the process. When the socket closes, the
 * broker kills all commands and exits. Returns 0 or -errno.
 */
int broker_open(const struct agent_commands *commands, int *fd, pid_t *pid);

#endif
