/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One daemon for each node: a lock file beside the control socket. And one for each network
 * namespace, by netns_lock.h: another file may name another control socket. The kernel releases
 * both locks when the daemon ends.
 */
#ifndef HOKM_DAEMON_LOCK_H
#define HOKM_DAEMON_LOCK_H

#include <stdio.h>

#include "conf/conf.h"
#include "daemon/netns_lock.h"

struct node_lock {
	int file; /* -1: not held */
	struct netns_lock netns;
};

#define NODE_LOCK_NONE ((struct node_lock){.file = -1, .netns = NETNS_LOCK_NONE})

/*
 * Takes both locks; creates the directory of the socket if necessary. -EADDRINUSE when another
 * daemon has one of them, or listens on the socket. 0 or -errno, logged. Caller: unlock_node().
 */
int lock_node(const struct conf *c, struct node_lock *l);
/*
 * Could another process take the lock and make the socket again? 0, or -errno with the reason in
 * `errors`: the folder is read-only or full, or cannot be made again as a start would make it.
 */
int lock_may(const struct conf *c, FILE *errors);
/*
 * Makes the folder of the control socket if it is not there: at a start, and when another program
 * has removed it. Users that may use ctl need to reach the socket in it, so its mode is 0755,
 * whatever the umask of the unit is. A folder that is there keeps its mode. 0 or -errno.
 */
int lock_make_folder(const char *dir);
/* Releases the locks; those that are not held are fine. */
void unlock_node(struct node_lock *l);

#endif
