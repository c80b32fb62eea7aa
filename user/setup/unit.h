/* SPDX-License-Identifier: GPL-2.0-only */
/* The unit of systemd, and the first seconds of the daemon. */
#ifndef HOKM_SETUP_UNIT_H
#define HOKM_SETUP_UNIT_H

#include "setup/job.h"

/* The drop-in that loads the table of nftables before each start. Returns 0 or -errno, reported. */
int setup_put_dropin(const struct setup *s);

/* Enables and starts the unit; it asks before it takes the VIP from keepalived. As above. */
int setup_start(const struct setup *s, const struct setup_facts *f);

/* Waits until the other nodes answer pulses, for some seconds. False: one of them does not. */
bool setup_peers_answer(const struct setup *s);

#endif
