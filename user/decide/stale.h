/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A stale connection: its server owes it something. Pure, over one entry of conns.
 */
#ifndef HOKM_STALE_H
#define HOKM_STALE_H

#include <stdint.h>

#include "hokm/names.h"

/*
 * For how long (ns) the oldest request of an established connection that is served here has been
 * without an answer: its upgrade, a ping, or data that the server's kernel did not acknowledge. 0:
 * nothing is owed. *why (may not be NULL): STALE_*, or NONE.
 */
uint64_t stale_ns(const struct hokm_conn *c, uint64_t now_ns, enum hokm_reason *why);

#endif
