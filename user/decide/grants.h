/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The asking side of grants (docs/architecture.md): when this node wishes for the grants of the
 * members, with which epoch, and when it gives them back. A pure machine. hokm/grant.h has the
 * answering side; the XDP program counts the answers (struct hokm_grants).
 *
 *   IDLE       wishes for nothing
 *   CLAIMING   is not owner, and asks for the grants in quick succession
 *   OWNING     is owner, and renews the grants with every pulse
 *   RELEASING  gives them back: from here on each member may grant another node
 *
 * Invariants
 *   - RELEASING begins only when the caller says that this node is neither owner nor on the way to
 *     it: its lease in map own has ended by then.
 *   - An epoch is released once at most. A new claim has an epoch above all that were seen, and
 *     above those of wishes that a proof has ended (hokm_grants_void()).
 *   - The epoch of an owner may grow while it owns (output.raise): the grants that run stay its
 *     own, because nothing was released since they were made.
 *   - A claim begins only when the promise of this node itself is free and the newest answers of
 *     enough other members, so that a claim without a chance raises no epoch.
 *   - A claimant that was held up itself lets the owner's next pulse come first.
 *   - A claim lasts GRANTS_CLAIMS lengths at most. Two claimants try again after different times.
 *   - An output with `wish` OWN is for the present moment: a caller that was held up asks anew.
 */
#ifndef HOKM_DECIDE_GRANTS_H
#define HOKM_DECIDE_GRANTS_H

#include <stdbool.h>
#include <stdint.h>

#include "hokm/abi_grant.h"

/* The longest claim, in lengths of a grant. */
#define GRANTS_CLAIMS 2

struct grants_conf {
	unsigned int majority; /* members that must grant, this node among them; 0: grants are off
				*/
	uint32_t slots;        /* bit by slot: the other members */
	uint32_t stand_in;     /* the bit of a member that promises nothing (stand_in.h), or 0 */
	uint64_t length_ns;    /* of a grant */
	uint64_t pulse_ns;     /* between two probes, while anything goes on */
	/* nodes of a higher priority, the former owner not counted: so many pulses a claim waits */
	unsigned int rank;
	uint32_t seed; /* differs between the nodes */
};

enum grants_phase { GRANTS_IDLE, GRANTS_CLAIMING, GRANTS_OWNING, GRANTS_RELEASING };

/* All zero at the start. */
struct grants {
	enum grants_phase phase;
	uint64_t epoch;         /* of the wish */
	uint64_t since_ns;      /* when the phase began */
	uint64_t kept_until_ns; /* a member may keep a promise to this node until then */
	uint64_t not_before_ns; /* no new claim before it */
	uint64_t probe_at_ns;   /* CLAIMING, RELEASING: the next probe beside the pulses */
	uint64_t probe_gap_ns;  /* from that one to the one after it */
	unsigned int failed;    /* claims that failed since this node was owner */
	uint64_t late_for_ns; /* the claim that came too late, and waits for a pulse of the owner */
	uint64_t lapsed_ns;   /* OWNING: when it was noticed that the grants have ended; 0: not */
};

/* What the map says at a moment. */
struct grants_view {
	bool free;           /* a claim would have a chance: enough members have no other owner */
	uint64_t free_at_ns; /* since when, or when it will be so as far as known; 0: always was */
	bool known;          /* false: too few members have answered to know free_at_ns */
	uint64_t granted_until_ns; /* a majority grants until then; 0 or past: it does not */
	unsigned int in_touch;     /* members that answered lately and take part, and this node */
};

struct grants_input {
	bool wants; /* it is owner, or the way to the VIP is open to it (vrrp.h) */
	bool owns;  /* it is owner */
	bool named; /* it is the successor that the owner named: the claim waits for nobody */
	bool tick;  /* a pulse is due: its probe is sent after this step */
	uint64_t longer_ns; /* OWNING: ask for so long a grant instead; 0: no */
};

struct grants_output {
	enum hokm_wish wish;
	uint64_t epoch;
	uint64_t length_ns;
	bool self;        /* carry the wish out on the promise of this node itself */
	bool raise;       /* OWNING: the grants that run count for the new epoch */
	bool probe;       /* send a probe to the members now */
	uint64_t next_ns; /* step again at this time; 0: with the next pulse */
};

/*
 * Its settings forbid the member to grant what is asked for: it takes no part, or not for so long.
 * It says the longest time in every answer that grants nothing, so the answer to this question is
 * the same whether anything is wished just now or not.
 */
bool grants_member_unwilling(const struct grants_conf *c, const struct hokm_granted *m);
/* Of the two the second: it grants for m->longest_ns at most. */
bool grants_member_too_short(const struct grants_conf *c, const struct hokm_granted *m);
void grants_look(const struct grants_conf *c, const struct hokm_grants *map, uint64_t now_ns,
		 struct grants_view *out);
/*
 * OWNING, and the grants have ended a moment ago. A node that was held up, as all of a busy machine
 * may be, asks once more for a length of a grant. Its packet path has stopped owning meanwhile, and
 * the members grant it again only if they have granted nobody since. True: it is no loss yet.
 */
bool grants_may_return(const struct grants *g, const struct grants_conf *c,
		       const struct hokm_grants *map, uint64_t now_ns);
void grants_step(struct grants *g, const struct grants_conf *c, const struct hokm_grants *map,
		 const struct grants_input *in, uint64_t now_ns, struct grants_output *out);
/*
 * An earlier daemon left the map: continues its wish, if a majority grants it still. Else the next
 * claim has another epoch.
 */
void grants_adopt(struct grants *g, const struct grants_conf *c, const struct hokm_grants *map,
		  uint64_t now_ns);
const char *grants_phase_name(enum grants_phase phase);

#endif
