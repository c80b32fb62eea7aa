/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a stopped daemon leaves, and for how long: `hokm-xdp cleanup --wait`, which the unit
 * hokm-xdp-linger.service runs after a stop. It only looks at the maps until nobody needs the
 * packet path any more. Then the caller removes everything, as without --wait.
 */
#ifndef HOKM_DAEMON_LINGER_WAIT_H
#define HOKM_DAEMON_LINGER_WAIT_H

#include "conf/conf.h"

/*
 * Returns 0 when nothing needs the packet path any more, or nothing is pinned; 1 when a daemon
 * runs, to which the packet path belongs; or -errno, logged.
 */
int linger_wait(const struct conf *c);

#endif
