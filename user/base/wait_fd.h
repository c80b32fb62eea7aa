/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Waiting for one file descriptor until a moment, for threads and processes that may wait. The loop
 * of the daemon never does.
 */
#ifndef HOKM_WAIT_FD_H
#define HOKM_WAIT_FD_H

#include <stdint.h>

/*
 * Waits until fd has one of `events`, was closed by its other end, or has an error. by_ns is a
 * moment of clock_now_ns(); a signal does not end the wait. Returns 0, -ETIMEDOUT or -errno.
 */
int wait_fd(int fd, short events, uint64_t by_ns);

#endif
