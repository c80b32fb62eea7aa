/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VRRP machine: entry, INIT, MASTER and FAULT; BACKUP is in vrrp_backup.c. An event that a
 * state does not list changes nothing. "SENT:" is what VRRP_EV_SENT of the advert leads to.
 *
 * State   Event                            Actions                 Next state (reason)
 * ------  -------------------------------  ----------------------  ------------------------------
 * INIT    START                            LOWER if it had a lease BACKUP (started)
 *         START, an adopted lease runs     ADVERT                  SENT: MASTER (adopted)
 * BACKUP  TIMER: Master_Down, no lease     ADVERT                  SENT: MASTER (master-down)
 *         TIMER: Skew_Time, no lease       ADVERT                  SENT: MASTER (priority-zero)
 *         TIMER: either, a lease runs      -                       looks again, or claims
 *         ADVERT 0, owner answers pulses   PROBE until confirmed   SENT: MASTER (handed-over)
 *         ADVERT 0, others                 -                       waits for Skew_Time
 *         ADVERT >= own, or no preempt     ends a claim            follows the sender
 *         ADVERT < own, preempting         -                       follows; preempt delay runs
 *         TIMER: preempt, owner pulses     ADVERT PROBE (claim)    confirmed: MASTER (preempt)
 *         TIMER: preempt, other owner      ADVERT                  SENT: MASTER (preempt)
 *         any of these ways, unpermitted   ASK                     tries again soon
 *         any, a peer that pulses may too  PROBE until alone       as that way, or gives way
 *         REFUSED, and nobody owns         ADVERT 0                -
 *         by grants: any way, granted      ADVERT                  SENT: MASTER (as that way)
 *         by grants: owner's have ended    - (wants)               granted: MASTER (granted)
 *         FAULT                            ADVERT 0 if claiming    FAULT (the event's)
 *         SENT, on the way to MASTER       LEASE RAISE STATE       MASTER
 * MASTER  TIMER: Adver_Timer               ADVERT                  SENT: LEASE
 *         SEND_FAILED                      -                       tries again after adver / 4
 *         any, the lease has expired       LOWER STATE             BACKUP (lease-lost, send-failed)
 *         by grants: they have ended       LOWER STATE             BACKUP (no-majority/clock-stood)
 *         the same, and they may return    -                       sends no advert meanwhile
 *         ADVERT 0                         ADVERT (bounded)        restarts Adver_Timer
 *         ADVERT that wins the election    LOWER STATE             BACKUP (higher-priority)
 *         the same, unproven               DISCARD                 -
 *         ADVERT that loses it             ADVERT GARP (bounded)   Adver_Timer continues
 *         the same, again and again        ONE_WAY once            -
 *         the same, of an owner preempted  ONE_WAY LOWER STATE     BACKUP (one-way)
 *         PULSE: lease of a better peer    LOWER STATE             BACKUP (other-owner)
 *         those three, rival deaf, unseen  -, ADVERT, -            waits, VRRP_PATIENCE_NS at most
 *         the first one, deaf and unseen   ADVERT (bounded)        the same
 *         PULSE: lease of a lesser peer    ADVERT GARP             GARP when that lease has ended
 *         HANDOVER                         LOWER ADVERT 0 STATE    BACKUP (the event's)
 *         FAULT                            LOWER ADVERT 0 STATE    FAULT (the event's)
 *         STOP                             LOWER ADVERT 0 STATE    INIT (the event's)
 * FAULT   ADVERT                           -                       remembers the sender
 *         CLEAR                            STATE                   BACKUP (the event's)
 *         STOP                             STATE                   INIT (the event's)
 *
 * An advert wins the election by its priority and, when the priorities are equal, by the address of
 * its sender. A peer is better when it would win, and lesser when it would lose.
 */
#include <arpa/inet.h>
#include <string.h>

#include "decide/vrrp_int.h"

/* ---- shared with vrrp_backup.c ---- */

static struct vrrp_action *add_action(struct vrrp_step *s, enum vrrp_action_kind kind)
{
	struct vrrp_actions *out = s->out;
	struct vrrp_action *a;

	/* No row of the table comes near the bound; beyond it the last action is replaced. */
	a = &out->a[out->n < VRRP_ACTIONS_MAX ? out->n++ : VRRP_ACTIONS_MAX - 1];
	memset(a, 0, sizeof(*a));
	a->kind = kind;
	return a;
}

void vrrp_act(struct vrrp_step *s, enum vrrp_action_kind kind)
{
	add_action(s, kind);
}

void vrrp_send(struct vrrp_step *s, enum vrrp_sending what)
{
	struct vrrp_action *a = add_action(s, VRRP_ACT_ADVERT);

	a->priority = what == VRRP_SENDING_NONE ? 0 : s->v->conf.priority;
	s->v->sending = what;
}

void vrrp_enter(struct vrrp_step *s, enum hokm_vrrp_state state, enum hokm_reason reason)
{
	s->v->state = state;
	s->v->reason = reason;
	s->v->since_ns = s->now_ns;
	/* Once in a step: the caller reports the state after the step. */
	for (unsigned int i = 0; i < s->out->n; i++)
		if (s->out->a[i].kind == VRRP_ACT_STATE)
			return;
	vrrp_act(s, VRRP_ACT_STATE);
}

void vrrp_follow(struct vrrp_step *s, const struct vrrp_advert *a)
{
	struct vrrp *v = s->v;
	uint64_t skew_ns = vrrp_skew_ns(v->conf.version, v->conf.priority, v->owner_adver_ns);

	/*
	 * An advert that was sent before the priority 0, but arrived after it, does not end the
	 * wait for the owner's pulse.
	 */
	if (v->owner.s_addr != a->source.s_addr ||
	    s->now_ns >= vrrp_add_ns(v->released_ns, skew_ns)) {
		v->released_ns = 0;
		v->claimed = false;
	}
	if (!v->released_ns && !v->claiming)
		v->announced_ns = 0;
	v->owner = a->source;
	v->owner_priority = a->priority;
	v->owner_adver_ns = v->conf.version == 3 ? a->adver_ns : v->conf.adver_ns;
	v->master_down_at_ns = vrrp_add_ns(s->now_ns, vrrp_patience_ns(v));
	v->down_reason = HOKM_R_MASTER_DOWN;
	v->ask_at_ns = 0;
	v->looked_twice = false;
}

void vrrp_follow_nobody(struct vrrp_step *s)
{
	const struct vrrp_advert nobody = {.adver_ns = s->v->conf.adver_ns};

	vrrp_follow(s, &nobody);
}

/* ---- MASTER ---- */

/* The order of the election: priority, then address as an unsigned number. */
static bool beats_us(const struct vrrp *v, uint8_t priority, struct in_addr addr)
{
	return vrrp_beats(priority, addr, v->conf.priority, v->conf.addr);
}

/* The lease that the advert which was just sent gives. */
static uint64_t lease_until_ns(const struct vrrp_step *s)
{
	const struct vrrp_conf *c = &s->v->conf;

	return vrrp_add_ns(s->ev->sent_ns,
			   vrrp_lease_ns(c->version, s->ev->view.mute_priority, c->adver_ns));
}

static void become_master(struct vrrp_step *s)
{
	struct vrrp *v = s->v;

	vrrp_watch_heedless(s);
	vrrp_follow_nobody(s);
	vrrp_forget_ways(v);
	v->send_failed = false;
	v->rival = false;
	v->yield_at_ns = v->correct_at_ns = 0;
	v->answered_ns = v->corrected_ns = v->lesser_since_ns = 0;
	v->lease_until_ns = lease_until_ns(s);
	v->timer_at_ns = vrrp_add_ns(s->ev->sent_ns, v->conf.adver_ns);
	add_action(s, VRRP_ACT_LEASE)->until_ns = v->lease_until_ns;
	vrrp_act(s, VRRP_ACT_RAISE);
	vrrp_enter(s, HOKM_VRRP_MASTER, v->take_reason);
}

static void release(struct vrrp_step *s)
{
	s->v->lease_until_ns = 0;
	s->v->sending = VRRP_SENDING_NONE;
	vrrp_act(s, VRRP_ACT_LOWER);
}

static void lose_lease(struct vrrp_step *s, enum hokm_reason reason)
{
	release(s);
	vrrp_backup_enter(s, reason);
}

static void renewed(struct vrrp_step *s)
{
	struct vrrp *v = s->v;

	v->sending = VRRP_SENDING_NONE;
	v->send_failed = false;
	/* May become shorter: after a reload to a shorter interval the peers wait shorter too. */
	v->lease_until_ns = lease_until_ns(s);
	if (s->now_ns >= v->lease_until_ns)
		lose_lease(s, HOKM_R_LEASE_LOST);
	else
		add_action(s, VRRP_ACT_LEASE)->until_ns = v->lease_until_ns;
}

/* The clients' ARP tables may name a rival. */
static void correct_clients(struct vrrp_step *s)
{
	s->v->correct_at_ns = 0;
	s->v->corrected_ns = s->now_ns;
	vrrp_act(s, VRRP_ACT_GARP);
}

/* The regular advert comes with the correction: a longer interval does not delay that. */
static void bring_forward(struct vrrp_step *s)
{
	struct vrrp *v = s->v;

	if (v->correct_at_ns > s->now_ns && v->correct_at_ns < v->timer_at_ns)
		v->timer_at_ns = v->correct_at_ns;
}

static void master_timer(struct vrrp_step *s)
{
	struct vrrp *v = s->v;

	if (s->now_ns < v->timer_at_ns)
		return;
	vrrp_forget_wait(s);
	/* A lesser node that owns by now would yield to the advert. */
	if (vrrp_lapsed(s)) {
		v->timer_at_ns = vrrp_add_ns(s->now_ns, v->conf.adver_ns / 4);
		return;
	}
	/* Counted from when it was due, so that adverts do not drift; no burst after a delay. */
	v->timer_at_ns = vrrp_add_ns(v->timer_at_ns, v->conf.adver_ns);
	if (v->timer_at_ns <= s->now_ns)
		v->timer_at_ns = vrrp_add_ns(s->now_ns, v->conf.adver_ns);
	vrrp_send(s, VRRP_SENDING_RENEW);
	if (v->correct_at_ns && s->now_ns >= v->correct_at_ns)
		correct_clients(s);
	bring_forward(s);
}

static void master_send_failed(struct vrrp_step *s)
{
	struct vrrp *v = s->v;
	uint64_t retry_ns = vrrp_add_ns(s->now_ns, v->conf.adver_ns / 4);

	v->sending = VRRP_SENDING_NONE;
	v->send_failed = true;
	if (retry_ns < v->timer_at_ns || v->timer_at_ns <= s->now_ns)
		v->timer_at_ns = retry_ns;
	/* The timer fires also when the lease ends, so that the state changes then. */
	if (v->lease_until_ns < v->timer_at_ns)
		v->timer_at_ns = v->lease_until_ns;
}

/* Gratuitous ARP, now or when the last one is VRRP_CORRECT_GAP_NS ago. */
static void correct_bounded(struct vrrp_step *s)
{
	struct vrrp *v = s->v;
	uint64_t at_ns = v->corrected_ns ? vrrp_add_ns(v->corrected_ns, VRRP_CORRECT_GAP_NS) : 0;

	if (s->now_ns >= at_ns)
		correct_clients(s);
	else if (!v->correct_at_ns)
		v->correct_at_ns = at_ns;
}

/* It went on all the time, so it goes on: nobody has to wait for it. */
static void give_back(struct vrrp_step *s)
{
	const struct vrrp_advert *a = &s->ev->advert;

	lose_lease(s, HOKM_R_ONE_WAY);
	s->v->unmoved = true;
	vrrp_follow(s, a);
	s->v->timer_at_ns = s->v->master_down_at_ns;
}

static void answer_lesser(struct vrrp_step *s)
{
	struct vrrp *v = s->v;

	if (vrrp_lapsed(s))
		return;
	vrrp_note_lesser(s);
	if (vrrp_owns_in_vain(s)) {
		give_back(s);
		return;
	}
	if (vrrp_may_answer(s))
		vrrp_send(s, VRRP_SENDING_RENEW);
	if (!s->ev->view.rival_unseen)
		correct_bounded(s);
	else if (!v->correct_at_ns)
		v->correct_at_ns = vrrp_add_ns(s->now_ns, VRRP_PATIENCE_NS);
	bring_forward(s);
}

static void master_advert(struct vrrp_step *s)
{
	const struct vrrp_advert *a = &s->ev->advert;
	struct vrrp *v = s->v;

	if (a->priority == 0) {
		if (vrrp_lapsed(s) || !vrrp_may_answer_stop(s))
			return;
		v->timer_at_ns = vrrp_add_ns(s->now_ns, v->conf.adver_ns);
		vrrp_send(s, VRRP_SENDING_RENEW);
		bring_forward(s);
	} else if (beats_us(v, a->priority, a->source) && s->ev->view.unproven) {
		vrrp_act(s, VRRP_ACT_DISCARD);
	} else if (beats_us(v, a->priority, a->source)) {
		if (!vrrp_may_yield(s)) {
			/* Without pulses only an advert tells it that there are two. */
			if (s->ev->view.rival_unseen && vrrp_may_answer(s))
				vrrp_send(s, VRRP_SENDING_RENEW);
			return;
		}
		lose_lease(s, HOKM_R_HIGHER_PRIORITY);
		vrrp_follow(s, a);
		v->timer_at_ns = v->master_down_at_ns;
	} else {
		answer_lesser(s);
	}
}

/* Two owners, as after a partition: one yields, the other corrects the clients' ARP tables. */
static void master_pulse(struct vrrp_step *s)
{
	const struct vrrp_view *view = &s->ev->view;
	struct vrrp *v = s->v;

	/* Members that promise grant one node only: what a pulse says of a lease is older. */
	if (view->by_grants && (!view->stand_in || view->lapsed))
		return;
	if (view->by_grants && view->peer_holds && view->holder_seen_ns <= v->since_ns)
		return;
	if (view->peer_holds && beats_us(v, view->holder_priority, view->holder)) {
		if (!vrrp_may_yield(s))
			return;
		lose_lease(s, HOKM_R_OTHER_OWNER);
		v->owner = view->holder;
		v->owner_priority = view->holder_priority;
	} else if (view->peer_holds && !v->rival) {
		v->rival = true;
		vrrp_send(s, VRRP_SENDING_RENEW);
		correct_clients(s);
	} else if (!view->peer_holds && v->rival) {
		v->rival = false;
		correct_clients(s);
	}
}

/* Releases the lease, and sends priority 0 so that the successor need not wait. */
static void hand_over(struct vrrp_step *s)
{
	release(s);
	vrrp_send(s, VRRP_SENDING_NONE);
}

static void master_event(struct vrrp_step *s)
{
	switch (s->ev->kind) {
	case VRRP_EV_TIMER:
		master_timer(s);
		break;
	case VRRP_EV_ADVERT:
		master_advert(s);
		break;
	case VRRP_EV_SENT:
		if (s->v->sending == VRRP_SENDING_RENEW)
			renewed(s);
		break;
	case VRRP_EV_SEND_FAILED:
		if (s->v->sending == VRRP_SENDING_RENEW)
			master_send_failed(s);
		break;
	case VRRP_EV_PULSE:
		master_pulse(s);
		break;
	case VRRP_EV_RENEW:
		if (!vrrp_lapsed(s))
			vrrp_send(s, VRRP_SENDING_RENEW);
		break;
	case VRRP_EV_HANDOVER:
		hand_over(s);
		vrrp_backup_enter(s, s->ev->reason);
		break;
	default:
		break;
	}
}

static void backup_event(struct vrrp_step *s)
{
	if (s->ev->kind != VRRP_EV_SENT)
		vrrp_backup_event(s);
	else if (vrrp_backup_sent(s))
		become_master(s);
}

/* ---- INIT ---- */

static void start(struct vrrp_step *s)
{
	struct vrrp *v = s->v;

	v->lease_until_ns = s->ev->adopted_lease_ns;
	if (v->lease_until_ns > s->now_ns && !vrrp_other_owns(s)) {
		v->take_reason = HOKM_R_ADOPTED;
		vrrp_send(s, VRRP_SENDING_TAKE);
		return;
	}
	if (v->lease_until_ns)
		release(s);
	vrrp_backup_enter(s, HOKM_R_STARTED);
}

/* The advert for an adopted lease was sent, or could not be sent. */
static void adopted(struct vrrp_step *s)
{
	struct vrrp *v = s->v;

	v->sending = VRRP_SENDING_NONE;
	if (s->ev->kind == VRRP_EV_SEND_FAILED)
		lose_lease(s, HOKM_R_SEND_FAILED);
	else if (vrrp_other_owns(s))
		lose_lease(s, s->ev->view.by_grants ? vrrp_ended_by(s) : HOKM_R_OTHER_OWNER);
	else if (s->now_ns >= v->lease_until_ns)
		lose_lease(s, HOKM_R_LEASE_LOST);
	else
		become_master(s);
}

static void init_event(struct vrrp_step *s)
{
	if (s->ev->kind == VRRP_EV_START && s->v->sending == VRRP_SENDING_NONE)
		start(s);
	else if ((s->ev->kind == VRRP_EV_SENT || s->ev->kind == VRRP_EV_SEND_FAILED) &&
		 s->v->sending == VRRP_SENDING_TAKE)
		adopted(s);
}

/* ---- FAULT and STOP, from any state ---- */

static void forget_owner_when_deaf(struct vrrp_step *s)
{
	if (!s->ev->view.deaf)
		return;
	s->v->owner.s_addr = 0;
	s->v->master_down_at_ns = 0;
}

/* Leaves the election: gives away the lease that this node has, or that it has claimed. */
static void withdraw(struct vrrp_step *s, enum hokm_vrrp_state next)
{
	struct vrrp *v = s->v;

	if (v->state == HOKM_VRRP_MASTER) {
		hand_over(s);
		vrrp_follow_nobody(s);
	} else if (v->lease_until_ns) {
		release(s);
	}
	vrrp_end_claim(s, true);
	vrrp_forget_ways(v);
	v->sending = VRRP_SENDING_NONE;
	v->timer_at_ns = 0;
	vrrp_enter(s, next, s->ev->reason);
	forget_owner_when_deaf(s);
}

/* The reason for leaving FAULT is the counterpart of the reason for entering it. */
static enum hokm_reason clear_reason(const struct vrrp_step *s)
{
	if (s->ev->reason == HOKM_R_PANIC_HOLD)
		return HOKM_R_PANIC_HOLD;
	switch (s->v->reason) {
	case HOKM_R_LINK_DOWN:
		return HOKM_R_LINK_UP;
	case HOKM_R_MAINT:
		return HOKM_R_READY;
	case HOKM_R_GATEWAY_SILENT:
		return HOKM_R_GATEWAY_ANSWERS;
	case HOKM_R_ETCD_SILENT:
		return HOKM_R_ETCD_ANSWERS;
	case HOKM_R_OPERATOR:
		return HOKM_R_OPERATOR;
	default:
		return s->ev->reason;
	}
}

/*
 * Adverts received during FAULT count: Master_Down goes on as if this node had been BACKUP. It
 * waits for Skew_Time at least, because other nodes may leave FAULT at the same moment.
 */
static void clear(struct vrrp_step *s)
{
	struct vrrp *v = s->v;
	struct vrrp_advert heard = {
		.source = v->owner, .priority = v->owner_priority, .adver_ns = v->owner_adver_ns};
	enum hokm_reason down_reason = v->down_reason;
	uint64_t down_at_ns = v->master_down_at_ns;
	uint64_t floor_ns = vrrp_add_ns(
		s->now_ns, vrrp_skew_ns(v->conf.version, v->conf.priority, v->owner_adver_ns));

	vrrp_backup_enter(s, clear_reason(s));
	if (!down_at_ns)
		return;
	vrrp_follow(s, &heard);
	v->down_reason = down_reason;
	v->master_down_at_ns = down_at_ns > floor_ns ? down_at_ns : floor_ns;
	v->timer_at_ns = v->master_down_at_ns;
}

static void fault_event(struct vrrp_step *s)
{
	switch (s->ev->kind) {
	case VRRP_EV_ADVERT:
		if (s->ev->advert.priority)
			vrrp_follow(s, &s->ev->advert);
		else
			vrrp_hear_priority_zero(s);
		break;
	case VRRP_EV_PULSE:
		forget_owner_when_deaf(s);
		break;
	case VRRP_EV_CLEAR:
		clear(s);
		break;
	default:
		break;
	}
}

/* ---- entry ---- */

void vrrp_init(struct vrrp *v, const struct vrrp_conf *conf, uint64_t now_ns)
{
	memset(v, 0, sizeof(*v));
	v->conf = *conf;
	v->state = HOKM_VRRP_INIT;
	v->since_ns = now_ns;
	v->owner_adver_ns = conf->adver_ns;
}

static void shorten(uint64_t *at_ns, uint64_t now_ns, uint64_t after_ns)
{
	uint64_t at = vrrp_add_ns(now_ns, after_ns);

	if (*at_ns && at < *at_ns)
		*at_ns = at;
}

void vrrp_reconf(struct vrrp *v, const struct vrrp_conf *conf, uint64_t now_ns)
{
	v->conf = *conf;
	v->unmoved = false;
	if (v->state == HOKM_VRRP_MASTER) {
		shorten(&v->timer_at_ns, now_ns, conf->adver_ns);
		return;
	}
	shorten(&v->preempt_at_ns, now_ns, conf->preempt_delay_ns);
	/* An owner may still advertise at the former interval: its Master_Down is not shortened. */
	if (v->state != HOKM_VRRP_INIT && !v->owner.s_addr) {
		v->owner_adver_ns = conf->adver_ns;
		shorten(&v->master_down_at_ns, now_ns,
			vrrp_master_down_ns(conf->version, conf->priority, conf->adver_ns));
	}
	if (v->state != HOKM_VRRP_BACKUP)
		return;
	if (v->preempt_at_ns && v->preempt_at_ns < v->timer_at_ns && !v->claiming)
		v->timer_at_ns = v->preempt_at_ns;
	if (v->master_down_at_ns < v->timer_at_ns)
		v->timer_at_ns = v->master_down_at_ns;
}

void vrrp_step(struct vrrp *v, const struct vrrp_event *ev, uint64_t now_ns,
	       struct vrrp_actions *out)
{
	struct vrrp_step s = {.v = v, .ev = ev, .now_ns = now_ns, .out = out};

	memset(out, 0, sizeof(*out));
	v->wants = HOKM_R_NONE;
	/* A lease that has expired ends first; then the event is handled in BACKUP. */
	if (v->state == HOKM_VRRP_MASTER && now_ns >= v->lease_until_ns)
		lose_lease(&s, v->send_failed    ? HOKM_R_SEND_FAILED
			       : vrrp_lapsed(&s) ? vrrp_ended_by(&s)
						 : HOKM_R_LEASE_LOST);
	else if (v->state == HOKM_VRRP_MASTER && vrrp_grants_ended(&s))
		lose_lease(&s, vrrp_ended_by(&s));

	if (ev->kind == VRRP_EV_STOP && v->state != HOKM_VRRP_INIT)
		withdraw(&s, HOKM_VRRP_INIT);
	else if (ev->kind == VRRP_EV_STOP && v->lease_until_ns)
		withdraw(&s, HOKM_VRRP_INIT);
	else if (ev->kind == VRRP_EV_FAULT &&
		 (v->state == HOKM_VRRP_MASTER || v->state == HOKM_VRRP_BACKUP))
		withdraw(&s, HOKM_VRRP_FAULT);
	else if (v->state == HOKM_VRRP_INIT)
		init_event(&s);
	else if (v->state == HOKM_VRRP_BACKUP)
		backup_event(&s);
	else if (v->state == HOKM_VRRP_MASTER)
		master_event(&s);
	else
		fault_event(&s);
}
