/* SPDX-License-Identifier: GPL-2.0-only */
/* See settle.h: read settle() at the end of this file first. */
#include <string.h>
#include <systemd/sd-daemon.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/probe.h"
#include "base/timer.h"
#include "daemon/conflict.h"
#include "daemon/daemon.h"
#include "daemon/interface.h"
#include "daemon/policy_input.h"
#include "daemon/quiet_tick.h"
#include "daemon/reload.h"
#include "daemon/settle.h"
#include "daemon/traffic_watch.h"
#include "daemon/upgrade.h"
#include "daemon/vrrp_actions.h"

/* Stopping: how long to wait for a successor, and for its gratuitous ARP. */
#define STOP_WAIT_NS   (2 * NS_PER_S)
#define STOP_LINGER_NS (300 * NS_PER_MS)
/* An advert leads to SENT, and SENT to no advert: two rounds. The bound is against mistakes. */
#define VRRP_ROUNDS 4

/* ---- sense ---- */

/* True when the health of a service changed. */
static bool sense_services(struct daemon *d)
{
	uint64_t now_ns = clock_now_ns();

	check_runner_take(&d->checks, now_ns);
	d->node.terminating = !ender_idle(d->session_end.ender);
	traffic_watch(&d->node, d->node.inbox.refused, d->node.inbox.turned_away, now_ns);
	return check_runner_run(&d->checks, now_ns);
}

/* A lease that was taken before may last longer than this node may own now. */
static void sense_etcd(struct daemon *d)
{
	struct apply_want *want = &d->node.want;

	etcd_watch_run(&d->etcd, &d->vrrp, clock_now_ns());
	if (want->own.lease_until_ns <= d->etcd.out.until_ns)
		return;
	want->own.lease_until_ns = d->etcd.out.until_ns;
	apply_own(d->node.apply, want);
}

static void sense_peers(struct daemon *d)
{
	const struct conf *c = d->node.conf;
	struct peers *p = &d->node.peers;

	if (d->vrrp.state == HOKM_VRRP_MASTER)
		p->owned_ns = clock_now_ns();
	p->master_down_ns = vrrp_master_down_ns(
		(uint8_t)c->vrrp_version, c->nodes[c->self].priority, d->vrrp.owner_adver_ns);
	peers_read(p, d->node.bpf, &d->node.services, d->node.events);
	rival_watch_run(&d->rivals, &d->node,
			d->vrrp.state == HOKM_VRRP_MASTER ? d->vrrp.since_ns : 0);
	quiet_tick_note(&d->quiet, &d->node, &d->quorum, d->replication);
	for (unsigned int i = 0; i < HOKM_MAX_PEERS; i++)
		if (p->list[i].map.epoch > d->epoch)
			d->epoch = p->list[i].map.epoch;
	heartbeat_ask_silent(&d->heartbeat);
	gateway_watch_run(&d->gateway, d->vrrp.state == HOKM_VRRP_MASTER, clock_now_ns());
	sense_etcd(d);
}

/* What others removed is back; an address that came back is announced. */
static void sense_kernel(struct daemon *d)
{
	const struct path_place *places;
	uint64_t now_ns = clock_now_ns();
	unsigned int n;
	bool back;

	interface_suspect(d, now_ns);
	back = upkeep_run(&d->upkeep, now_ns);
	n = upkeep_paths(&d->upkeep, &places);
	pulse_paths_take(&d->heartbeat.paths, places, n, clock_now_ns());
	if (!back || d->vrrp.state != HOKM_VRRP_MASTER)
		return;
	announcing_vips(&d->announcing);
	inbox_note(&d->node.inbox, INBOX_GARP);
}

/* ---- policy ---- */

static void report_panic(struct daemon *d)
{
	if (d->policy.panic) {
		log_error("PANIC HOLD: no node that could own has a healthy service; "
			  "this node keeps the VIP, and the checks go on");
		events_add(d->node.events, "state", HOKM_R_PANIC_HOLD, "%s",
			   hokm_reason_text(HOKM_R_PANIC_HOLD));
	} else {
		log_info("panic hold is over");
		events_add(d->node.events, "state", d->policy.reason, "panic hold is over");
	}
}

static void report_service(struct daemon *d, const struct service *svc, enum hokm_svc_state was,
			   enum hokm_svc_state now)
{
	const char *name = svc->conf->name;

	log_info("service %s %s -> %s reason=%s", name, hokm_svc_state_name(was),
		 hokm_svc_state_name(now), hokm_reason_name(svc->reason));
	events_add(d->node.events, "service", svc->reason, "%s %s -> %s: %s", name,
		   hokm_svc_state_name(was), hokm_svc_state_name(now),
		   hokm_reason_text(svc->reason));
}

static void decide(struct daemon *d)
{
	struct policy_output was = d->policy;
	struct node *n = &d->node;
	struct policy_input in;

	policy_note_relapse(d);
	policy_input(d, &in);
	policy_decide(&in, &d->policy);
	if (d->policy.panic != was.panic)
		report_panic(d);
	for (unsigned int s = 0; s < n->services.n; s++) {
		const struct service *svc = &n->services.list[s];

		n->want.service[svc->slot].tag = svc->tag;
		n->want.service[svc->slot].state = (__u8)d->policy.svc[s];
		if (d->policy.svc[s] != was.svc[s])
			report_service(d, svc, was.svc[s], d->policy.svc[s]);
	}
	/* The steering of new connections changes before the ownership that follows from it. */
	apply_sync(n->apply, &n->want);
}

/* ---- VRRP machine ---- */

/*
 * Can the sender of the advert and this node steer to each other? Is it known to answer pulses, and
 * does not? Then its replication may show that it is alive. It may be no good owner all the same,
 * so it has time to hear that this node owns, too, and to give way. By grants no two nodes own, so
 * there is nothing to prove.
 */
static void judge_sender(const struct daemon *d, struct vrrp_event *ev)
{
	const struct peers *p = &d->node.peers;
	uint8_t slot = peers_by_addr(p, ev->advert.source);
	uint64_t now_ns = clock_now_ns();
	struct peer_sight sight;
	bool alone;

	if (slot >= HOKM_MAX_PEERS)
		return;
	alone = ev->view.by_grants && !ev->view.stand_in;
	sight = peers_sight(p, slot, now_ns);
	ev->view.rival_deaf = peers_deaf(p, slot, now_ns) || sight.unseen;
	ev->view.rival_unseen = sight.by != PEER_BY_PULSE;
	ev->view.unproven = !peers_adverts_count(p, slot, now_ns) && (alone || !sight.unseen);
}

/*
 * Priority 0 where no owner is followed comes from a node that was to follow this one as owner and
 * does not: it is what the owner would be.
 */
static void view_of_quitter(const struct daemon *d, struct vrrp_event *ev)
{
	struct policy_output out;
	struct policy_input in;

	if (ev->advert.priority || d->vrrp.owner.s_addr)
		return;
	policy_input(d, &in);
	in.owner = ev->advert.source;
	policy_decide(&in, &out);
	ev->view = out.view;
}

/* One event, and the events that follow from its actions. */
static void feed(struct daemon *d, const struct vrrp_event *ev)
{
	struct vrrp_event next = *ev;
	bool more = true;

	for (int round = 0; more && round < VRRP_ROUNDS; round++) {
		enum hokm_vrrp_state from = d->vrrp.state;
		struct vrrp_actions acts;

		next.view = d->policy.view;
		if (next.kind == VRRP_EV_ADVERT)
			view_of_quitter(d, &next);
		quorum_view(&d->quorum, clock_now_ns(), &next.view);
		next.view.undecided = (d->gateway.out.undecided && !d->quorum.in_force.majority) ||
				      d->etcd.out.undecided;
		next.view.unpermitted = permission_lacks(
			&d->permission, d->policy.peer_serves, clock_now_ns());
		if (next.kind == VRRP_EV_ADVERT)
			judge_sender(d, &next);
		vrrp_step(&d->vrrp, &next, clock_now_ns(), &acts);
		more = vrrp_actions_run(d, &acts, from, &next);
	}
}

/* What the policy decided is an event too. */
static void feed_policy(struct daemon *d)
{
	struct vrrp_event ev = {.kind = VRRP_EV_PULSE, .reason = d->policy.reason};

	if (!d->vrrp_started || d->stopping)
		return;
	if (!d->policy.eligible && d->vrrp.state != HOKM_VRRP_FAULT)
		ev.kind = VRRP_EV_FAULT;
	else if (d->policy.eligible && d->vrrp.state == HOKM_VRRP_FAULT)
		ev.kind = VRRP_EV_CLEAR;
	feed(d, &ev);
}

static void note_early(struct daemon *d, const struct vrrp_event *ev)
{
	if (ev->kind != VRRP_EV_ADVERT)
		return;
	d->early = *ev;
	d->early_ns = clock_now_ns();
}

static void feed_noted(struct daemon *d, const struct vrrp_event *ev)
{
	uint64_t timer_at_ns = d->vrrp.timer_at_ns;

	if (!d->vrrp_started) {
		note_early(d, ev);
		return;
	}
	if (ev->kind == VRRP_EV_ADVERT)
		heartbeat_ask(&d->heartbeat, ev->advert.source);
	/* An advert that was noted before it may have moved the timer. */
	if (ev->kind == VRRP_EV_TIMER && (!timer_at_ns || timer_at_ns > clock_now_ns()))
		return;
	if (ev->kind == VRRP_EV_STOP && d->vrrp.state == HOKM_VRRP_MASTER &&
	    d->policy.successor != HOKM_NO_PEER)
		d->stop_by_ns += STOP_WAIT_NS;
	feed(d, ev);
}

/*
 * An owner with a longer interval of adverts than this node's may send none within the first
 * Master_Down_Interval. So an advert that came while this node was starting counts too, if its
 * sender has not been silent for too long by now.
 */
static void feed_early(struct daemon *d)
{
	const struct vrrp_conf *c = &d->vrrp.conf;
	uint64_t down_ns = vrrp_master_down_ns(c->version, c->priority, d->early.advert.adver_ns);

	if (d->early_ns && clock_now_ns() - d->early_ns < down_ns)
		feed(d, &d->early);
}

/*
 * The lease that an earlier daemon left; 0: none. One whose grants have ended is over, however long
 * it would last by itself.
 */
static uint64_t adopted_lease_ns(const struct daemon *d)
{
	const struct node *n = &d->node;
	struct hokm_own own;
	uint64_t until_ns;

	if (!d->adopted || hokm_bpf_get_own(n->bpf, &own) || own.state != HOKM_VRRP_MASTER)
		return 0;
	until_ns = hokm_bpf_owner_until(n->bpf, own.lease_until_ns);
	return until_ns > clock_now_ns() ? own.lease_until_ns : until_ns;
}

/*
 * The machine starts when every service has a first result. A lease that an earlier daemon left and
 * that still runs is continued at once: that is what makes a restart move nothing.
 */
static void start_vrrp(struct daemon *d)
{
	struct vrrp_event ev = {.kind = VRRP_EV_START};
	struct node *n = &d->node;

	if (d->vrrp_started || d->stopping)
		return;
	ev.adopted_lease_ns = adopted_lease_ns(d);
	if (!ev.adopted_lease_ns && !services_known(&n->services))
		return;
	d->vrrp_started = true;
	decide(d);
	feed(d, &ev);
	feed_early(d);
	(void)sd_notify(0, "READY=1");
	log_info("started on %s (%s XDP), VRID %u priority %u, %s", n->conf->interface,
		 hokm_bpf_mode(n->bpf), n->conf->vrid, d->vrrp.conf.priority,
		 d->adopted ? "adopted what was pinned" : "fresh");
}

/* For each noted event the policy decides anew: the event before may have changed the owner. */
static void run_vrrp(struct daemon *d)
{
	const struct inbox *in = &d->node.inbox;
	unsigned int i = 0;

	do {
		decide(d);
		feed_policy(d);
		if (i < in->n_events)
			feed_noted(d, &in->events[i]);
	} while (++i < in->n_events);
	apply_sync(d->node.apply, &d->node.want);
}

/* ---- actions and timers ---- */

/* The packet path learns it with the next heartbeat. */
static void decide_guesses(struct daemon *d, uint64_t now_ns)
{
	const struct conf *c = d->node.conf;
	uint32_t owner = d->vrrp.state == HOKM_VRRP_MASTER ? c->nodes[c->self].addr.s_addr
							   : d->vrrp.owner.s_addr;

	guess_step(&d->guess, replication_complete(d->replication, now_ns), owner, now_ns);
	d->node.want.own.guess_until_ns = d->guess.until_ns;
}

static void tick_dns(struct daemon *d, uint64_t now_ns)
{
	const unsigned int self = d->node.conf->self;
	const struct dns_owner o = {
		.owner = d->vrrp.state == HOKM_VRRP_MASTER && !d->stopping &&
			 node_owner_until(&d->node) > now_ns,
		.adopted = d->vrrp.reason == HOKM_R_ADOPTED,
		.serves = policy_peer_serves(d, now_ns),
		.sole = policy_sole_owner(d, now_ns),
		.node = self,
	};
	const struct dns_owner both[CONF_DNS_TYPES] = {o, o};

	dns_tick(&d->dns, both, now_ns);
}

/* An operator who works at this node restarts the game by hand. */
static void tick_recovery(struct daemon *d, uint64_t now_ns)
{
	const struct hook_call state = {
		.state = d->vrrp.state, .from = d->vrrp.state, .priority = d->vrrp.conf.priority};
	bool held = d->stopping || d->drain.on || d->checks.paused ||
		    operator_ordered(&d->operator, ORDER_MAINT);

	recovery_run(&d->recovery, held, &state, now_ns);
}

/* What is looked at regularly, at each tick of the pulse. */
static void act_at_tick(struct daemon *d)
{
	uint64_t now_ns = clock_now_ns();

	replication_run(d->replication, now_ns);
	agreement_run(&d->agreement, quorum_behind(&d->quorum), now_ns);
	ended_run(&d->ended, now_ns);
	announcing_tick(&d->announcing, d->vrrp.state == HOKM_VRRP_MASTER,
			d->policy.view.peer_holds, now_ns);
	decide_guesses(d, now_ns);
	session_end_tick(&d->session_end, d->drain.on, now_ns);
	conflict_run(&d->claims, &d->node, link_watch_mac(d->link),
		     d->vrrp.state == HOKM_VRRP_MASTER, now_ns);
	drain_tick(&d->drain, &d->node, &d->session_end, now_ns);
	operator_tick(&d->operator, now_ns);
	tick_recovery(d, now_ns);
	if (d->dns.on)
		tick_dns(d, now_ns);
}

/*
 * A stopping node steers what still reaches it to its successor. It ends when the successor has the
 * lease and its gratuitous ARP had time to arrive.
 */
static void finish_stop(struct daemon *d)
{
	uint64_t now_ns = clock_now_ns();

	if (!d->stopping)
		return;
	if (d->policy.view.peer_holds && d->stop_by_ns > now_ns + STOP_LINGER_NS &&
	    !d->node.want.vip_raised)
		d->stop_by_ns = now_ns + STOP_LINGER_NS;
	if (now_ns < d->stop_by_ns ||
	    (hooks_busy(d->hooks) && now_ns < d->stop_by_ns + HOOKS_STOP_NS))
		return;
	d->running = false;
}

static void set_timers(struct daemon *d)
{
	timer_arm(d->vrrp_timer, d->vrrp.timer_at_ns);
	timer_arm(d->garp_timer, announcing_next_ns(&d->announcing));
	check_runner_arm(&d->checks);
	peer_takeover_arm(d->takeover);
	session_end_arm(&d->session_end);
}

/* ---- quiet ticks ---- */

/* The group is as it was, and nothing but routine is under way. */
static bool is_steady(const struct daemon *d)
{
	return d->vrrp_started && !d->stopping && d->link_up && !d->interface.gone &&
	       quiet_vrrp(&d->vrrp) && !upgrade_works(d->upgrade) && !reload_put_off(d->reload) &&
	       !d->checks.paused && !d->node.want.own.untested && !steering_waits(&d->steering) &&
	       quiet_tick_services_well(&d->node) && ended_is_idle(&d->ended) &&
	       !d->segment.waits && quiet_grants(&d->quorum.grants) &&
	       gateway_watch_is_calm(&d->gateway) && !tie_decides(d->etcd.tie.phase) &&
	       session_end_is_calm(&d->session_end) && !d->drain.on;
}

/* Nothing is under way that has a step at each tick. */
static bool is_calm(const struct daemon *d)
{
	return is_steady(d) && quiet_tick_all_well(&d->node) && !upkeep_waits(&d->upkeep) &&
	       !d->sweep.running;
}

/* The maps were read, and all that they said is settled. */
static void set_pace(struct daemon *d, bool steady)
{
	const struct in_addr none = {0};

	heartbeat_pace(&d->heartbeat, steady, replication_changes(d->replication),
		       d->vrrp.state == HOKM_VRRP_MASTER ? none : d->vrrp.owner);
}

/* Only a whole settle of a tick does all there is to do. */
static void note_settled(struct daemon *d, bool tick)
{
	const uint64_t now_ns = clock_now_ns();
	const bool steady = is_steady(d);

	quiet_sampled(&d->quiet, traffic_watch_next_ns(&d->node, now_ns));
	if (tick)
		quiet_settled(&d->quiet, is_calm(d), upkeep_look_ns(&d->upkeep, now_ns), now_ns);
	else
		quiet_disturb(&d->quiet);
	if (tick)
		set_pace(d, steady);
	else if (!steady)
		heartbeat_hurry(&d->heartbeat);
}

static bool is_quiet(struct daemon *d)
{
	if (!quiet_may(&d->quiet, clock_now_ns()) || !ended_is_idle(&d->ended) ||
	    !quiet_grants(&d->quorum.grants) ||
	    !quiet_tick_is(&d->quiet, &d->node, &d->quorum, d->replication))
		return false;
	heartbeat_ask_silent(&d->heartbeat);
	set_pace(d, true);
	return true;
}

/* ---- the one place ---- */

/* The first of all that a tick does, and once for each. */
static void beat(struct daemon *d)
{
	struct inbox *in = &d->node.inbox;

	if (in->beaten)
		return;
	in->beaten = true;
	if (d->vrrp_started)
		quorum_beat(&d->quorum, &d->vrrp);
	heartbeat_beat(&d->heartbeat, in->ticks);
}

/* What handlers noted beside the tick, and the heartbeat. Returns what else follows from it. */
static unsigned int begin(struct daemon *d, unsigned int due)
{
	if ((due & INBOX_RELOAD || reload_put_off(d->reload)) && reload_finish(d->reload))
		due |= INBOX_CHECKS | INBOX_POLICY;
	if (due & INBOX_LINK && !interface_left(d))
		interface_follow(d);
	if (due & INBOX_TICK)
		beat(d);
	return due;
}

/* Everything but the heartbeat. */
static void settle_rest(struct daemon *d, unsigned int due)
{
	struct inbox *in = &d->node.inbox;

	/* sense */
	if (due & (INBOX_TICK | INBOX_KERNEL)) {
		sense_kernel(d);
		interface_run(d, clock_now_ns());
	}
	if (due & (INBOX_TICK | INBOX_CHECKS | INBOX_REFUSED) && sense_services(d))
		due |= INBOX_POLICY;
	if (due & INBOX_TICK && !d->stopping)
		upgrade_tick(d->upgrade, clock_now_ns());

	/* policy and VRRP machine; taking and leaving the VIP happens here, first of all actions */
	if (due & (INBOX_TICK | INBOX_POLICY | INBOX_VRRP)) {
		sense_peers(d);
		segment_watch_run(&d->segment, d->link_up, clock_now_ns());
		steering_tick(&d->steering, d->heartbeat.pulse, clock_now_ns());
		start_vrrp(d);
		run_vrrp(d);
		if (d->vrrp_started)
			quorum_run(&d->quorum, &d->vrrp);
	}

	/* other actions */
	due |= inbox_take(in, INBOX_TAKEOVER | INBOX_GARP);
	if (due & INBOX_GARP)
		announcing_send(&d->announcing);
	if (due & INBOX_TICK)
		act_at_tick(d);
	if (due & (INBOX_TICK | INBOX_TAKEOVER))
		peer_takeover_run(d->takeover, clock_now_ns());
	if (due & (INBOX_TICK | INBOX_SESSIONS))
		session_end_walk(&d->session_end, clock_now_ns());
	if (due & INBOX_TICK)
		sweep_run(&d->sweep, clock_now_ns());
	finish_stop(d);
	notify_feed_run(&d->notify);
	set_timers(d);
	note_settled(d, due & INBOX_TICK);
}

bool settle_quiet(struct daemon *d)
{
	struct inbox *in = &d->node.inbox;
	uint64_t began_ns = clock_now_ns();

	if (!quiet_may(&d->quiet, began_ns) || !heartbeat_take(&d->heartbeat))
		return false;
	PROBE_SETTLE_BEGIN(INBOX_TICK);
	inbox_begin(in, began_ns);
	beat(d);
	if (!is_quiet(d))
		return false;
	inbox_count_turn(in, inbox_take(in, INBOX_TICK));
	inbox_end(in, clock_now_ns());
	PROBE_SETTLE_END(INBOX_TICK);
	return true;
}

void settle(struct daemon *d)
{
	struct inbox *in = &d->node.inbox;
	unsigned int due = inbox_take(in, ~0u);
	uint64_t began_ns = clock_now_ns();
	bool news = in->beaten; /* settle_quiet() has begun this tick */

	inbox_count_turn(in, due);
	if (due ? due != INBOX_TICK : !in->harmless)
		quiet_disturb(&d->quiet);
	if (!due) {
		inbox_done(in);
		return;
	}
	inbox_begin(in, began_ns);
	if (!news)
		PROBE_SETTLE_BEGIN(due);
	due = begin(d, due);
	if (due != INBOX_TICK || news || !is_quiet(d))
		settle_rest(d, due);
	inbox_end(in, clock_now_ns());
	PROBE_SETTLE_END(due);
}
