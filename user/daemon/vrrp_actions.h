/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Carries out the actions of the VRRP machine. A lease that is dropped is in the map before the
 * advert that reports it goes out; a lease that is taken counts from just before its advert went
 * out.
 */
#ifndef HOKM_DAEMON_VRRP_ACTIONS_H
#define HOKM_DAEMON_VRRP_ACTIONS_H

#include <stdbool.h>

#include "decide/vrrp.h"

struct daemon;

/*
 * One round of actions; `from` is the state before the step. True when they leave an event for the
 * machine in *next: whether its advert was sent.
 */
bool vrrp_actions_run(struct daemon *d, const struct vrrp_actions *acts, enum hokm_vrrp_state from,
		      struct vrrp_event *next);

#endif
