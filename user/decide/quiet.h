/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Quiet ticks. A tick of the pulse always sends its probes. Everything else that the daemon does is
 * done at once when there is news, and else at a slower clock: nearly all ticks have no news, and a
 * whole settle costs more than the probes.
 *
 * A tick is quiet, and settles nothing, only if all of this is true:
 *   - the turn before it was a tick too: no handler of anything else has run since;
 *   - the last whole settle left nothing under way that goes on at the rate of the pulse (`calm`);
 *   - what the kernel says of the peers, of the grants and of the arbiter is the same as then
 *     (struct quiet_seen): each field is a fact at this moment, so a peer that became silent, or a
 *     promise that ran out, is news at the same tick as without this rule;
 *   - the last whole settle is not longer ago than QUIET_NS, and no part is due.
 *
 * Samples of the passive checks are due more often than that, in profile fast at each second tick.
 * A quiet tick takes them. One that says something new of a service makes the tick a whole settle.
 *
 * Pure. daemon/quiet_tick.h fills in what is seen.
 */
#ifndef HOKM_DECIDE_QUIET_H
#define HOKM_DECIDE_QUIET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "decide/grants.h"
#include "decide/peer_sight.h"
#include "decide/vrrp.h"
#include "hokm/abi.h"

/* The slower clock. */
#define QUIET_NS 250000000ULL

/* What a peer says in its pulses that is no time: in struct hokm_peer from `mac` to the end. */
#define QUIET_SAYS (sizeof(struct hokm_peer) - offsetof(struct hokm_peer, mac))

struct quiet_peer {
	bool used;
	struct peer_sight sight; /* but the time of it */
	bool path_dead;          /* its connections are over for the packet path too */
	bool on_segment;
	bool deaf;
	bool holds; /* its lease has not ended */
	uint64_t epoch;
	uint64_t since_ns; /* of its first answer after a silence */
	unsigned char says[QUIET_SAYS];
};

struct quiet_seen {
	struct quiet_peer peers[HOKM_MAX_PEERS];
	/* What the grants say to the VRRP machine. */
	bool granted, free, occupied, absent_holds, lapsed, barred;
	bool pulses;           /* of any peer: the XDP program is there, for only it notes them */
	bool gateway_peer;     /* a peer is heard, as the arbiter asks for */
	bool replica_complete; /* all connections of the peers are known */
};

/* All zero at the start: not calm. */
struct quiet {
	bool calm;
	uint64_t due_ns;    /* the next whole settle */
	uint64_t sample_ns; /* the next sample of the passive checks; 0: none is due */
	uint64_t count;     /* quiet ticks since the start */
	struct quiet_seen seen;
};

/*
 * No step of the machine waits for anything but its timer, an advert, or news; or for the end of
 * the owner's grants, for which the node looks at each tick, also at quiet ones.
 */
bool quiet_vrrp(const struct vrrp *v);
bool quiet_grants(const struct grants *g);

/* A turn that is no tick. */
void quiet_disturb(struct quiet *q);
/* A whole settle at a tick has ended. next_ns: when a part is due; 0: none. */
void quiet_settled(struct quiet *q, bool calm, uint64_t next_ns, uint64_t now_ns);
/* Samples were taken as far as they were due. next_ns: when the next one is; 0: none is. */
void quiet_sampled(struct quiet *q, uint64_t next_ns);
/* Is a sample due? */
bool quiet_samples(const struct quiet *q, uint64_t now_ns);
/* May this tick be quiet, if nothing else is seen? */
bool quiet_may(const struct quiet *q, uint64_t now_ns);
/* It may, and this is seen: is it? */
bool quiet_is(const struct quiet *q, const struct quiet_seen *now);

#endif
