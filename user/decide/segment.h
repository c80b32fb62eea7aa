/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Does the port of this node forward frames? After the link comes a switch may forward nothing for
 * 30 s (spanning tree). A node that became owner on such an island would have players of its own
 * when the port opens, or be a second owner. So after its link came a node is not owner before the
 * first of these proves that frames arrive, or the delay is over. Pure.
 *
 *   a sign of life of a peer            SEGMENT_PEER
 *   ARP of another host, such as the gateway's answer, or a packet of a client   SEGMENT_FRAME
 *   start_delay is over            SEGMENT_DELAY
 *
 * A switch sends frames of its own through a port that forwards nothing, but no ARP. A proof holds
 * until the link is lost.
 */
#ifndef HOKM_SEGMENT_H
#define HOKM_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

enum segment_proof { SEGMENT_NONE, SEGMENT_PEER, SEGMENT_FRAME, SEGMENT_DELAY };

struct segment {
	enum segment_proof proof;
	uint64_t since_ns; /* when the link was first seen; 0: there is none */
	uint64_t frames;   /* that had been counted then */
};

/* What is known now. */
struct segment_seen {
	bool link_up;
	uint64_t peer_ns; /* the newest sign of life of any peer; 0: none */
	uint64_t frames; /* ARP of other hosts and packets of clients, counted; not less than before
			  */
	uint64_t delay_ns;
};

/* The link was lost: what was proven counts no more. */
void segment_lost(struct segment *s);
/* The answer; SEGMENT_NONE: the node waits. */
enum segment_proof segment_step(struct segment *s, const struct segment_seen *seen,
				uint64_t now_ns);

#endif
