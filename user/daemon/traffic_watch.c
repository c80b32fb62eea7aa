/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Passive checks: samples the packet path's counters and what waits for an answer, lets
 * decide/observe judge, and carries its verdicts out: new players elsewhere (map suspects), active
 * checks on alert, an event with the reason.
 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/daemon.h"

#define EVERYTHING_NS 0 /* from the beginning: as far back as the ring reaches */

static void take_counters(const struct hokm_counters *c, struct observe_sample *s)
{
	s->syn = c->syn_local;
	s->syn_ack = c->syn_ack;
	s->refused = c->refused;
	s->answered = c->switched + c->upgrade_4xx + c->upgrade_5xx + c->upgrade_other;
	s->answer_5xx = c->upgrade_5xx;
	s->pongs = c->out_pong;
	s->reset = c->reset_server;
	s->abnormal = c->abnormal_server;
	s->close_error = c->close_1011 + c->close_1012 + c->close_1013;
	s->ended = c->reset_server + c->abnormal_server + c->abnormal_client + c->close_server +
		   c->close_client;
}

/* Late ones of one kind; *oldest_ns is of all that wait. */
static int take_waits(struct daemon *d, const struct daemon_service *svc, enum hokm_signal signal,
		      uint64_t now_ns, uint32_t *late, uint64_t *oldest_ns)
{
	enum hokm_bpf_wait kind = signal == HOKM_SIGNAL_PING ? HOKM_WAIT_PING : HOKM_WAIT_UPGRADE;
	uint64_t from_ns, to_ns;
	uint32_t all;
	int err = hokm_bpf_count_waits(
		d->bpf, svc->slot, kind, EVERYTHING_NS, now_ns, &all, oldest_ns);

	*late = 0;
	/* Nothing waits, as nearly always: no need to look a second time. */
	if (err || !all || !observe_late_range(&svc->observe, signal, now_ns, &from_ns, &to_ns))
		return err;
	return hokm_bpf_count_waits(d->bpf, svc->slot, kind, from_ns, to_ns, late, NULL);
}

static int sample(struct daemon *d, struct daemon_service *svc, uint64_t now_ns,
		  struct observe_sample *s)
{
	struct hokm_suspect suspect;
	struct hokm_counters counters;
	int err;

	memset(s, 0, sizeof(*s));
	err = hokm_bpf_get_counters(d->bpf, svc->slot, &counters);
	if (!err)
		err = hokm_bpf_get_suspect(d->bpf, svc->slot, &suspect);
	if (!err)
		err = take_waits(d, svc, HOKM_SIGNAL_UPGRADE, now_ns, &s->late_upgrades,
				 &svc->oldest_upgrade_ns);
	if (!err)
		err = take_waits(d, svc, HOKM_SIGNAL_PING, now_ns, &s->late_pings,
				 &svc->oldest_ping_ns);
	if (err)
		return err;
	take_counters(&counters, s);
	s->suspect_until_ns = suspect.until_ns;
	return 0;
}

void daemon_observe_alert(struct daemon *d, unsigned int s, bool on, uint64_t now_ns)
{
	for (unsigned int i = 0; i < d->conf->services[s].n_checks; i++)
		health_alert(&d->services[s].checks[i], on, now_ns);
}

static void announce(struct daemon *d, unsigned int s, const struct observe_verdict *v,
		     uint64_t now_ns)
{
	const char *name = d->conf->services[s].name;
	const char *text = hokm_reason_text(v->reason);
	uint64_t hold_ms = v->until_ns > now_ns ? (v->until_ns - now_ns) / NS_PER_MS : 0;

	if (v->change == OBSERVE_CLEARED) {
		log_info("service %s no longer suspect reason=%s (%s)", name,
			 hokm_reason_name(v->reason), text);
		events_add(d->events, "passive", v->reason, "%s: %s", name, text);
		return;
	}
	log_warn("service %s suspect reason=%s (%s): %llu of %llu; new players go to a peer for "
		 "%llu ms, active checks run now",
		 name, hokm_reason_name(v->reason), text, (unsigned long long)v->wrong,
		 (unsigned long long)v->all, (unsigned long long)hold_ms);
	events_add(d->events, "passive", v->reason, "%s: %s: %llu of %llu, held for %llu ms", name,
		   text, (unsigned long long)v->wrong, (unsigned long long)v->all,
		   (unsigned long long)hold_ms);
}

void daemon_observe_verdict(struct daemon *d, unsigned int s, const struct observe_verdict *v,
			    uint64_t now_ns)
{
	const struct daemon_service *svc = &d->services[s];

	switch (v->change) {
	case OBSERVE_SAME:
		return;
	case OBSERVE_TRIPPED:
		apply_hold_suspect(d->apply, svc->slot, v->until_ns);
		announce(d, s, v, now_ns);
		daemon_observe_alert(d, s, true, now_ns);
		daemon_health_run(d);
		return;
	case OBSERVE_RENEWED:
		apply_hold_suspect(d->apply, svc->slot, v->until_ns);
		return;
	case OBSERVE_CLEARED:
		apply_hold_suspect(d->apply, svc->slot, 0);
		announce(d, s, v, now_ns);
		daemon_observe_alert(d, s, false, now_ns);
		return;
	}
}

static void observe_one(struct daemon *d, unsigned int s, uint64_t now_ns)
{
	struct daemon_service *svc = &d->services[s];
	struct observe_verdict v;
	struct observe_sample now;
	int err = sample(d, svc, now_ns, &now);

	if (err) {
		if (!svc->observe_failed)
			log_error("passive checks of service %s: could not read the packet path's "
				  "maps: %s; active checks go on",
				  d->conf->services[s].name, strerror(-err));
		svc->observe_failed = true;
		return;
	}
	svc->observe_failed = false;
	observe_step(&svc->observe, &now, svc->health == HOKM_SVC_UP, now_ns, &v);
	daemon_observe_verdict(d, s, &v, now_ns);
}

void daemon_observe_now(struct daemon *d, unsigned int s)
{
	if (d->services[s].observe.conf.on)
		observe_one(d, s, clock_now_ns());
}

void daemon_observe(struct daemon *d, uint64_t now_ns)
{
	for (unsigned int s = 0; s < d->conf->n_services; s++) {
		struct observe *o = &d->services[s].observe;
		uint64_t next_ns = observe_next_ns(o, now_ns);

		if (next_ns && now_ns >= next_ns)
			observe_one(d, s, now_ns);
	}
}

void daemon_observe_init(struct daemon *d, uint64_t now_ns)
{
	for (unsigned int s = 0; s < d->conf->n_services; s++) {
		struct daemon_service *svc = &d->services[s];

		observe_init(&svc->observe, &d->conf->observe, now_ns);
	}
}
