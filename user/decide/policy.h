/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Policy: from the health of the services here, what pulses say of the peers, and what the operator
 * asked for, to three answers: the state each service is shown in, whether this node may own the
 * VIP (FAULT or not), and who would be its successor. DESIGN rules 4 and 5.
 *
 * Health of a node is how many of its services are UP. A peer is healthier when more are. A peer
 * known by adverts alone (keepalived) counts as fully healthy: keepalived leaves the election by
 * itself when it is not.
 *
 * Not eligible, with its reason: LINK_DOWN; MAINT or OPERATOR (drain) while a live peer is healthy;
 * STARTED while a service here is in INIT, we are not MASTER and a live peer is there; SERVICE_DOWN
 * while a live peer is healthier. Eligible: SERVICE_UP, or PANIC_HOLD as MASTER with nothing UP
 * anywhere. A drained or maintained node shows no service UP, so that nobody thinks it healthy.
 */
#ifndef HOKM_POLICY_H
#define HOKM_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "hokm/names.h"
#include "decide/vrrp.h"

/*
 * One peer as sensed: pulses (map peers) and adverts. Slot order, unused slots have used = false.
 */
struct policy_peer {
	bool used;
	bool pulsing;      /* an answer within peer_dead_ns */
	bool daemon_fresh; /* its daemon showed life within daemon_stale_ns */
	bool adverts;      /* an advert passed the guard within its Master_Down_Interval */
	uint8_t priority;  /* effective by pulse, else configured */
	enum hokm_vrrp_state state;
	uint64_t lease_until_ns; /* our clock, 0 none */
	/*
	 * when the probe was sent that its newest answer answers (map peers, answer_sent_ns): what
	 * it says is at least that new
	 */
	uint64_t seen_ns;
	unsigned int n_up; /* how many of our services it says are UP */
	struct in_addr addr;
};

struct policy_input {
	unsigned int n_services;
	enum hokm_svc_state health[HOKM_MAX_SERVICES]; /* INIT, UP or DOWN by checks */
	enum hokm_reason health_reason[HOKM_MAX_SERVICES];
	bool drain; /* operator */
	bool maint;
	bool standby; /* operator gave the VIP away by hand: do not preempt it back */
	bool link_up;
	bool replica_cold; /* a live peer has not told all its connections yet */
	uint64_t warm_ns;  /* how long preemption waits for that at most */
	uint64_t waits_ns; /* policy_output.waits_ns of the last decision; 0: it did not wait */
	enum hokm_vrrp_state state; /* of our machine */
	struct in_addr owner;       /* whose adverts we follow */
	uint8_t own_priority;       /* as configured here */
	struct in_addr own_addr;
	struct policy_peer peers[HOKM_MAX_PEERS];
	uint64_t now_ns;
};

struct policy_output {
	enum hokm_svc_state svc[HOKM_MAX_SERVICES]; /* what map services and pulses show */
	bool eligible;                              /* false: FAULT */
	enum hokm_reason reason;                    /* why not eligible, or why again */
	bool panic;                                 /* nobody is healthy and we keep the VIP */
	bool may_preempt;
	/* since when only a cold replica keeps us from preempting; 0: it does not */
	uint64_t waits_ns;
	bool waits; /* and that is still so: afterwards we preempt without it */
	/* slot of the best healthy pulsing peer with a fresh daemon, or HOKM_NO_PEER */
	uint8_t successor;
	struct vrrp_view view; /* for the VRRP machine */
};

void policy_decide(const struct policy_input *in, struct policy_output *out);

#endif
