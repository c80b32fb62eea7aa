/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The gateway stands in for the third member of two nodes (docs/ownership.md): when its answer to
 * an ARP request counts as a grant (hokm/grant.h), and when it is asked. Pure.
 *
 * A gateway answers everybody and remembers nothing. So what a member's promise excludes must be
 * excluded here, by what this node hears:
 *
 *   an owner     whose grants have not ended: an answer makes them longer. It asks when its peer's
 *                grant has only half its length left, and a pulse earlier where the gateway's is
 *                the later one: so one answer may be lost.
 *   a claimant   an answer counts only after the peer has shown no sign of life of any kind for as
 *                long as its grants may last, with this node in touch all that time, and an ARP
 *                request to the peer itself had no answer. Or, as without grants, when VRRP's
 *                Master_Down_Interval is over and the peer answers no pulses.
 *
 * Invariants
 *   - An answer counts from the sending of the oldest question that had none. One that comes later
 *     than a grant after its question, or than two newer questions, may count for a newer one.
 *   - In touch: the peer or the gateway was heard again and again, with no gap as long as a grant.
 *     A node that was paused or cut off begins to count anew. So does one that asked the gateway
 *     and heard nobody for a part of a grant: it was cut off, and the owner perhaps not. Where the
 *     timers decide, only the gap counts: a gateway may limit how often it answers.
 *   - An owner that has had no sign of its peer for STAND_IN_SOLE_NS uses an answer for longer, as
 *     a lease of VRRP lasts, so that a slow gateway or a restart moves nothing. A claimant that has
 *     had no answer of its peer for nearly as long waits for the longest grant, or for Master_Down.
 *   - A peer that has booted grants nobody, and claims nothing by grants, until it knows its
 *     promises. The owner uses an answer for STAND_IN_BARRED_GRANTS grants meanwhile, and the peer
 *     waits for as long in the second after it.
 *   - So two nodes own at once only if, within the length of a grant, both reached the gateway and
 *     neither heard the other in any way.
 */
#ifndef HOKM_DECIDE_STAND_IN_H
#define HOKM_DECIDE_STAND_IN_H

#include <stdbool.h>
#include <stdint.h>

#include "hokm/abi_grant.h"

/* After so long without its peer an owner is alone. */
#define STAND_IN_SOLE_NS 1000000000ULL

/* While the peer grants nobody an answer is used for so many grants. */
#define STAND_IN_BARRED_GRANTS 4

/* So soon an answer may have come. */
#define STAND_IN_LOOK_NS 2000000ULL

struct stand_in_conf {
	uint64_t length_ns;  /* of a grant */
	uint64_t longest_ns; /* that a member gives */
	uint64_t sole_ns;    /* so long an owner that is alone uses an answer */
	uint64_t pulse_ns;
	uint64_t each_ns; /* between two probes of this node, at the pace of the moment */
	uint64_t adver_ns;
};

/* All zero at the start. */
struct stand_in {
	uint64_t heard_ns;      /* the newest word of peer or gateway */
	uint64_t since_ns;      /* since when they were heard without a gap */
	uint64_t unheard_ns;    /* the first question to the gateway after that word; 0: none */
	uint64_t asked_peer_ns; /* the first ARP request to the peer after its newest sign; 0: none
				 */
	uint64_t last_ns;       /* when the gateway was asked last */
};

/* What is known at a moment. */
struct stand_in_input {
	bool owns;
	bool stands;          /* it is owner, or may become it */
	bool overdue;         /* Master_Down, or Skew_Time, is over */
	uint64_t longer_ns;   /* the owner asks for so long a grant; 0: no */
	uint64_t granted_ns;  /* the grants of a majority end then */
	uint64_t best_ns;     /* the latest end of a grant of the peer or the gateway */
	bool of_gateway;      /* which is the gateway's */
	bool peer_barred;     /* the peer answers that it does not know its promises yet */
	uint64_t barred_ns;   /* until then this node itself did not know its own */
	uint64_t answered_ns; /* the newest answer of the gateway */
	uint64_t sign_ns;     /* the newest sign of life of the peer, of any kind */
	uint64_t seen_ns;     /* when the newest pulse that it has answered was sent */
	uint64_t lease_ns; /* the end of its lease and of its promise to itself, as it said last */
};

struct stand_in_output {
	enum hokm_stand_in counts;
	uint64_t free_at_ns; /* a claim may count on it from then on; 0: an owner does */
	uint64_t length_ns;  /* of the grant that an answer is, and that an owner gives itself */
	uint64_t silent_ns;  /* CLAIMS: no sign of the peer that is newer may come */
	bool ask_gateway, ask_peer;
	uint64_t look_ns; /* look again then, an answer may have come or be lost; 0: no */
};

void stand_in_step(struct stand_in *s, const struct stand_in_conf *c,
		   const struct stand_in_input *in, uint64_t now_ns, struct stand_in_output *out);

/* The questions to the gateway, all of them. All zero at the start. */
struct stand_in_asked {
	uint64_t again_ns; /* a question that was sent while another one was open; 0: none */
};

/*
 * A question is sent now. Returns the moment from which the next answer counts: open_ns, that of a
 * question that is open (0: none is), or an older one than now, when an answer to one that was
 * asked again may still be on its way. After limit_ns none is.
 */
uint64_t stand_in_question(struct stand_in_asked *a, uint64_t open_ns, uint64_t limit_ns,
			   uint64_t now_ns);

#endif
