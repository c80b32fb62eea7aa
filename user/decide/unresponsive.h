/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When the connections of an unresponsive service are terminated, so that their clients connect to
 * a peer. A pure function of its input; it keeps no state.
 *
 * A service is unresponsive when its process is stopped or stuck: the kernel still accepts
 * connections for it, but nothing answers. All of these must hold:
 *
 *   - active checks say DOWN (rule 4, docs/architecture.md: passive signals do not suffice);
 *   - the last failed check ended without an answer (a process that is dead has no sockets, and a
 *     process that gives a wrong answer may still serve the players who are connected);
 *   - the server has sent nothing to any player for as long as that check waited, and for at least
 *     UNRESPONSIVE_SILENT_NS (a server that sends is only slow, as on a machine short of CPU);
 *   - a peer is UP to take the clients, and the configuration does not say on_marked_down = keep.
 *
 * A server that sends something to some of its players may yet serve no new ones: one of its
 * processes is stuck, or it may open no more files, so that the kernel accepts connections and the
 * server never does. Then the other conditions suffice for those whose upgrade request has waited
 * for as long as that check, and longer than this service takes for upgrades: than `after` of the
 * signal upgrade, and than twice the recent median, of which at most 10 times `after` counts
 * (observe_after_ns()). So who waits at a server that takes longer than that for each upgrade is
 * terminated too, when the check got no answer. They are no players yet, and a client of WebSocket
 * has no time limit of its own, as a rule.
 *
 * Timer of the caller: it asks again at least every UNRESPONSIVE_AGAIN_NS.
 */
#ifndef HOKM_UNRESPONSIVE_H
#define HOKM_UNRESPONSIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "hokm/names.h"

#define UNRESPONSIVE_AGAIN_NS  1000000000ULL /* between two rounds, while players are left */
#define UNRESPONSIVE_SILENT_NS 250000000ULL  /* the server must have been silent for this long */

struct unresponsive_input {
	enum hokm_svc_state health; /* by active checks */
	bool no_answer;             /* unresponsive_reason() of a check that is down */
	bool keep;                  /* on_marked_down = keep */
	bool peer_up;               /* the service is UP on a peer whose daemon is alive */
	uint64_t players;           /* connections at the last count */
	/*
	 * when the server last sent something to a player, at first: when this began to be watched
	 */
	uint64_t active_ns;
	uint64_t terminated_ns; /* last round; 0: none since the service went down */
	uint64_t waiters_ns;    /* last look for those who wait; 0: none since then */
	uint64_t pace_ns;       /* an upgrade is late after this time: observe_after_ns() */
	uint64_t waited_ns;     /* for how long the check that got no answer waited */
	uint64_t now_ns;
};

/* True for the reasons of a check that got no answer: CHECK_TIMEOUT, CHECK_PONG. */
bool unresponsive_reason(enum hokm_reason reason);
/*
 * True when the connections are to be terminated now: at once when the conditions hold, and again
 * every UNRESPONSIVE_AGAIN_NS while players are left.
 */
bool unresponsive_due(const struct unresponsive_input *in);
/*
 * The connections of those whose upgrade request came before *before_ns and has no answer are to be
 * terminated now: every UNRESPONSIVE_AGAIN_NS. Asked when unresponsive_due() says no.
 */
bool unresponsive_waiters_due(const struct unresponsive_input *in, uint64_t *before_ns);

#endif
