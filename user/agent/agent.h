/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The agent: a child process without privileges that runs the active checks over libcurl's multi
 * interface. Daemon and agent talk over a socket (agent/messages.h); a message of the wrong size
 * closes the connection. The agent can die and be
 * started again without an effect on ownership: its unfinished checks end with the reason
 * CHECK_AGENT.
 *
 * A struct agent is the daemon's handle. It is used by the thread of the event loop only, and
 * nothing but agent_close() waits for the agent.
 */
#ifndef HOKM_AGENT_H
#define HOKM_AGENT_H

#include <sys/types.h>
#include <systemd/sd-event.h>

#include "agent/messages.h"

struct agent; /* opaque */

/* The callbacks may call agent_check(), but not agent_close(). */
typedef void (*agent_reply_fn)(const struct agent_reply *r, void *arg);

/* The agent died, and no reply will come to any check. It is restarted here, with a back-off. */
typedef void (*agent_died_fn)(void *arg);

/*
 * Starts the agent, which may run these commands and no others: fork and exec of this program
 * (/proc/self/exe) as `hokm-xdp agent`, with the socket as descriptor 3, in its own process group.
 * The kernel kills it when the daemon dies (PR_SET_PDEATHSIG). Returns 0 or -errno, logged. The
 * caller closes *out with agent_close().
 */
int agent_open(sd_event *event, const char *user, const struct agent_commands *commands,
	       agent_reply_fn fn, agent_died_fn died, void *arg, struct agent **out);

/*
 * Other commands: if they differ, the agent is replaced, and agent_died_fn is called. Until then
 * agent_check() returns -ENOTCONN.
 */
void agent_set_commands(struct agent *a, const struct agent_commands *commands);

/* Stops the agent and waits for its end, at most a few seconds. NULL is allowed. */
void agent_close(struct agent *a);

/*
 * Kills the agent, waits for its end for wait_ms at most, and closes the handle: for a daemon that
 * is about to run another program. NULL is allowed.
 */
void agent_cut(struct agent *a, int wait_ms);

/*
 * Sends a check. Its reply comes within check.timeout_ns + 1 s; otherwise the agent is killed and
 * agent_died_fn is called. Returns 0, -ENOTCONN when no agent runs now, or another -errno.
 */
int agent_check(struct agent *a, const struct agent_request *r);

/* Returns the pid of the agent, 0 when none runs. */
pid_t agent_pid(const struct agent *a);

/* The agent process: `hokm-xdp agent USER LEVEL`. Never returns. */
int agent_main(int argc, char **argv);

/*
 * Runs one check in the foreground and waits for its reply, in a child process that is confined
 * like the agent. `user` is the agent's, for a caller who is root; NULL: nobody. Returns 0 or
 * -errno.
 */
int agent_run_once(const struct agent_request *r, const char *user, struct agent_reply *out);

#endif
