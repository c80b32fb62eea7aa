/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Policy: which state each service shows, whether this node may own the VIP, whether it may
 * preempt, and who is its successor. A pure function of what the checks, the pulses, the adverts
 * and the operator say (rules 4 and 5, docs/architecture.md); it keeps no state.
 *
 * The health of a node is how many of its services are UP. A peer is healthier when it has more of
 * them. A peer known by adverts alone (keepalived) counts as fully healthy, because keepalived
 * leaves the election by itself when it is not. A peer is alive when its adverts come or, once it
 * answers pulses, when its daemon is fresh and has left INIT, unless the hook of its operator
 * refuses that it becomes owner: the VIP is handed over to nobody who would not take it. A peer
 * that is alive is fit unless it is in FAULT, which has reasons of its own, as an arbiter that bars
 * it: it would not take the VIP.
 *
 * May this node own the VIP? The first row that applies decides; "no" means VRRP state FAULT.
 *
 *   condition                                                        answer, reason
 *   the interface has no link                                        no, LINK_DOWN
 *   nothing was heard since the link came (segment.h)                no, SEGMENT_SILENT
 *   its path is lost, and a peer is fit, or owns (path_keeps_away)   no, PATH_LOST
 *   it is unpinned, and a peer is no worse (unpinned_keeps_away)     no, PATH_LOST
 *   maintenance, and a peer that is fit is healthy                   no, MAINT
 *   drain, and a peer that is fit is healthy                         no, OPERATOR
 *   maintenance or drain, and no such peer                           yes, reason as below
 *   a service is in INIT, a peer is alive, this node is not owner    no, STARTED
 *   a peer that is fit is healthier                                  no, SERVICE_DOWN
 *   nothing is UP or INIT here, and a lesser peer owns unseen        no, SERVICE_DOWN
 *   owner without a service UP or INIT, a peer is mute, not offered  no, SERVICE_DOWN: the offer
 *   the offer runs, and no service is UP here                        no, SERVICE_DOWN
 *   owner, no service is UP or INIT here, or UP at a fit peer        yes, PANIC_HOLD
 *   otherwise                                                        yes, SERVICE_UP
 *
 * By grants, a peer that has just started can be granted nothing yet: an owner hands over to it
 * when it can. Until then it is not fit for an owner, whatever the owner would leave for.
 *
 * Two owners, as after a partition, of which one sees the adverts of the other and no pulses: the
 * election decides which one stays, for nothing is known of the other's health. But the better one
 * stays only if it can serve.
 *
 * A service in INIT is not known to be bad: an owner keeps the VIP meanwhile, so that a restart or
 * a reload moves nothing. A node that is drained or in maintenance shows no service as UP, so that
 * no peer considers it healthy.
 *
 * The offer. A keepalived that is backup is mute: it sends nothing, so nothing is known of it. It
 * is neither healthy nor dead. An owner whose services are all DOWN hands the VIP over to it once,
 * and waits for offer_ns. If the peer takes the VIP, its adverts count from then on. If nobody
 * does, this node is eligible again, and keeps the VIP until a service of its own was UP.
 *
 * Timers of the caller: panic_after_ns, for a peer in FAULT that leaves it because this node became
 * no healthier than the peer is. It starts when panic_ns becomes non-zero. And warm_ns, how long a
 * cold replica may delay preempting. It starts when waits_ns becomes non-zero, and the caller
 * passes waits_ns in again.
 */
#ifndef HOKM_POLICY_H
#define HOKM_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "hokm/names.h"
#include "decide/vrrp.h"

/* What pulses (map peers) and adverts say of one peer. Its index is its slot. */
struct policy_peer {
	bool used;         /* false: no peer has this slot */
	bool pulsing;      /* it answered a pulse within peer_dead_ns */
	bool daemon_fresh; /* its daemon showed a sign of life within daemon_stale_ns */
	bool deaf;         /* hokm-xdp, and without fresh answers of this node */
	bool adverts;      /* an advert of it was accepted within its Master_Down_Interval */
	bool advertises;   /* one was heard in that time, accepted or not: it owns, or claims to */
	bool refuses;      /* its operator's hook refuses that it becomes owner */
	bool announces;    /* its pulses say that it becomes owner, or is */
	bool silent;       /* by grants: it has just started, and can be granted nothing yet */
	bool steers;       /* what it steers to this node arrives here */
	bool mute;         /* not known to answer pulses: keepalived, or never seen */
	bool replicates;   /* its replication messages arrive: hokm-xdp, and its daemon is alive */
	/*
	 * hokm-xdp, and answers no pulses now, but its adverts come, and its replication shows that
	 * they are of a node that is alive: it is owner. Of its health nothing is known.
	 */
	bool owns_unseen;
	bool firm; /* its adverts say: hokm-xdp, and gives way to no node that it does not see */
	uint8_t priority; /* as the pulses say, else as configured */
	enum hokm_vrrp_state state;
	uint64_t lease_until_ns; /* end of its lease in our clock; 0: none */
	/*
	 * when the probe was sent that its newest answer belongs to: the answer is at least so new
	 */
	uint64_t seen_ns;
	unsigned int n_up;    /* how many of our services are UP there, by pulse */
	unsigned int last_up; /* by its last pulse, however old; 0: it could not own then */
	struct in_addr addr;
};

struct policy_input {
	unsigned int n_services;
	enum hokm_svc_state health[HOKM_MAX_SERVICES]; /* INIT, UP or DOWN, by active checks */
	enum hokm_reason health_reason[HOKM_MAX_SERVICES];
	bool drain;    /* the operator drains this node */
	bool maint;    /* the operator has put it into maintenance */
	bool standby;  /* the operator gave the VIP away by `failover`: do not preempt */
	bool relapsed; /* its services failed again and again: do not preempt yet (relapse.h) */
	bool link_up;
	bool silent;             /* nothing was heard since the link came, as on an island */
	enum hokm_reason barred; /* why the arbiter forbids it (arbiter.h, tie.h); NONE */
	bool path_lost; /* something is gone in the kernel without which it is no good owner */
	/*
	 * All works, and would end with the daemon. Where the peer steers, its players go on there.
	 */
	bool unpinned;
	bool replica_cold;   /* a peer that is alive has not replicated all its connections yet */
	uint64_t warm_ns;    /* how long a cold replica delays preempting at most */
	uint64_t waits_ns;   /* policy_output.waits_ns of the last decision */
	uint64_t offer_ns;   /* how long the VIP is offered to a mute peer */
	uint64_t offered_ns; /* policy_output.offered_ns of the last decision */
	uint64_t gave_up_ns; /* policy_output.gave_up_ns of the last decision */
	uint64_t left_unpinned_ns; /* policy_output.left_unpinned_ns of the last decision */
	/* how long no node must be healthy until that is a panic */
	uint64_t panic_after_ns;
	uint64_t panic_ns;          /* policy_output.panic_ns of the last decision */
	enum hokm_vrrp_state state; /* of this node's VRRP machine */
	struct in_addr owner;       /* the node whose adverts this node follows; 0: none */
	uint8_t own_priority;       /* as configured for this node */
	struct in_addr own_addr;
	struct policy_peer peers[HOKM_MAX_PEERS];
	uint64_t now_ns;
};

struct policy_output {
	enum hokm_svc_state svc[HOKM_MAX_SERVICES]; /* what the map services and pulses show */
	bool eligible;                              /* may own the VIP; false: FAULT */
	enum hokm_reason reason;                    /* why it is eligible, or why not */
	bool panic;        /* owner with no healthy node anywhere, for panic_after_ns */
	uint64_t panic_ns; /* since when there is none; 0: there is one */
	bool may_preempt;
	/* since when a cold replica is all that keeps this node from preempting; 0: it is not */
	uint64_t waits_ns;
	/*
	 * when an owner without a service UP handed the VIP over; 0: not, or a service was UP since
	 */
	uint64_t offered_ns;
	/* when this node gave the VIP up for its lost path, which is lost since; 0: not */
	uint64_t gave_up_ns;
	/* when it left first, as owner, because it is unpinned, which it is since; 0: not */
	uint64_t left_unpinned_ns;
	bool peer_serves; /* a peer owns that is not less healthy than this node */
	bool waits;       /* preempting is delayed now; false when warm_ns is over */
	/*
	 * slot of the healthiest peer with pulses and a fresh daemon, one in FAULT only if there is
	 * no other; HOKM_NO_PEER: none
	 */
	uint8_t successor;
	struct vrrp_view view; /* input of the VRRP machine */
};

/* Fills *out from *in. Never fails. */
void policy_decide(const struct policy_input *in, struct policy_output *out);

#endif
