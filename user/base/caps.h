/* SPDX-License-Identifier: GPL-2.0-only */
/* Privileges of the daemon and of the children it makes. */
#ifndef HOKM_CAPS_H
#define HOKM_CAPS_H

#include <sys/types.h>

/*
 * Checks that the capabilities the daemon needs are there: -EPERM with the missing ones logged.
 */
int caps_check(void);

/*
 * Keeps only what the running daemon needs (NET_ADMIN, NET_RAW, BPF, PERFMON, SYS_NICE, IPC_LOCK,
 * SETUID, SETGID, KILL, and DAC_OVERRIDE for pins and sysctls). 0 or -errno.
 */
int caps_keep(void);

/*
 * In a child: becomes `user` for good: groups, gid, uid, no capabilities, no_new_privs. 0 or
 * -errno.
 */
int caps_become(const char *user);

/*
 * Real-time priority (SCHED_FIFO) and locked memory; a refusal is logged as a warning, not an
 * error.
 */
void caps_realtime(int priority);
/* In a child: back to SCHED_OTHER and unlocked memory. */
void caps_ordinary(void);

#endif
