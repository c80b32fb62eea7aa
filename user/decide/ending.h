/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When the players of a service that is down here are ended, so that they connect to a peer; pure.
 *
 * Only by the word of active checks (DESIGN rule 4), only when the process hangs (a dead one has no
 * sockets, one that answers wrongly may still serve who is there), and only when a peer can take
 * them. A server that says anything to any player does not hang: it is slow, as on a machine
 * without CPU to spare. One that hangs was silent for as long as the check waited for it.
 */
#ifndef HOKM_ENDING_H
#define HOKM_ENDING_H

#include <stdbool.h>
#include <stdint.h>

#include "hokm/names.h"

struct ending_input {
	enum hokm_svc_state health; /* by active checks */
	bool hung;                  /* ending_is_hung() of a check that is down */
	bool keep;                  /* on_marked_down = keep */
	bool peer_up;               /* the service is UP on a peer, whose daemon lives */
	uint64_t players;           /* by the last count */
	/* when it was last seen to say something to a player, or we began to look */
	uint64_t said_ns;
	uint64_t ended_ns;  /* when they were ended last; 0: not since it went down */
	uint64_t waited_ns; /* so long waited the check that came to no end */
	uint64_t now_ns;
};

#define ENDING_AGAIN_NS  1000000000ULL
#define ENDING_SILENT_NS 250000000ULL /* not a word for so long, at least */

/* A check that came to no end: somebody takes connections and says nothing. */
bool ending_is_hung(enum hokm_reason reason);
/* End them now. At once when it goes down, and each second while somebody is left. */
bool ending_due(const struct ending_input *in);

#endif
