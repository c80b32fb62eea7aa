/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Do this process and the BPF programs read the same clock? A time namespace shifts CLOCK_BOOTTIME
 * for a process, and not for BPF programs. Each moment that the daemon writes into a map would be
 * wrong by that much: a lease could hold without limit (architecture rule 1).
 */
#ifndef HOKM_PATH_BPF_CLOCK_H
#define HOKM_PATH_BPF_CLOCK_H

/* Returns 0, -EXDEV when the clocks differ, or another -errno, each logged. Needs CAP_BPF. */
int bpf_clock_check(void);

#endif
