/* SPDX-License-Identifier: GPL-2.0-only */
/* The agent process itself, from its first line to its last. */
#ifndef HOKM_AGENT_CHILD_H
#define HOKM_AGENT_CHILD_H

#define AGENT_FD 3 /* its socket to the daemon */

/* Becomes the agent on AGENT_FD, as `user`. Returns an exit status when the daemon has closed. */
int agent_child(const char *user);

/* Who runs checks in the foreground: nobody when we are root, else ourselves. */
#define AGENT_DEFAULT_USER "nobody"

#endif
