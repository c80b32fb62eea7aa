/* SPDX-License-Identifier: GPL-2.0-only */
/* One daemon a node: a lock file beside the control socket, released by the kernel at death. */
#ifndef HOKM_DAEMON_LOCK_H
#define HOKM_DAEMON_LOCK_H

#include "conf/conf.h"

/*
 * Takes the lock, making the socket's folder when it is missing. -EADDRINUSE when another has it.
 */
int lock_node(const struct conf *c, int *fd);
/* Gives it back; -1 is fine. */
void unlock_node(int fd);

#endif
