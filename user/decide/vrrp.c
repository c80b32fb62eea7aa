/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VRRP machine: entry, MASTER and FAULT; BACKUP is in vrrp_backup.c.
 *
 * State   Event                         Actions                        Next (reason)
 * ------  ----------------------------  -----------------------------  ---------------------------
 * INIT    START                         (LOWER if a lease was left)    BACKUP (started)
 *         START, lease runs, no holder  ADVERT                         on SENT: MASTER (adopted)
 * BACKUP  TIMER, Master_Down, no lease  ADVERT                         on SENT: MASTER
 * (master-down)
 *         ~, a peer's lease runs        -                              look again, or claim
 *         ADVERT 0, pulsing owner       PROBE until its pulse is free  ADVERT, MASTER (handed-over)
 *         ADVERT 0, others              Skew_Time                      ADVERT, MASTER
 * (priority-zero) ADVERT >= own, or no preempt  follow, end the claim          - ADVERT < own,
 * preempting      follow, preempt delay          - delay over, pulsing owner     claim: ADVERT,
 * PROBE           free: ADVERT, MASTER (preempt) delay over, other owner       ADVERT on SENT:
 * MASTER (preempt) FAULT                         (ADVERT 0 if claiming)         FAULT any ->  SENT
 * of a take                LEASE RAISE STATE              MASTER MASTER  TIMER ADVERT, on SENT:
 * LEASE         - SEND_FAILED                   retry after adver / 4          - anything, lease
 * over          LOWER STATE                    BACKUP (lease-lost, send-failed) ADVERT 0 ADVERT,
 * restart the timer      - ADVERT higher, or equal and   LOWER STATE                    BACKUP
 * (higher-priority) higher address ADVERT lower                  ADVERT GARP, timer goes on     -
 *         PULSE, better peer has lease  LOWER STATE                    BACKUP (other-owner)
 *         PULSE, lesser peer has lease  ADVERT GARP; GARP when gone    -
 *         HANDOVER                      LOWER ADVERT(0) STATE          BACKUP (event's)
 *         FAULT                         LOWER ADVERT(0) STATE          FAULT (event's)
 *         STOP                          LOWER ADVERT(0) STATE          INIT (event's)
 * FAULT   ADVERT                        remember only                  -
 *         CLEAR                         STATE                          BACKUP (event's)
 *         STOP                          STATE                          INIT (event's)
 * Whatever is not listed changes nothing.
 */
#include <arpa/inet.h>
#include <string.h>

#include "decide/vrrp_int.h"

/* ---- shared with vrrp_backup.c ---- */

static struct vrrp_action *add_action(struct vrrp_step *s, enum vrrp_action_kind kind)
{
	struct vrrp_actions *out = s->out;
	struct vrrp_action *a;

	/* No row above comes near the bound; the last place is overwritten rather than memory. */
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
	/* Once a step: what is told is the state after it. */
	for (unsigned int i = 0; i < s->out->n; i++)
		if (s->out->a[i].kind == VRRP_ACT_STATE)
			return;
	vrrp_act(s, VRRP_ACT_STATE);
}

void vrrp_follow(struct vrrp_step *s, const struct vrrp_advert *a)
{
	struct vrrp *v = s->v;
	uint64_t skew_ns = vrrp_skew_ns(v->conf.version, v->conf.priority, v->owner_adver_ns);

	/* An advert that was overtaken by the goodbye does not end what the pulses will settle. */
	if (v->owner.s_addr != a->source.s_addr ||
	    s->now_ns >= vrrp_add_ns(v->released_ns, skew_ns))
		v->released_ns = 0;
	v->owner = a->source;
	v->owner_priority = a->priority;
	v->owner_adver_ns = v->conf.version == 3 ? a->adver_ns : v->conf.adver_ns;
	v->master_down_at_ns = vrrp_add_ns(
		s->now_ns,
		vrrp_master_down_ns(v->conf.version, v->conf.priority, v->owner_adver_ns));
	v->down_reason = HOKM_R_MASTER_DOWN;
	v->looked_twice = false;
}

void vrrp_follow_nobody(struct vrrp_step *s)
{
	const struct vrrp_advert nobody = {.adver_ns = s->v->conf.adver_ns};

	vrrp_follow(s, &nobody);
}

/* ---- MASTER ---- */

/* The election's order: priority, then address as an unsigned number. */
static bool beats_us(const struct vrrp *v, uint8_t priority, struct in_addr addr)
{
	if (priority != v->conf.priority)
		return priority > v->conf.priority;
	return ntohl(addr.s_addr) > ntohl(v->conf.addr.s_addr);
}

static void become_master(struct vrrp_step *s)
{
	struct vrrp *v = s->v;

	vrrp_follow_nobody(s);
	v->preempt_at_ns = 0;
	v->claiming = false;
	v->released_ns = 0;
	v->send_failed = false;
	v->rival = false;
	v->lease_until_ns = vrrp_add_ns(s->ev->sent_ns, vrrp_lease_ns(v->conf.adver_ns));
	v->timer_at_ns = vrrp_add_ns(s->ev->sent_ns, v->conf.adver_ns);
	add_action(s, VRRP_ACT_LEASE)->until_ns = v->lease_until_ns;
	vrrp_act(s, VRRP_ACT_RAISE);
	vrrp_enter(s, HOKM_VRRP_MASTER, v->take_reason);
}

static void let_go(struct vrrp_step *s)
{
	s->v->lease_until_ns = 0;
	s->v->sending = VRRP_SENDING_NONE;
	vrrp_act(s, VRRP_ACT_LOWER);
}

static void lose(struct vrrp_step *s, enum hokm_reason reason)
{
	let_go(s);
	vrrp_backup_enter(s, reason);
}

static void renewed(struct vrrp_step *s)
{
	struct vrrp *v = s->v;

	v->sending = VRRP_SENDING_NONE;
	v->send_failed = false;
	/* Set, not raised: after a reload to a shorter interval the peers wait shorter too. */
	v->lease_until_ns = vrrp_add_ns(s->ev->sent_ns, vrrp_lease_ns(v->conf.adver_ns));
	if (s->now_ns >= v->lease_until_ns)
		lose(s, HOKM_R_LEASE_LOST);
	else
		add_action(s, VRRP_ACT_LEASE)->until_ns = v->lease_until_ns;
}

static void master_timer(struct vrrp_step *s)
{
	struct vrrp *v = s->v;

	if (s->now_ns < v->timer_at_ns)
		return;
	/* From the moment it was due, so that adverts do not drift; never a burst after a stall. */
	v->timer_at_ns = vrrp_add_ns(v->timer_at_ns, v->conf.adver_ns);
	if (v->timer_at_ns <= s->now_ns)
		v->timer_at_ns = vrrp_add_ns(s->now_ns, v->conf.adver_ns);
	vrrp_send(s, VRRP_SENDING_RENEW);
}

static void master_send_failed(struct vrrp_step *s)
{
	struct vrrp *v = s->v;
	uint64_t retry_ns = vrrp_add_ns(s->now_ns, v->conf.adver_ns / 4);

	v->sending = VRRP_SENDING_NONE;
	v->send_failed = true;
	if (retry_ns < v->timer_at_ns || v->timer_at_ns <= s->now_ns)
		v->timer_at_ns = retry_ns;
	/* And be there when the lease ends, to say so. */
	if (v->lease_until_ns < v->timer_at_ns)
		v->timer_at_ns = v->lease_until_ns;
}

static void master_advert(struct vrrp_step *s)
{
	const struct vrrp_advert *a = &s->ev->advert;
	struct vrrp *v = s->v;

	if (a->priority == 0) {
		v->timer_at_ns = vrrp_add_ns(s->now_ns, v->conf.adver_ns);
		vrrp_send(s, VRRP_SENDING_RENEW);
	} else if (beats_us(v, a->priority, a->source)) {
		lose(s, HOKM_R_HIGHER_PRIORITY);
		vrrp_follow(s, a);
		v->timer_at_ns = v->master_down_at_ns;
	} else {
		vrrp_send(s, VRRP_SENDING_RENEW);
		vrrp_act(s, VRRP_ACT_GARP);
	}
}

/* Two owners, as after a partition: one yields, the other repairs the clients' ARP. */
static void master_pulse(struct vrrp_step *s)
{
	const struct vrrp_view *view = &s->ev->view;
	struct vrrp *v = s->v;

	if (view->peer_holds && beats_us(v, view->holder_priority, view->holder)) {
		lose(s, HOKM_R_OTHER_OWNER);
		v->owner = view->holder;
		v->owner_priority = view->holder_priority;
	} else if (view->peer_holds && !v->rival) {
		v->rival = true;
		vrrp_send(s, VRRP_SENDING_RENEW);
		vrrp_act(s, VRRP_ACT_GARP);
	} else if (!view->peer_holds && v->rival) {
		v->rival = false;
		vrrp_act(s, VRRP_ACT_GARP);
	}
}

/* Lets go and says so, so that the successor need not wait. */
static void give_away(struct vrrp_step *s)
{
	let_go(s);
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
	case VRRP_EV_HANDOVER:
		give_away(s);
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
	if (v->lease_until_ns > s->now_ns && !s->ev->view.peer_holds) {
		v->take_reason = HOKM_R_ADOPTED;
		vrrp_send(s, VRRP_SENDING_TAKE);
		return;
	}
	if (v->lease_until_ns)
		let_go(s);
	vrrp_backup_enter(s, HOKM_R_STARTED);
}

/* The advert of an adopted lease left, or did not. */
static void adopted(struct vrrp_step *s)
{
	struct vrrp *v = s->v;

	v->sending = VRRP_SENDING_NONE;
	if (s->ev->kind == VRRP_EV_SEND_FAILED)
		lose(s, HOKM_R_SEND_FAILED);
	else if (s->ev->view.peer_holds)
		lose(s, HOKM_R_OTHER_OWNER);
	else if (s->now_ns >= v->lease_until_ns)
		lose(s, HOKM_R_LEASE_LOST);
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

static void forget_when_deaf(struct vrrp_step *s)
{
	if (!s->ev->view.deaf)
		return;
	s->v->owner.s_addr = 0;
	s->v->master_down_at_ns = 0;
}

/* Stops taking part: gives away what it has, or has asked for. */
static void withdraw(struct vrrp_step *s, enum hokm_vrrp_state next)
{
	struct vrrp *v = s->v;

	if (v->state == HOKM_VRRP_MASTER) {
		give_away(s);
		vrrp_follow_nobody(s);
	} else if (v->lease_until_ns) {
		let_go(s);
	}
	vrrp_end_claim(s, true);
	v->released_ns = 0;
	v->sending = VRRP_SENDING_NONE;
	v->timer_at_ns = 0;
	vrrp_enter(s, next, s->ev->reason);
	forget_when_deaf(s);
}

/* The reason that ends a FAULT is the counterpart of the one that began it. */
static enum hokm_reason clear_reason(const struct vrrp_step *s)
{
	if (s->ev->reason == HOKM_R_PANIC_HOLD)
		return HOKM_R_PANIC_HOLD;
	switch (s->v->reason) {
	case HOKM_R_LINK_DOWN:
		return HOKM_R_LINK_UP;
	case HOKM_R_MAINT:
		return HOKM_R_READY;
	case HOKM_R_OPERATOR:
		return HOKM_R_OPERATOR;
	default:
		return s->ev->reason;
	}
}

/*
 * What was heard during the FAULT counts: an owner that has been silent for its time is gone.
 * Skew_Time at least, for others may be cleared in the same moment.
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
			vrrp_hear_goodbye(s);
		break;
	case VRRP_EV_PULSE:
		forget_when_deaf(s);
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
	if (v->state == HOKM_VRRP_MASTER) {
		shorten(&v->timer_at_ns, now_ns, conf->adver_ns);
		return;
	}
	shorten(&v->preempt_at_ns, now_ns, conf->preempt_delay_ns);
	/* A live owner may still advertise at the former interval: its time is left alone. */
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
	/* An expired lease is over whatever happens now; what happens finds us in BACKUP. */
	if (v->state == HOKM_VRRP_MASTER && now_ns >= v->lease_until_ns)
		lose(&s, v->send_failed ? HOKM_R_SEND_FAILED : HOKM_R_LEASE_LOST);

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
