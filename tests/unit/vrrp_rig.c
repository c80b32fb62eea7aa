/* SPDX-License-Identifier: GPL-2.0-only */
/* The runner of vrrp_rig.h: names the script and the step that went wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "vrrp_rig.h"

static struct in_addr octet(uint8_t last)
{
	struct in_addr a = {.s_addr = last ? htonl(0x0a000000U | last) : 0};

	return a;
}

void rig_init(struct rig *r)
{
	struct vrrp_conf conf = {
		.version = 3,
		.priority = 128,
		.adver_ns = 100 * RIG_MS,
		.preempt = true,
		.preempt_delay_ns = 2000 * RIG_MS,
		.addr = octet(2),
	};

	memset(r, 0, sizeof(*r));
	r->now_ns = 1000000 * RIG_MS;
	vrrp_init(&r->v, &conf, r->now_ns);
}

static void put(char *buf, size_t size, const struct rig *r, const struct vrrp_action *a)
{
	static const char *const names[] = {
		[VRRP_ACT_ADVERT] = "advert", [VRRP_ACT_LEASE] = "lease",
		[VRRP_ACT_RAISE] = "raise",   [VRRP_ACT_LOWER] = "lower",
		[VRRP_ACT_GARP] = "garp",     [VRRP_ACT_STATE] = "state",
		[VRRP_ACT_PROBE] = "probe",
	};
	size_t len = strlen(buf);

	snprintf(buf + len, size - len, "%s%s", len ? " " : "", names[a->kind]);
	len = strlen(buf);
	if (a->kind == VRRP_ACT_ADVERT)
		snprintf(buf + len, size - len, ":%u", a->priority);
	if (a->kind == VRRP_ACT_LEASE)
		snprintf(buf + len, size - len, ":%lld",
			 (long long)(a->until_ns - r->now_ns) / (long long)RIG_MS);
}

static void fill_event(const struct rig *r, const struct rig_step *st, struct vrrp_event *ev)
{
	struct vrrp_view *view = &ev->view;

	memset(ev, 0, sizeof(*ev));
	ev->kind = st->kind;
	ev->reason = st->reason;
	ev->advert.version = 3;
	ev->advert.priority = st->priority;
	ev->advert.source = octet(st->from);
	ev->advert.adver_ns = (st->adver_ms ? (uint64_t)st->adver_ms : 100) * RIG_MS;
	ev->sent_ns = r->now_ns - (uint64_t)st->sent_ms * RIG_MS;
	if (st->adopted_ms)
		ev->adopted_lease_ns = r->now_ns + (uint64_t)(st->adopted_ms * (int64_t)RIG_MS);
	if (st->holds_ms)
		view->lease_until_ns = r->now_ns + (uint64_t)(st->holds_ms * (int64_t)RIG_MS);
	view->peer_holds = st->holds_ms > 0;
	view->holder = octet(st->holder);
	view->holder_priority = st->holder_priority;
	view->owner_pulses = st->pulses;
	view->owner_seen_ns = st->pulses ? r->now_ns - (st->fresh ? 0 : 500 * RIG_MS) : 0;
	view->may_preempt = !st->held_back;
	view->best_successor = st->best;
	view->deaf = st->deaf;
}

static void judge(const struct rig *r, const char *name, unsigned int i, const struct rig_step *st,
		  const char *did)
{
	long long timer_ms = r->v.timer_at_ns
				     ? ((long long)r->v.timer_at_ns - (long long)r->now_ns) /
					       (long long)RIG_MS
				     : -1;

	if (strcmp(did, st->did) != 0)
		fail_msg("%s[%u]: did \"%s\", not \"%s\"", name, i, did, st->did);
	if (r->v.state != st->state)
		fail_msg("%s[%u]: state %s, not %s", name, i, hokm_vrrp_state_name(r->v.state),
			 hokm_vrrp_state_name(st->state));
	if (st->why && r->v.reason != st->why)
		fail_msg("%s[%u]: reason %s, not %s", name, i, hokm_reason_name(r->v.reason),
			 hokm_reason_name(st->why));
	if (st->timer_ms && timer_ms != st->timer_ms)
		fail_msg("%s[%u]: timer in %lld ms, not %d", name, i, timer_ms, st->timer_ms);
}

void rig_run(struct rig *r, const char *name, const struct rig_step *steps, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		const struct rig_step *st = &steps[i];
		struct vrrp_actions acts;
		struct vrrp_event ev;
		char did[256] = "";

		if (st->kind == VRRP_EV_TIMER && !st->after_ms && r->v.timer_at_ns > r->now_ns)
			r->now_ns = r->v.timer_at_ns;
		r->now_ns += (uint64_t)st->after_ms * RIG_MS;
		fill_event(r, st, &ev);
		vrrp_step(&r->v, &ev, r->now_ns, &acts);
		for (unsigned int a = 0; a < acts.n; a++)
			put(did, sizeof(did), r, &acts.a[a]);
		judge(r, name, i, st, did);
	}
}

void rig_backup(struct rig *r)
{
	static const struct rig_step steps[] = {
		{.kind = VRRP_EV_START, .did = "state", .state = HOKM_VRRP_BACKUP, .timer_ms = 350},
	};

	rig_init(r);
	RIG_RUN(r, steps);
}

void rig_master(struct rig *r)
{
	static const struct rig_step steps[] = {
		{.kind = VRRP_EV_TIMER, .did = "advert:128", .state = HOKM_VRRP_BACKUP},
		{.kind = VRRP_EV_SENT,
		 .did = "lease:275 raise state",
		 .state = HOKM_VRRP_MASTER,
		 .timer_ms = 100},
	};

	rig_backup(r);
	RIG_RUN(r, steps);
}
