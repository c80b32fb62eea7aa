/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Active checks: one timer for all of them, the agent does the work. A service is UP when all its
 * checks are, DOWN when one is, INIT until each has a first result.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/daemon.h"

#define SPREAD_NS (20 * NS_PER_MS) /* between the first checks of a node */

static const char *const kind_names[] = {
	[CHECK_WEBSOCKET] = "websocket",
	[CHECK_HTTP] = "http",
	[CHECK_TCP] = "tcp",
	[CHECK_EXEC] = "exec",
};

const char *daemon_check_name(enum conf_check_kind kind)
{
	return kind_names[kind];
}

static void conf_of(const struct conf_check *c, const struct observe_conf *observe,
		    struct health_conf *h)
{
	h->rise = c->rise;
	h->fall = c->fall;
	h->interval_ns = c->interval_ns;
	h->fastinter_ns = c->fastinter_ns;
	h->downinter_ns = c->downinter_ns;
	h->timeout_ns = c->timeout_ns;
	h->alert_timeout_ns = observe->timeout_ns;
}

void daemon_health_init(struct daemon *d, uint64_t now_ns)
{
	uint64_t spread_ns = 0;

	for (unsigned int s = 0; s < d->conf->n_services; s++) {
		const struct conf_service *cs = &d->conf->services[s];

		d->services[s].since_ns = now_ns;
		for (unsigned int i = 0; i < cs->n_checks; i++, spread_ns += SPREAD_NS) {
			struct health_conf h;

			conf_of(&cs->checks[i], &d->conf->observe, &h);
			health_init(&d->services[s].checks[i], &h, now_ns, spread_ns);
		}
	}
}

bool daemon_health_known(const struct daemon *d)
{
	for (unsigned int s = 0; s < d->conf->n_services; s++)
		if (d->services[s].health == HOKM_SVC_INIT)
			return false;
	return true;
}

static enum hokm_svc_state sum_up(const struct daemon_service *svc, unsigned int n_checks,
				  enum hokm_reason *reason)
{
	enum hokm_svc_state state = HOKM_SVC_UP;

	*reason = HOKM_R_CHECK_OK;
	for (unsigned int i = 0; i < n_checks; i++) {
		if (svc->checks[i].known && !health_up(&svc->checks[i])) {
			*reason = svc->checks[i].reason;
			return HOKM_SVC_DOWN;
		}
		if (!svc->checks[i].known)
			state = HOKM_SVC_INIT;
	}
	return state;
}

static void request_check(struct daemon *d, unsigned int s, unsigned int i, uint64_t now_ns)
{
	const struct conf_service *cs = &d->conf->services[s];
	struct daemon_service *svc = &d->services[s];
	struct agent_request r;
	char addr[INET_ADDRSTRLEN];
	int err;

	memset(&r, 0, sizeof(r));
	r.id = s * CONF_CHECKS_MAX + i;
	r.seq = svc->checks[i].seq;
	r.check = cs->checks[i];
	r.check.timeout_ns = health_timeout_ns(&svc->checks[i]);
	/* On alert the question is whether it answers now: no time for second tries. */
	if (svc->checks[i].alert)
		r.check.attempts = 1;
	if (inet_ntop(AF_INET, &d->conf->vips[cs->vip], addr, sizeof(addr)))
		snprintf(r.host, sizeof(r.host), "%s:%u", addr, cs->port);
	err = agent_check(d->agent, &r);
	if (!err)
		return;
	snprintf(svc->detail[i], sizeof(svc->detail[i]), "the agent took no check: %s",
		 strerror(-err));
	health_lost(&svc->checks[i], now_ns);
}

static void arm_health(struct daemon *d)
{
	uint64_t next_ns = UINT64_MAX;
	int err;

	for (unsigned int s = 0; s < d->conf->n_services; s++)
		for (unsigned int i = 0; i < d->conf->services[s].n_checks; i++) {
			uint64_t at_ns = health_next_ns(&d->services[s].checks[i]);

			next_ns = at_ns < next_ns ? at_ns : next_ns;
		}
	if (next_ns == UINT64_MAX)
		return;
	err = sd_event_source_set_time(d->health_timer, next_ns / 1000 + 1);
	if (err >= 0)
		err = sd_event_source_set_enabled(d->health_timer, SD_EVENT_ONESHOT);
	if (err < 0)
		log_error("could not arm the check timer: %s", strerror(-err));
}

static void update_service(struct daemon *d, unsigned int s, uint64_t now_ns)
{
	struct daemon_service *svc = &d->services[s];
	enum hokm_reason reason;
	enum hokm_svc_state state = sum_up(svc, d->conf->services[s].n_checks, &reason);

	svc->reason = reason;
	if (state == svc->health)
		return;
	svc->health = state;
	svc->since_ns = now_ns;
	/* Once the checks have spoken they take their own time again: slow is not dead. */
	if (state != HOKM_SVC_UP)
		daemon_observe_alert(d, s, false, now_ns);
	daemon_evaluate(d);
}

void daemon_health_run(struct daemon *d)
{
	uint64_t now_ns = clock_now_ns();

	for (unsigned int s = 0; s < d->conf->n_services; s++) {
		for (unsigned int i = 0; i < d->conf->services[s].n_checks; i++) {
			struct health *h = &d->services[s].checks[i];

			if (health_start(h, now_ns))
				request_check(d, s, i, now_ns);
		}
		update_service(d, s, now_ns);
	}
	arm_health(d);
}

/* Without passive checks a good check of the whole service ends what one refused SYN began. */
static void clear_suspect(struct daemon *d, unsigned int s)
{
	const struct daemon_service *svc = &d->services[s];
	struct hokm_suspect suspect;

	if (svc->observe.conf.on || svc->health != HOKM_SVC_UP ||
	    hokm_bpf_get_suspect(d->bpf, svc->slot, &suspect))
		return;
	for (unsigned int i = 0; i < d->conf->services[s].n_checks; i++)
		if (svc->checks[i].reason != HOKM_R_CHECK_OK ||
		    svc->checks[i].started_ns <= suspect.since_ns)
			return;
	if (suspect.until_ns)
		apply_hold_suspect(d->apply, svc->slot, 0);
}

/* A check that was lost is no word on the service. */
static void tell_observe(struct daemon *d, unsigned int s, const struct health *h, uint64_t now_ns)
{
	struct observe_verdict v;

	if (h->reason == HOKM_R_CHECK_AGENT)
		return;
	observe_check(&d->services[s].observe, h->reason == HOKM_R_CHECK_OK, h->started_ns, now_ns,
		      &v);
	daemon_observe_verdict(d, s, &v, now_ns);
}

void daemon_health_reply(const struct agent_reply *r, void *arg)
{
	struct daemon *d = arg;
	unsigned int s = r->id / CONF_CHECKS_MAX;
	unsigned int i = r->id % CONF_CHECKS_MAX;
	uint64_t now_ns = clock_now_ns();
	struct daemon_service *svc;
	struct health *h;

	if (s >= d->conf->n_services || i >= d->conf->services[s].n_checks ||
	    r->reason >= HOKM_REASON_COUNT)
		return;
	svc = &d->services[s];
	h = &svc->checks[i];
	if (!h->running || h->seq != r->seq)
		return;
	if (r->reason != h->reason || !h->known)
		log_info("check %s/%s: %s (%s)", d->conf->services[s].name,
			 kind_names[d->conf->services[s].checks[i].kind],
			 hokm_reason_name(r->reason), r->detail);
	memcpy(svc->detail[i], r->detail, sizeof(svc->detail[i]));
	svc->detail[i][sizeof(svc->detail[i]) - 1] = '\0';
	health_result(h, r->seq, r->reason, now_ns);
	tell_observe(d, s, h, now_ns);
	clear_suspect(d, s);
	update_service(d, s, now_ns);
	daemon_health_run(d);
}

void daemon_agent_died(void *arg)
{
	struct daemon *d = arg;
	uint64_t now_ns = clock_now_ns();

	d->stats.agent_restarts++;
	for (unsigned int s = 0; s < d->conf->n_services; s++)
		for (unsigned int i = 0; i < d->conf->services[s].n_checks; i++)
			health_lost(&d->services[s].checks[i], now_ns);
	daemon_health_run(d);
}

void daemon_health_hurry(struct daemon *d, unsigned int service)
{
	uint64_t now_ns = clock_now_ns();

	for (unsigned int i = 0; i < d->conf->services[service].n_checks; i++)
		health_hurry(&d->services[service].checks[i], now_ns);
	daemon_health_run(d);
}

static int on_health_timer(sd_event_source *s, uint64_t usec, void *arg)
{
	(void)s;
	(void)usec;
	daemon_health_run(arg);
	return 0;
}

int daemon_health_start(struct daemon *d)
{
	uint64_t now_ns = clock_now_ns();
	int err;

	daemon_health_init(d, now_ns);
	daemon_observe_init(d, now_ns);
	err = sd_event_add_time(d->event, &d->health_timer, CLOCK_BOOTTIME, now_ns / 1000, 1,
				on_health_timer, d);
	if (err < 0)
		log_error("could not set the check timer up: %s", strerror(-err));
	return err < 0 ? err : 0;
}
