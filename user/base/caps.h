/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Privileges of the daemon and of its child processes. The functions only ever give privileges up.
 *
 * Capabilities and the scheduling policy belong to a thread. The daemon gives capabilities up
 * before it starts a second thread, and asks for real-time priority after it has started the keeper
 * (act/keeper.h), which has ordinary priority. A child process calls these functions right after
 * fork().
 */
#ifndef HOKM_CAPS_H
#define HOKM_CAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Checks that the process has every capability that the daemon needs. Returns 0, or -EPERM after
 * logging the missing ones.
 */
int caps_check(void);

/*
 * Keeps only the capabilities that the running daemon needs: NET_ADMIN, NET_RAW, BPF, PERFMON,
 * SYS_NICE, IPC_LOCK, SETUID, SETGID, KILL and DAC_OVERRIDE. `hand_on`: children will use
 * caps_become_with(). For them SETPCAP is kept too, but is not in force. Returns 0 or -errno,
 * logged.
 */
int caps_keep(bool hand_on);

/*
 * Keeps exactly these capabilities, one bit each, and no program that the process starts gets
 * others (no_new_privs). The user stays. Returns 0 or -errno, logged.
 */
int caps_keep_only(uint64_t bits);

/* For a thread that needs none: gives up all its capabilities. Returns 0 or -errno. */
int caps_drop_all(void);

/* In place of the name of a user: the one that the process is, which must not be root. */
#define CAPS_SAME_USER "-"

/*
 * For a child process: becomes `user` permanently, with its groups, no capabilities, and
 * no_new_privs. Returns 0 or -errno, logged.
 */
int caps_become(const char *user);

/*
 * The same, but with these capabilities, which a program that it starts has too. Neither can get
 * others: the bounding set has no more. `bits` are from caps_parse(). With 0 as caps_become().
 */
int caps_become_with(const char *user, uint64_t bits);

/* Can children of this process use caps_become_with()? */
bool caps_hand_on(void);

/* Does this name stand for the uid 0? */
bool caps_is_root(const char *user);

/*
 * Names such as "net_admin, net_raw", parted by blanks or commas, as one bit each. Only what
 * caps_keep() keeps is accepted. Returns 0, or -EINVAL with the first other name in *bad.
 */
int caps_parse(const char *names, uint64_t *bits, char *bad, size_t size);
/* The names that caps_parse() accepts. */
const char *caps_known(char *buf, size_t size);

/*
 * Requests real-time priority (SCHED_FIFO) and locks the memory. When the kernel refuses, a warning
 * is logged and the daemon goes on.
 */
void caps_realtime(int priority);
/* What to do when the kernel refuses that priority. */
const char *caps_realtime_advice(bool has_sys_nice);

/* Returns to SCHED_OTHER: threads can be started again, and so can another program. */
void caps_leave_realtime(void);

/*
 * For a child process: returns to SCHED_OTHER and to an OOM score that is not below that of other
 * processes, and unlocks the memory. Failures are logged.
 */
void caps_ordinary(void);

#endif
