/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Model of a change of the members, for spin: two nodes, 0 and 1, and the witnesses 2 and 3. Each
 * node goes by one of three files, and an operator reloads them node by node:
 *
 *   file 0   nodes and witness 2       two of three must grant
 *   file 1   nodes and both witnesses  three of four
 *   file 2   nodes and witness 3       two of three
 *
 * So a witness is added, removed, and replaced in two steps. Majorities of file 0 and file 2 need not
 * have a member in common. user/decide/in_force.c decides by which members a node counts,
 * user/decide/agree.c whether a peer stands in the way of a reload, and hokm/grant_count.h counts.
 *
 * The network: a message arrives at once or never, for each member apart. Clocks agree: grants.pml
 * has late messages, clocks that differ, boots and pauses. Replication of the nodes is connected: each
 * node knows what the other one says of its members.
 *
 * MODEL_START: the file of both nodes. Node 0 owns then, by the grants of all members of it.
 *
 * Checked: two nodes are never owners at the same moment. With LIVE: from any state on, when no message
 * is lost any more and at most one member is dead, a node is owner soon, and no change waits.
 */
#include "members_constants.h"

c_decl {
\#include "members_rules.h"
}

/* Members: what they have promised. holder: 0 nobody, else node + 1. */
byte holder[MEMBERS], left[MEMBERS], epoch[MEMBERS];

/* Nodes. used: a bit for each epoch that the node ever wished for. */
byte wish[NODES], wish_epoch[NODES], used[NODES];
/* What the members have granted to them, by node * MEMBERS + member. */
byte granted[NODES * MEMBERS], granted_epoch[NODES * MEMBERS];

/* The file of a node, and the one whose members were in force last. */
byte file[NODES], was[NODES];
/* What is in force: how many must grant, and the other members, a bit for each. */
byte majority[NODES], others[NODES];

/* Nodes that are owners. */
byte n_owners;
bit live;

c_code {
\#include "members_steps.h"
}

/* One step, if it can be done: about node N and the number G. */
#define STEP(CAN, DO, N, G) \
	:: d_step { \
		c_expr { (CAN)(N, G) } -> \
		c_code { DO(N, G); now.n_owners = owners(); now.live = lives(); }; \
		assert(n_owners <= 1); \
		assert(live) \
	   }

/* A step of the daemon, with the members that its probes reach and that answer: a bit for each. */
#define REACHES(CAN, DO, N, P) \
	STEP(CAN, DO, N, (P) + 0) \
	STEP(CAN, DO, N, (P) + 1) \
	STEP(CAN, DO, N, (P) + 2) \
	STEP(CAN, DO, N, (P) + 3) \
	STEP(CAN, DO, N, (P) + 4) \
	STEP(CAN, DO, N, (P) + 5) \
	STEP(CAN, DO, N, (P) + 6) \
	STEP(CAN, DO, N, (P) + 7)

#define NODE(N) \
	REACHES(can_beat, beat, N, 0) \
	REACHES(can_beat, beat, N, MASTER) \
	REACHES(can_claim, claim, N, 0) \
	REACHES(can_claim, claim, N, 8) \
	REACHES(can_release, release, N, 0) \
	STEP(can_reload, reload, N, 0) \
	STEP(can_reload, reload, N, 1) \
	STEP(can_reload, reload, N, 2)

active proctype all()
{
	d_step { c_code { start(); } }
	do
	NODE(0)
	NODE(1)
	STEP(can_tick, tick, 0, 0)
	od
}
