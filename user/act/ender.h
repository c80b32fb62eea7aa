/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ender: a thread that terminates connections of this node (act/session_reset.h). SOCK_DESTROY
 * takes the lock of each socket, and a process that stands still in the kernel may hold it for
 * long. The thread of the event loop must not wait for it.
 *
 * Batches are done in the order in which they were given, a few of them may wait. RSTs to clients
 * wait for nothing: the giver sends them. All functions are called by the thread of the event loop.
 */
#ifndef HOKM_ACT_ENDER_H
#define HOKM_ACT_ENDER_H

#include <stdbool.h>
#include <stdint.h>

#include "act/tickle.h"

struct ender; /* opaque */

/* Opens the sockets. Returns 0 or -errno, logged. The caller closes *out with ender_close(). */
int ender_open(struct ender **out);
/*
 * Starts the thread, with the capabilities of the caller. Until then the giver of a batch waits for
 * the kernel. Returns 0 or -errno, logged.
 */
int ender_start(struct ender *e);
/*
 * Waits for the batches that are left, a second at most. A kernel that does not answer keeps the
 * thread, which then ends with the process. NULL is allowed.
 */
void ender_close(struct ender *e);

/* May a batch be given now? */
bool ender_has_room(const struct ender *e);
/*
 * Gives a batch of n <= TICKLE_MAX connections. rst: a RST is sent to each client now. Without room
 * that is all, and their sockets are left. Returns the number of the batch. Failures are logged.
 */
uint64_t ender_give(struct ender *e, const struct tickle_conn *conns, unsigned int n, bool rst);
/* Is this batch done, and each one that was given before it? Batch 0 always is. */
bool ender_done(const struct ender *e, uint64_t batch);
/* Is no batch left? While one is, its request may hold a lock that all of sock_diag needs. */
bool ender_idle(const struct ender *e);
/* Is a batch under way that has kept the thread for a second? Ask it regularly. */
bool ender_stuck(struct ender *e, uint64_t now_ns);
/* How many connections were left, because there was no room. It only grows. */
uint64_t ender_left(const struct ender *e);
/*
 * How many connections of the service in this slot had their socket elsewhere
 * (act/session_reset.h), in all batches with `rst` that are done. It only grows.
 */
uint64_t ender_elsewhere(const struct ender *e, uint8_t service);

#endif
