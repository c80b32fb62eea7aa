/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VIP on a foreign host: ARP by which a MAC address that is no node's claims a VIP. The packet
 * path counts it and sends an event. The owner announces the VIP again (decide/claims.h), and each
 * node reports the MAC address.
 */
#ifndef HOKM_DAEMON_CONFLICT_H
#define HOKM_DAEMON_CONFLICT_H

#include <stdbool.h>
#include <stdint.h>

#include "decide/claims.h"

struct conf;
struct hokm_event;
struct node;

/* From the handler of kernel events. */
void conflict_note(struct claims *c, const struct hokm_event *record);
/* After a reload: with other VIPs the indices of the claims mean others. */
void conflict_reconf(struct claims *c, const struct conf *was, const struct conf *now);
/* At each tick of the pulse. mac: of the interface of this node; owner: it owns the VIPs. */
void conflict_run(struct claims *c, const struct node *n, const unsigned char mac[6], bool owner,
		  uint64_t now_ns);

#endif
