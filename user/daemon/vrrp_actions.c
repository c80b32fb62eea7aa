/* SPDX-License-Identifier: GPL-2.0-only */
/* See vrrp_actions.h. */
#include <string.h>
#include <systemd/sd-daemon.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/probe.h"
#include "daemon/daemon.h"
#include "daemon/vrrp_actions.h"

/* How long SYNs of clients with an old ARP entry are steered to the successor. */
#define SUCCESSOR_NS (5 * NS_PER_S)

/* Ownership changes: the newest connections may not be replicated yet. */
static void allow_guesses(struct daemon *d, uint64_t now_ns)
{
	guess_note_change(&d->guess, now_ns);
	d->node.want.own.guess_until_ns = d->guess.until_ns;
}

/* Takes the lease, or prolongs it. */
static void set_lease(struct daemon *d, uint64_t until_ns)
{
	struct hokm_own *own = &d->node.want.own;
	uint64_t now_ns = clock_now_ns();

	if (own->lease_until_ns < now_ns)
		allow_guesses(d, now_ns);
	own->lease_until_ns = until_ns < d->etcd.out.until_ns ? until_ns : d->etcd.out.until_ns;
}

static void raise_vip(struct daemon *d)
{
	struct apply_want *want = &d->node.want;

	/* The node is needed again, or a peer gave the VIP back: the order has had its effect. */
	operator_take_back(&d->operator, ORDER_STANDBY);
	want->vip_raised = true;
	/* An adopted lease never ended, so continuing it begins no new epoch. */
	if (d->vrrp.reason != HOKM_R_ADOPTED)
		want->own.epoch = ++d->epoch;
	want->own.successor = HOKM_NO_PEER;
	want->own.successor_until_ns = 0;
	announcing_vips(&d->announcing);
}

/* Drops the lease and names the node that gets the SYNs which still arrive here. */
static void lower_vip(struct daemon *d, uint64_t now_ns)
{
	struct apply_want *want = &d->node.want;
	uint8_t slot = d->policy.successor;

	if (d->vrrp.owner.s_addr)
		slot = peers_by_addr(&d->node.peers, d->vrrp.owner);
	allow_guesses(d, now_ns);
	want->own.lease_until_ns = 0;
	want->own.successor = slot;
	want->own.successor_until_ns = now_ns + SUCCESSOR_NS;
	want->vip_raised = false;
	announcing_end(&d->announcing);
}

static void ask_hook(struct daemon *d)
{
	struct hook_call call = {
		.when = HOOK_BEFORE,
		.state = HOKM_VRRP_MASTER,
		.from = d->vrrp.state,
		.reason = d->vrrp.take_reason,
		.priority = d->vrrp.conf.priority,
	};

	permission_ask(&d->permission, &call, clock_now_ns());
}

static void queue_hook(struct daemon *d, enum hokm_vrrp_state from, bool before)
{
	struct hook_call call = {
		.when = before ? HOOK_BEFORE : HOOK_AFTER,
		.state = d->vrrp.state,
		.from = from,
		.reason = d->vrrp.reason,
		.priority = d->vrrp.conf.priority,
	};

	hooks_queue(d->hooks, &call);
}

static void report_state(struct daemon *d, enum hokm_vrrp_state from)
{
	const struct vrrp *v = &d->vrrp;

	PROBE_STATE(hokm_vrrp_state_name(from), hokm_vrrp_state_name(v->state),
		    hokm_reason_name(v->reason));
	log_info("state %s -> %s reason=%s (%s) priority=%u", hokm_vrrp_state_name(from),
		 hokm_vrrp_state_name(v->state), hokm_reason_name(v->reason),
		 hokm_reason_text(v->reason), v->conf.priority);
	events_add(d->node.events, "state", v->reason, "%s -> %s: %s", hokm_vrrp_state_name(from),
		   hokm_vrrp_state_name(v->state), hokm_reason_text(v->reason));
	/* A status line that is lost is no reason to fail: systemd may not be there at all. */
	(void)sd_notifyf(0, "STATUS=%s: %s", hokm_vrrp_state_name(v->state),
			 hokm_reason_text(v->reason));
	permission_reset(&d->permission);
	queue_hook(d, from, false);
}

/* What one round of actions did. */
struct acted {
	bool sent, failed; /* an advert that the machine wants to hear about */
	uint64_t sent_ns;
	bool own, garp; /* map own must be written; a gratuitous ARP must be sent */
};

static void send_advert(struct daemon *d, uint8_t priority, struct acted *r)
{
	/* A dropped lease is in the map before the advert that reports it goes out. */
	if (r->own)
		apply_own(d->node.apply, &d->node.want);
	r->sent_ns = clock_now_ns();
	if (adverts_send(&d->adverts, priority, d->vrrp.conf.adver_ns))
		r->failed = priority != 0;
	else
		r->sent = priority != 0;
}

static void report_one_way(struct daemon *d, struct in_addr source)
{
	const char *name = peers_name(&d->node.peers, peers_by_addr(&d->node.peers, source));

	if (!name)
		return;
	log_warn("peer %s reason=%s (%s)", name, hokm_reason_name(HOKM_R_ONE_WAY),
		 hokm_reason_text(HOKM_R_ONE_WAY));
	events_add(d->node.events, "peer", HOKM_R_ONE_WAY, "%s: %s", name,
		   hokm_reason_text(HOKM_R_ONE_WAY));
}

static void act_one(struct daemon *d, const struct vrrp_action *a, enum hokm_vrrp_state from,
		    const struct vrrp_event *ev, struct acted *r)
{
	switch (a->kind) {
	case VRRP_ACT_ADVERT:
		send_advert(d, a->priority, r);
		break;
	case VRRP_ACT_LEASE:
		set_lease(d, a->until_ns);
		r->own = true;
		break;
	case VRRP_ACT_RAISE:
		raise_vip(d);
		/* One that was asked ran already. An adopted lease continues without it. */
		if (!permission_needed(&d->permission))
			queue_hook(d, from, true);
		r->own = r->garp = true;
		break;
	case VRRP_ACT_LOWER:
		lower_vip(d, clock_now_ns());
		r->own = true;
		break;
	case VRRP_ACT_GARP:
		announcing_once(&d->announcing);
		r->garp = true;
		break;
	case VRRP_ACT_STATE:
		report_state(d, from);
		break;
	case VRRP_ACT_PROBE:
		/* Who is asked knows the announcement. */
		if (r->own)
			apply_own(d->node.apply, &d->node.want);
		heartbeat_probe(&d->heartbeat);
		break;
	case VRRP_ACT_DISCARD:
		adverts_discard(&d->adverts, VRRP_BAD_UNPROVEN, ev->advert.source);
		break;
	case VRRP_ACT_ASK:
		ask_hook(d);
		break;
	case VRRP_ACT_ONE_WAY:
		report_one_way(d, ev->advert.source);
		break;
	}
}

/* As in an advert: with priority 0 a node takes part in no election. True when that changes. */
static bool show_priority(struct daemon *d)
{
	struct hokm_own *own = &d->node.want.own;
	const uint8_t was = own->priority;

	own->priority = permission_refuses(&d->permission) || upkeep_lacks_self(&d->upkeep)
				? 0
				: d->vrrp.conf.priority;
	return own->priority != was;
}

/*
 * What the answers to pulses say. An owner goes on announcing: the word is in the map before its
 * lease is. True when it changes.
 */
static bool show_announcement(struct daemon *d)
{
	const struct vrrp *v = &d->vrrp;
	__u8 *announces = &d->node.want.own.announces;
	const __u8 was = *announces;

	*announces = v->state == HOKM_VRRP_MASTER ||
		     (v->state == HOKM_VRRP_BACKUP && v->announced_ns);
	return *announces != was;
}

bool vrrp_actions_run(struct daemon *d, const struct vrrp_actions *acts, enum hokm_vrrp_state from,
		      struct vrrp_event *next)
{
	struct node *n = &d->node;
	struct acted r = {0};

	/* Peers that learn a refusal from an advert see it in the pulses, too. */
	r.own = show_priority(d);
	r.own |= show_announcement(d);
	for (unsigned int i = 0; i < acts->n; i++)
		act_one(d, &acts->a[i], from, next, &r);
	n->want.own.state = (__u8)d->vrrp.state;
	(void)show_priority(d);
	if (r.own || d->vrrp.state != from)
		apply_own(n->apply, &n->want);
	if (r.own)
		apply_sync(n->apply, &n->want);
	if (r.garp) {
		announcing_send(&d->announcing);
		/* Packets of clients arrive here now: those of a dead peer can be notified. */
		inbox_note(&n->inbox, INBOX_TAKEOVER);
	}
	if (!r.sent && !r.failed)
		return false;
	memset(next, 0, sizeof(*next));
	next->kind = r.failed ? VRRP_EV_SEND_FAILED : VRRP_EV_SENT;
	next->sent_ns = r.sent_ns;
	return true;
}
