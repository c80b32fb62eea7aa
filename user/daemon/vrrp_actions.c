/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Act: the VRRP machine's actions become adverts on the wire and wanted state, which act/apply.c
 * puts into effect. A lease that is dropped is in the map before the advert that tells of it
 * leaves; one that is taken counts from just before its advert left.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/daemon.h"

#define SUCCESSOR_NS (5 * NS_PER_S) /* how long SYNs of stale ARP go to the successor */

uint8_t daemon_slot_of(const struct daemon *d, struct in_addr addr)
{
	for (unsigned int i = 0; i < d->conf->n_nodes; i++)
		if (d->conf->nodes[i].addr.s_addr == addr.s_addr)
			return d->nodes[i].slot;
	return HOKM_NO_PEER;
}

void daemon_wire_conf(const struct conf *c, struct vrrp_wire_conf *w)
{
	memset(w, 0, sizeof(*w));
	w->version = (uint8_t)c->vrrp_version;
	w->vrid = c->vrid;
	w->adver_ns = c->advert_ns;
	w->use_pass = c->vrrp_version == 2;
	memcpy(w->password, c->vrrp_password, sizeof(w->password));
	w->checksum_pseudo = c->checksum_pseudo;
}

static int send_to(struct daemon *d, uint8_t priority, struct in_addr dest)
{
	const struct conf *c = d->conf;
	uint8_t buf[VRRP_PACKET_MAX];
	struct vrrp_wire_conf w;
	size_t len;

	daemon_wire_conf(c, &w);
	len = vrrp_wire_build(&w, priority, c->vips, (uint8_t)c->n_vips, c->nodes[c->self].addr,
			      dest, buf);
	explicit_bzero(w.password, sizeof(w.password));
	return vrrp_sock_send(d->vrrp_sock, buf, len, dest);
}

/* One advert to everybody. Unicast: sent when at least one peer's went out. */
static int send_advert(struct daemon *d, uint8_t priority)
{
	const struct conf *c = d->conf;
	int err = -EDESTADDRREQ;

	if (c->multicast) {
		struct in_addr group = {.s_addr = htonl(VRRP_GROUP)};

		err = send_to(d, priority, group);
	}
	for (unsigned int i = 0; !c->multicast && i < c->n_nodes; i++) {
		int one = i == c->self ? 0 : send_to(d, priority, c->nodes[i].addr);

		if (i != c->self)
			err = err && one ? one : 0;
	}
	if (err) {
		if (!d->stats.adverts_failed++)
			log_error("could not send an advert on %s: %s", c->interface,
				  strerror(-err));
	} else {
		d->stats.adverts_sent++;
	}
	return err;
}

static void act_raise(struct daemon *d)
{
	d->standby = false;
	d->want.vip_raised = true;
	/* An adopted lease never ended: going on with it is no takeover. */
	if (d->vrrp.reason != HOKM_R_ADOPTED)
		d->want.own.epoch = ++d->epoch;
	d->want.own.successor = HOKM_NO_PEER;
	d->want.own.successor_until_ns = 0;
	d->garp_left = d->conf->garp_count;
}

/* Lets go: the lease first, in one write, naming who gets the SYNs that still come here. */
static void act_lower(struct daemon *d, uint64_t now_ns)
{
	uint8_t slot = d->policy.successor;

	if (d->vrrp.owner.s_addr)
		slot = daemon_slot_of(d, d->vrrp.owner);
	d->want.own.lease_until_ns = 0;
	d->want.own.successor = slot;
	d->want.own.successor_until_ns = now_ns + SUCCESSOR_NS;
	d->want.vip_raised = false;
	d->garp_left = 0;
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

static void announce_state(struct daemon *d, enum hokm_vrrp_state from)
{
	const struct vrrp *v = &d->vrrp;

	log_info("state %s -> %s reason=%s (%s) priority=%u", hokm_vrrp_state_name(from),
		 hokm_vrrp_state_name(v->state), hokm_reason_name(v->reason),
		 hokm_reason_text(v->reason), v->conf.priority);
	events_add(d->events, "state", v->reason, "%s -> %s: %s", hokm_vrrp_state_name(from),
		   hokm_vrrp_state_name(v->state), hokm_reason_text(v->reason));
	/* A lost status line is no reason to fail: systemd may not be there at all. */
	(void)sd_notifyf(0, "STATUS=%s: %s", hokm_vrrp_state_name(v->state),
			 hokm_reason_text(v->reason));
	queue_hook(d, from, false);
}

/* What one round of actions did, for the event that follows from it. */
struct acted {
	bool sent, failed;
	uint64_t sent_ns;
	bool own, garp;
};

static void act_one(struct daemon *d, const struct vrrp_action *a, enum hokm_vrrp_state from,
		    struct acted *r)
{
	uint64_t now_ns = clock_now_ns();

	switch (a->kind) {
	case VRRP_ACT_ADVERT:
		/* A dropped lease is in the map before the advert that tells of it is out. */
		if (r->own)
			apply_own(d->apply, &d->want);
		if (send_advert(d, a->priority))
			r->failed = a->priority != 0;
		else
			r->sent = a->priority != 0;
		r->sent_ns = now_ns;
		break;
	case VRRP_ACT_LEASE:
		d->want.own.lease_until_ns = a->until_ns;
		r->own = true;
		break;
	case VRRP_ACT_RAISE:
		act_raise(d);
		queue_hook(d, from, true);
		r->own = r->garp = true;
		break;
	case VRRP_ACT_LOWER:
		act_lower(d, now_ns);
		r->own = true;
		break;
	case VRRP_ACT_GARP:
		r->garp = true;
		break;
	case VRRP_ACT_STATE:
		announce_state(d, from);
		break;
	case VRRP_ACT_PROBE:
		for (unsigned int i = 0; i < d->conf->n_nodes; i++)
			if (i != d->conf->self)
				(void)pulse_probe(d->pulse, d->conf->nodes[i].addr, now_ns);
		break;
	}
}

/* Carries one round out; true when it leaves an event to feed back, in *next. */
bool daemon_act(struct daemon *d, const struct vrrp_actions *acts, enum hokm_vrrp_state from,
		struct vrrp_event *next)
{
	struct acted r = {0};

	for (unsigned int i = 0; i < acts->n; i++)
		act_one(d, &acts->a[i], from, &r);
	d->want.own.state = (__u8)d->vrrp.state;
	d->want.own.priority = d->vrrp.conf.priority;
	if (r.own || d->vrrp.state != from)
		apply_own(d->apply, &d->want);
	if (r.own)
		apply_sync(d->apply, &d->want);
	if (r.garp) {
		apply_garp(d->apply, &d->want);
		daemon_arm(d->garp_timer, clock_now_ns() + DAEMON_GARP_GAP_NS);
		/* Clients know now where the VIP is: those of a dead peer can be told. */
		daemon_takeover_tick(d, clock_now_ns());
	}
	if (!r.sent && !r.failed)
		return false;
	memset(next, 0, sizeof(*next));
	next->kind = r.failed ? VRRP_EV_SEND_FAILED : VRRP_EV_SENT;
	next->sent_ns = r.sent_ns;
	return true;
}
