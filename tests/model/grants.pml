/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Model of the lease by grants (include/hokm/grant.h), for spin. Members 0 to NODES - 1 are nodes,
 * the others are witnesses. Each step is one event: a tick of time, a probe or an answer that
 * arrives, or a thing that one machine does.
 *
 * The network: the newest probe and the newest answer of each pair lie there and may arrive at any
 * time, again and again, or never. So messages are lost, delayed, reordered and duplicated. With
 * REPLAY an older probe of each pair lies there too.
 *
 * Clocks: at each tick the clock of a machine goes on by one step. Once in LENGTH ticks it may go
 * on by none or by two. Promises and grants are counted on the clock of the machine that has them.
 *
 * Machines: they crash and boot, and lose what they knew; they do nothing for any time, while their
 * clock goes on; a node without a daemon is one that sends nothing more.
 *
 * With LONG a node may ask for a longer grant, as before an upgrade, and for the ordinary one again.
 *
 * With PAUSES a machine may be stopped together with its clock, as a hypervisor does it, and go on
 * later behind the others. Messages wait for it. No gate of its kernel decides meanwhile. What others
 * say of their promises ends the wish of a node whose clock has lost time (hokm_grants_void()).
 *
 * With LATE, which needs REPLAY, a member tells by the sending times of probes which wish of a node
 * is the newest one. One that comes later and was sent earlier is a late wish.
 *
 * It begins with a free VIP; with OWNED node 0 owns, by the grants of all members.
 *
 * Checked: two nodes are never owners at the same moment. One exception: a node that was paused while
 * it wished to own may be one beside another, for as long as lasts what it had asked for before, on
 * its own clock, and until a word reaches it that proves the pause. And no such word comes to a node
 * whose clock has lost no time. With LIVE: from any state on, when no
 * message is lost any more and a majority runs, a node is owner soon. The rule by which nodes claim
 * is a simple one there; safety holds whatever they do.
 */
#include "constants.h"

c_decl {
\#include "rules.h"
}

/* Members: what they have promised. holder: 0 nobody, else node + 1. */
byte holder[MEMBERS], left[MEMBERS], epoch[MEMBERS], silent[MEMBERS];
/* Ticks until the clock of a machine may differ again. */
byte even[MEMBERS];
/* How often a machine has booted. */
byte boots;

/* Nodes. used: a bit for each epoch that the node ever wished for. */
byte wish[NODES], wish_epoch[NODES], used[NODES];
/* What the members have granted to them, by node * MEMBERS + member. */
byte granted[NODES * MEMBERS], granted_epoch[NODES * MEMBERS];

/* The network, by node * MEMBERS + member; a wish of 0: no probe. */
byte probe_wish[NODES * MEMBERS], probe_epoch[NODES * MEMBERS], probe_left[NODES * MEMBERS];
byte answer_epoch[NODES * MEMBERS], answer_left[NODES * MEMBERS];
#ifdef LONG
/* Nodes that ask for the long grant, and probes that do. */
bit longer[NODES], probe_longer[NODES * MEMBERS];
#endif
#ifdef REPLAY
byte old_wish[NODES * MEMBERS], old_epoch[NODES * MEMBERS];
#endif
#ifdef LATE
/* How old a probe is, on the clock of its node, and the newest wish at a member. 0: none. */
byte probe_age[NODES * MEMBERS], old_age[NODES * MEMBERS];
byte newest_epoch[NODES * MEMBERS], newest_age[NODES * MEMBERS];
#endif

#if PAUSES
/* Machines that are stopped, and whether their clocks have lost time by it. */
bit paused[MEMBERS], lost[MEMBERS];
byte pauses;
/* Nodes: what is left of that which it had asked for before its pause, on its clock. */
byte stale[NODES];
/* Its clock has lost time while it ran. */
bit stood[NODES];
/* The epoch with which its wish began, and whether a proof has ended it. */
byte since[NODES];
bit ended[NODES];
/* The network: since when the sender of the newest probe owned, and whether the probe was sent after
 * the last answer that granted had come; an answer to such a one that grants nothing. */
byte probe_since[NODES * MEMBERS];
bit probe_after[NODES * MEMBERS];
byte word_of[NODES * MEMBERS], word_epoch[NODES * MEMBERS];
#endif
/* A proof came to a node whose clock has lost no time. */
bit wrong;

/* Nodes that are owners, without those that the exception allows. */
byte n_owners;
bit live;

c_code {
\#include "stood.h"
\#include "steps.h"
}

/* One step, if it can be done: about node N, member M and the number G. */
#define STEP(CAN, DO, N, M, G) \
	:: d_step { \
		c_expr { (CAN)(N, M, G) } -> \
		c_code { DO(N, M, G); now.n_owners = owners(); now.live = lives(); }; \
		assert(n_owners <= 1); \
		assert(!wrong); \
		assert(live) \
	   }

#if PAUSES
#define WORD(N, M) STEP(can_take_word, word_arrives, N, M, 0)
#else
#define WORD(N, M)
#endif

#define NETWORK(N, M) \
	WORD(N, M) \
	STEP(can_hear, probe_arrives, N, M, 0) \
	STEP(can_learn, answer_arrives, N, M, 0) \
	STEP(can_replay, replay, N, M, 0)

#define NODE(N) \
	STEP(can_claim, claim, N, N, 1) \
	STEP(can_claim, claim, N, N, 2) \
	STEP(can_claim, claim, N, N, 3) \
	STEP(can_raise, raise_epoch, N, N, 2) \
	STEP(can_raise, raise_epoch, N, N, 3) \
	STEP(can_renew, renew, N, N, 0) \
	STEP(can_lengthen, lengthen, N, N, 0) \
	STEP(can_release, release, N, N, 0)

#if PAUSES
#define PAUSE(M) \
	STEP(can_pause, pause_machine, 0, M, 0) \
	STEP(can_wake, wake, M, M, 0)
#else
#define PAUSE(M)
#endif

/* Time: the clocks of the three machines go on by A, B and C steps. */
#define TICK(A, B, C) STEP(can_tick, tick, A, B, C)
#define TICKS(A, B)   TICK(A, B, 0) TICK(A, B, 1) TICK(A, B, 2)
#define TICKS_OF(A)   TICKS(A, 0) TICKS(A, 1) TICKS(A, 2)

active proctype all()
{
#ifdef OWNED
	d_step { c_code { start(); } }
#endif
	do
	NETWORK(0, 1)
	NETWORK(0, 2)
	NETWORK(1, 0)
	NETWORK(1, 2)
	NODE(0)
	NODE(1)
#if NODES == 3
	NETWORK(2, 0)
	NETWORK(2, 1)
	NODE(2)
#endif
	STEP(can_boot, boot, 0, 0, 0)
	STEP(can_boot, boot, 0, 1, 0)
	STEP(can_boot, boot, 0, 2, 0)
	PAUSE(0)
	PAUSE(1)
	PAUSE(2)
	TICKS_OF(0)
	TICKS_OF(1)
	TICKS_OF(2)
	od
}
