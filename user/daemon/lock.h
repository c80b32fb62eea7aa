/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One daemon for each node: a lock file beside the control socket. The kernel releases the lock
 * when the daemon ends.
 */
#ifndef HOKM_DAEMON_LOCK_H
#define HOKM_DAEMON_LOCK_H

#include <stdio.h>

#include "conf/conf.h"

/*
 * Takes the lock; creates the directory of the socket if necessary. -EADDRINUSE when another daemon
 * has the lock, or listens on the socket. 0 or -errno, logged.
 */
int lock_node(const struct conf *c, int *fd);
/*
 * Could another process take the lock and make the socket again? 0, or -errno with the reason in
 * `errors`: the folder is read-only or full.
 */
int lock_may(const struct conf *c, FILE *errors);
/* Releases the lock; -1 is fine. */
void unlock_node(int fd);

#endif
