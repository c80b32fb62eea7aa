/* SPDX-License-Identifier: GPL-2.0-only */
/* The agent process, from its first line to its last. */
#ifndef HOKM_AGENT_CHILD_H
#define HOKM_AGENT_CHILD_H

/* The user for checks in the foreground, when root starts them. */
#define AGENT_DEFAULT_USER "nobody"

/*
 * The first act of a child: takes the log level from USER LEVEL, the arguments behind the verb, and
 * ends the process with a message if it was not started by the daemon, with a socket as AGENT_FD.
 */
void agent_started(int argc, char **argv);

/*
 * Turns this process into the agent on AGENT_FD, as `user`. Returns the exit status when the daemon
 * has closed its end of the socket.
 */
int agent_child(const char *user);

/*
 * Gives up the privileges of this process: ordinary scheduling, the user, no capabilities. It dies
 * with its parent from now on, and ignores the signals that stop a service. 0 or -errno, logged.
 */
int agent_become(const char *user);

#endif
