/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * settle() draws the consequences of what the handlers noted, once a turn of the loop: sense ->
 * policy -> VRRP machine -> actions -> timers. Only the loop calls it, and nothing that it calls
 * calls it again.
 */
#ifndef HOKM_DAEMON_SETTLE_H
#define HOKM_DAEMON_SETTLE_H

struct daemon;

void settle(struct daemon *d);

#endif
