/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `hokm-xdp cleanup --terminate`, for a node whose program is removed: its game server may run on,
 * and no packet of its players would reach it any more. They would notice that after their own
 * timeouts. So their connections are terminated while the packet path is still there, and they
 * connect to the owner at once.
 */
#ifndef HOKM_DAEMON_LAST_WORDS_H
#define HOKM_DAEMON_LAST_WORDS_H

#include "conf/conf.h"

/*
 * Terminates the connections whose sockets are on this node, by the pinned maps. No daemon may run.
 * A socket that the kernel does not end keeps the caller for 2 s: its client is notified all the
 * same. Returns how many clients were notified, also when nothing is pinned, or -errno, logged.
 */
int64_t last_words(const struct conf *c);

#endif
