/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A group of nodes under a simulated clock: the real VRRP machine and the real policy, each fed as
 * the daemon feeds them, over a network that loses, delays and parts, with kernels that answer
 * pulses though their daemon may be stopped, gone or late.
 *
 *   node = kernel (lease, socket's queue, map peers) + daemon (machine, pulse timer)
 *   grants: with `majority` so many of the nodes must grant (vrrp_grants_sim.c)
 *   network: per direction and kind (adverts, pulses) loss and delay; a cut stops a kind altogether
 *
 * Time goes in ticks. Nothing here is random but sim_random(), from a seed.
 */
#ifndef HOKM_VRRP_SIM_H
#define HOKM_VRRP_SIM_H

#include "decide/grants.h"
#include "decide/policy.h"
#include "decide/vrrp.h"

#define SIM_MS       1000000ULL
#define SIM_TICK_NS  (SIM_MS / 4)
#define SIM_NODES    3
#define SIM_QUEUE    64
#define SIM_INFLIGHT 256
#define SIM_ADVER_NS (100 * SIM_MS)
#define SIM_PULSE_NS (10 * SIM_MS)
#define SIM_STALE_NS (25 * SIM_MS) /* pulses that are not cut say something at least this new */

enum sim_kind { SIM_ADVERT, SIM_PROBE, SIM_ANSWER };

/* What a probe wishes of a member, and its answer adds. */
struct sim_wish {
	enum hokm_wish wish;
	uint64_t epoch, length_ns;
	enum hokm_verdict verdict;
	uint64_t greatest, held_ns; /* its epoch; the rest of its promise to a third node */
};

struct sim_packet {
	enum sim_kind kind;
	uint8_t from, to;
	uint64_t at_ns; /* arrives */
	struct vrrp_advert advert;
	uint64_t sent_ns; /* probe and answer: of the probe */
	uint64_t lease_left_ns;
	bool fresh; /* answer: its daemon showed life */
	bool announces;
	uint8_t state, priority;
	unsigned int n_up;
	struct sim_wish wish;
};

struct sim_peer {
	uint64_t seen_ns, answered_ns, lease_until_ns;
	bool fresh, announces;
	uint8_t state, priority;
	unsigned int n_up;
	uint64_t advert_ns;
};

struct sim_node {
	/* kernel: lost when the node dies */
	bool dead;
	uint64_t lease_until_ns;
	uint64_t daemon_ns;
	uint8_t state;
	bool announces;
	struct vrrp_advert queue[SIM_QUEUE];
	unsigned int queued;
	struct sim_peer peers[SIM_NODES];
	struct hokm_grants map;
	/* daemon */
	bool running; /* there is a process */
	bool frozen;  /* it gets no CPU */
	bool standby;
	bool service_up;
	struct vrrp v;
	struct policy_output policy;
	struct grants g;
	struct grants_output out;
	uint64_t pulse_at_ns;
	/* watched */
	uint64_t took_ns;  /* its lease began */
	uint64_t slept_ns; /* its daemon lost the CPU, or ended */
	uint64_t woke_ns;  /* its daemon got the CPU back, or started */
};

struct sim {
	uint64_t now_ns;
	uint64_t random;
	unsigned int n;
	unsigned int majority;                    /* 0: VRRP's timers decide */
	bool pulses;                              /* the group has them at all */
	unsigned int advert_loss, pulse_loss;     /* percent; of pulses never two in a row */
	uint64_t advert_delay_ns, pulse_delay_ns; /* at most */
	bool cut_adverts[SIM_NODES][SIM_NODES], cut_pulses[SIM_NODES][SIM_NODES];
	struct vrrp_conf conf;
	struct sim_node nodes[SIM_NODES];
	struct sim_packet air[SIM_INFLIGHT]; /* in no order */
	unsigned int n_air;
};

/* n nodes of priorities 150, 128, 100, all down. */
void sim_init(struct sim *s, unsigned int n, uint64_t seed);
uint64_t sim_random(struct sim *s, uint64_t below);

/* Starts node i's daemon: first boot, after a crash or after sim_kill(). */
void sim_start(struct sim *s, unsigned int i);
void sim_crash(struct sim *s, unsigned int i); /* the daemon, not the kernel */
void sim_kill(struct sim *s, unsigned int i);  /* the node */
void sim_freeze(struct sim *s, unsigned int i, bool frozen);
void sim_stop(struct sim *s, unsigned int i); /* the daemon, in good order */
void sim_event(struct sim *s, unsigned int i, enum vrrp_event_kind kind, enum hokm_reason reason);

void sim_tick(struct sim *s);
bool sim_owns(const struct sim *s, unsigned int i);
unsigned int sim_owners(const struct sim *s);
struct in_addr sim_addr(unsigned int i);

/* For vrrp_sim.c. Without a majority they do nothing. */
void sim_grants_boot(struct sim *s, unsigned int i);
void sim_grants_start(struct sim *s, unsigned int i);
void sim_grants_answer(struct sim *s, const struct sim_packet *probe, struct sim_packet *out);
void sim_grants_take(struct sim *s, const struct sim_packet *p);
void sim_grants_view(const struct sim *s, unsigned int i, struct vrrp_view *v);
/* Node j has just booted, as far as node i knows, and grants nothing yet. */
bool sim_grants_silent(const struct sim *s, unsigned int i, unsigned int j);
bool sim_grants_run(struct sim *s, unsigned int i, bool tick);
uint64_t sim_owner_until_ns(const struct sim_node *n);

#endif
