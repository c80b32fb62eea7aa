/* SPDX-License-Identifier: GPL-2.0-only */
/* How the agent process comes to be. */
#ifndef HOKM_AGENT_SPAWN_H
#define HOKM_AGENT_SPAWN_H

#include <sys/types.h>

#define AGENT_NOT_STARTED 127 /* exit status: it did not get as far as the program */

/*
 * Starts `/proc/self/exe agent USER LEVEL` in a process group of its own, with ordinary scheduling,
 * an empty signal mask, a short environment, and nothing open but /dev/null, stderr and its socket.
 * Waits for nothing: a child that cannot exec ends with AGENT_NOT_STARTED. Our end of the socket in
 * *fd (non-blocking, CLOEXEC). 0 or -errno.
 */
int agent_spawn(const char *user, int *fd, pid_t *pid);

#endif
