/* SPDX-License-Identifier: GPL-2.0-only */
/* The confinement of the agent: after its set-up it can only use sockets, memory and time. */
#ifndef HOKM_AGENT_SANDBOX_H
#define HOKM_AGENT_SANDBOX_H

/*
 * Makes libcurl, libcrypto and libc do now what they otherwise do at first use by opening files.
 * Must be called before sandbox_enter(). Returns 0 or -errno, logged.
 */
int sandbox_warm_up(void);

/*
 * Confines the process permanently: resource limits, no core dump, no ptrace by the same user, and
 * a seccomp filter. Needs no_new_privs. Returns 0 or -errno, logged.
 */
int sandbox_enter(void);

/*
 * The same for a process that also resolves names and uses files that its user may open: threads,
 * files and local sockets are allowed beside it.
 */
int sandbox_enter_with_names(void);

/*
 * The same for the HTTP listener, with a list of its own: it can accept on the sockets that it has,
 * and neither make a socket nor connect one.
 */
int sandbox_enter_to_listen(void);

#endif
