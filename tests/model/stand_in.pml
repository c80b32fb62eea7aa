/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Model of two nodes with the gateway as third member (user/decide/stand_in.h), for spin. The
 * gateway answers everybody and remembers nothing. Each step is one event: a tick of time, a
 * message that arrives, or a step of one daemon.
 *
 * The network: a message arrives at once or never, in each direction apart; a way that is cut is one
 * on which nothing arrives. A pulse may also arrive as a sign of life alone: an advert or an ARP
 * packet. With SLOW the newest pulse of each node, or the answer to it, and two of its questions to
 * the gateway may also be under way, and arrive later, in any order, before they are too old.
 *
 * Clocks: at each tick the clock of a node goes on by one step. Once in EVEN ticks it may go on by
 * none or by two. Everything that a node counts, it counts on its own clock.
 *
 * Machines: a node crashes and boots, and has forgotten everything. Its daemon does nothing for any
 * time, while its kernel answers and counts, or sends nothing any more. Its kernel stops with it
 * where nothing of it arrives.
 *
 * MODEL_START: 0 nobody owns; 1 node 0 owns by its peer's grant; 2 node 0 owns and its peer has been
 * away for long; 3 node 0 owns by the gateway, and its peer, which has booted and is in touch, knows
 * its promises from now on; 4 both own in the one cut.
 *
 * Checked: two nodes are owners at the same moment only in the one cut that docs/ownership.md names:
 * when the second one became owner, one of them had reached the gateway with a question that it sent
 * after the other one had heard it for the last time, and had been in touch. With LIVE: from any
 * state on, when messages arrive, soon one node is owner, and only one.
 *
 * Not here: VRRP's Master_Down_Interval, the long grant of an upgrade, and the timers that decide
 * for a node that does not know its promises yet.
 */
#include "constants.h"

c_decl {
\#include "stand_in_rules.h"
}

#define QUESTIONS 4 /* two of each node */

/* Members: what they have promised. holder: 0 nobody, else node + 1. */
byte holder[NODES], left[NODES], epoch[NODES], silent[NODES];
byte boots;

/* Nodes. used: a bit for each epoch that the node ever wished for. */
byte wish[NODES], wish_epoch[NODES], used[NODES];
/* Its VRRP machine takes it for the owner. */
bit master[NODES];
/* What the peer has granted, and the gateway, for the present wish. */
byte granted[NODES], granted_epoch[NODES], by_gateway[NODES];

/* What it knows: see struct stand_in, stand_in_input and hokm_gateway. Ages, but for held. */
byte heard[NODES], since[NODES], unheard[NODES], asked_peer[NODES];
byte word[NODES], sign[NODES], seen[NODES], known[NODES];
byte held[NODES];
bit peer_barred[NODES];
byte counts_for[NODES], counts_length[NODES], asked[NODES], again[NODES];

/* The network, by sender; an age of 0: none is under way. */
byte probe_age[NODES], probe_wish[NODES], probe_epoch[NODES];
byte answer_age[NODES], answer_epoch[NODES], answer_held[NODES];
bit answer_barred[NODES];
byte question_age[QUESTIONS];

/* With ONCE: its daemon has had its step in this tick. */
bit acted[NODES];
/* Ticks until the clock of a node may differ again. */
byte even[NODES];

/*
 * For what is checked. after: the question was sent after the other node had heard this one for the
 * last time; reached: such a question was answered. gap: ticks since the node heard anybody.
 */
bit after[QUESTIONS], reached[NODES];
byte gap[NODES];
/* The node that was the owner before both were, and one. */
byte owner;
bit excused, safe, live;

c_code {
\#include "stand_in_steps.h"
}

/* One step, if it can be done: about node N and the number G. */
#define STEP(CAN, DO, N, G) \
	:: d_step { \
		c_expr { (CAN)(N, G) } -> \
		c_code { DO(N, G); check(); }; \
		assert(safe); \
		assert(live) \
	   }

/* A step of the daemon, with the fates of its pulse and of its question. */
#define FATES(CAN, DO, N, P) \
	STEP(CAN, DO, N, (P) + 0) \
	STEP(CAN, DO, N, (P) + 3) \
	STEP(CAN, DO, N, (P) + 4)
#define DAEMON(CAN, DO, N, A) \
	FATES(CAN, DO, N, (A) + 0) \
	FATES(CAN, DO, N, (A) + 10) \
	FATES(CAN, DO, N, (A) + 20) \
	FATES(CAN, DO, N, (A) + 30) \
	FATES(CAN, DO, N, (A) + 40) \
	FATES(CAN, DO, N, (A) + 50)

#define NODE(N) \
	STEP(can_hear, probe_arrives, N, 0) \
	STEP(can_learn, answer_arrives, N, 0) \
	STEP(can_answer, gateway_answers, N, 0) \
	STEP(can_answer, gateway_answers, N, 1) \
	DAEMON(can_beat, beat, N, 0) \
	DAEMON(can_claim, claim, N, 0) \
	DAEMON(can_claim, claim, N, 100) \
	DAEMON(can_release, release, N, 0) \
	STEP(can_boot, boot, N, 0)

/* Time: the clocks of the two nodes go on by A and B steps. */
#define TICK(A, B) STEP(can_tick, tick, A, B)

active proctype all()
{
	d_step { c_code { start(); check(); } }
	do
	NODE(0)
	NODE(1)
	TICK(1, 1)
	TICK(0, 1)
	TICK(2, 1)
	TICK(1, 0)
	TICK(1, 2)
	od
}
