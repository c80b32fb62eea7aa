/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The gateway as the third member of two nodes: fills in what decide/stand_in.h wants to know,
 * tells the packet path for what the next answer counts, and shows the gateway to decide/grants.h
 * as a member in a slot of its own (struct hokm_granted; the XDP program notes only `end` there).
 *
 * Grants count between two nodes only while the other one takes part: see stand_in_watch_counts().
 */
#ifndef HOKM_DAEMON_STAND_IN_WATCH_H
#define HOKM_DAEMON_STAND_IN_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "decide/grants.h"
#include "decide/stand_in.h"
#include "decide/vrrp.h"

struct gateway_watch;
struct node;

struct stand_in_watch {
	struct node *node;
	struct gateway_watch *gateway;
	struct stand_in state;
	struct stand_in_output out;
};

void stand_in_watch_init(struct stand_in_watch *w, struct node *n, struct gateway_watch *g);
/* The bit of the gateway among the members; 0: it stands in for none. */
uint32_t stand_in_watch_slots(const struct stand_in_watch *w);
/*
 * Do grants count, where the gateway stands in? Only once the peer has answered that it takes part,
 * and this node knows its own promises. From then on they count also while it is silent. A peer
 * that is owner without the promise of this node goes by VRRP's timers, and then so does this node.
 * So does one that does not know its promises yet: between it and a claimant nothing else decides.
 */
bool stand_in_watch_counts(const struct stand_in_watch *w, const struct grants_conf *c, bool owns,
			   uint64_t now_ns);
/* Before grants_step(). longer_ns: the owner asks for so long a grant; 0: no. */
void stand_in_watch_step(struct stand_in_watch *w, const struct vrrp *v,
			 const struct grants_conf *c, uint64_t longer_ns, uint64_t now_ns);
/* After it. Returns when to look again; 0: with the next pulse. */
uint64_t stand_in_watch_ask(struct stand_in_watch *w, bool claim, uint64_t now_ns);

#endif
