/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * settle() draws the consequences of what the handlers noted, once a turn of the loop: sense ->
 * policy -> VRRP machine -> actions -> timers. Only the loop calls it, and nothing that it calls
 * calls it again.
 */
#ifndef HOKM_DAEMON_SETTLE_H
#define HOKM_DAEMON_SETTLE_H

#include <stdbool.h>

struct daemon;

/*
 * Nothing is to do but perhaps a pulse. Is one due, and its tick quiet (decide/quiet.h)? Then it is
 * settled, and the event loop need not look at its sources: a timer that such a tick sets, for what
 * it reports, waits for the next whole settle, QUIET_NS at most. Else settle() must follow, after
 * the event loop has looked.
 */
bool settle_quiet(struct daemon *d);
void settle(struct daemon *d);

#endif
