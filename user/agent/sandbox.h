/* SPDX-License-Identifier: GPL-2.0-only */
/* What the agent may still do once it is set up: sockets, memory, time. */
#ifndef HOKM_AGENT_SANDBOX_H
#define HOKM_AGENT_SANDBOX_H

/*
 * Makes libcurl, libcrypto and libc do now what they otherwise do at first use by opening files.
 * Before sandbox_enter(). 0 or -errno.
 */
int sandbox_warm_up(void);

/*
 * For good: resource limits, no core dump, no ptrace by the same user, a seccomp filter. Needs
 * no_new_privs. 0 or -errno.
 */
int sandbox_enter(void);

#endif
