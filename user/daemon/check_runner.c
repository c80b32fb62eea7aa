/* SPDX-License-Identifier: GPL-2.0-only */
/* See check_runner.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/agent.h"
#include "base/log.h"
#include "base/probe.h"
#include "base/timer.h"
#include "daemon/check_runner.h"
#include "daemon/inbox.h"
#include "daemon/services.h"

/* The number of a check for the agent, by the places of the service and the check in the file. */
static unsigned int check_id(unsigned int s, unsigned int i)
{
	return s * CONF_CHECKS_MAX + i;
}

/* ---- results ---- */

static void take_result(struct service *svc, unsigned int i, uint64_t now_ns)
{
	struct service_check *c = &svc->checks[i];
	struct health *h = &c->health;

	c->reply.waits = false;
	/* Not of the check that runs: it was given up meanwhile. */
	if (!h->running || h->seq != c->reply.seq)
		return;
	if (c->reply.reason != h->reason || !h->known)
		log_info("check %s/%s: %s (%s)", svc->conf->name,
			 check_kind_name(svc->conf->checks[i].kind),
			 hokm_reason_name(c->reply.reason), c->reply.detail);
	memcpy(c->detail, c->reply.detail, sizeof(c->detail));
	health_result(h, c->reply.seq, c->reply.reason, now_ns);
	c->fresh = true;
	PROBE_CHECK(svc->conf->name, check_kind_name(svc->conf->checks[i].kind),
		    hokm_reason_name(h->reason), h->took_ns);
}

void check_runner_take(struct check_runner *r, uint64_t now_ns)
{
	bool lost = r->agent_died;

	r->agent_died = false;
	for (unsigned int s = 0; s < r->services->n; s++) {
		struct service *svc = &r->services->list[s];

		for (unsigned int i = 0; i < svc->conf->n_checks; i++) {
			if (svc->checks[i].reply.waits)
				take_result(svc, i, now_ns);
			if (lost)
				health_lost(&svc->checks[i].health, now_ns);
		}
	}
}

/* ---- health of a service ---- */

static enum hokm_svc_state sum_up(const struct service *svc, enum hokm_reason *reason)
{
	enum hokm_svc_state state = HOKM_SVC_UP;

	*reason = HOKM_R_CHECK_OK;
	for (unsigned int i = 0; i < svc->conf->n_checks; i++) {
		const struct health *h = &svc->checks[i].health;

		if (h->known && !health_up(h)) {
			*reason = h->reason;
			return HOKM_SVC_DOWN;
		}
		if (!h->known)
			state = HOKM_SVC_INIT;
	}
	return state;
}

static bool update_service(struct service *svc, uint64_t now_ns)
{
	enum hokm_svc_state state = sum_up(svc, &svc->reason);

	if (state == svc->health)
		return false;
	svc->health = state;
	svc->since_ns = now_ns;
	/* The alert has brought its result: later checks may take their whole timeout again. */
	if (state != HOKM_SVC_UP)
		service_alert(svc, false, now_ns);
	return true;
}

/* ---- checks ---- */

static void request_check(struct check_runner *r, unsigned int s, unsigned int i, uint64_t now_ns)
{
	struct service *svc = &r->services->list[s];
	struct service_check *c = &svc->checks[i];
	struct agent_request req;
	int err;

	agent_request_fill(&req, check_id(s, i), svc->conf, i, svc->vip);
	req.seq = c->health.seq;
	req.check.timeout_ns = health_timeout_ns(&c->health);
	if (health_single(&c->health))
		req.check.attempts = 1;
	err = agent_check(r->agent, &req);
	if (!err)
		return;
	snprintf(c->detail, sizeof(c->detail), "the agent did not accept the check: %s",
		 strerror(-err));
	health_lost(&c->health, now_ns);
}

bool check_runner_run(struct check_runner *r, uint64_t now_ns)
{
	bool changed = false;

	for (unsigned int s = 0; s < r->services->n; s++) {
		struct service *svc = &r->services->list[s];

		changed |= update_service(svc, now_ns);
		for (unsigned int i = 0; i < svc->conf->n_checks; i++)
			if (!r->paused && health_start(&svc->checks[i].health, now_ns))
				request_check(r, s, i, now_ns);
		/* Again: a check that could not be started, or that ran too long, may count. */
		changed |= update_service(svc, now_ns);
	}
	return changed;
}

void check_runner_pause(struct check_runner *r, bool on, uint64_t now_ns)
{
	for (unsigned int s = 0; on && s < r->services->n; s++)
		for (unsigned int i = 0; i < r->services->list[s].conf->n_checks; i++)
			health_lost(&r->services->list[s].checks[i].health, now_ns);
	r->paused = on;
	inbox_note(r->inbox, INBOX_CHECKS);
}

void check_runner_arm(struct check_runner *r)
{
	uint64_t next_ns = UINT64_MAX;

	if (r->paused)
		return;
	for (unsigned int s = 0; s < r->services->n; s++)
		for (unsigned int i = 0; i < r->services->list[s].conf->n_checks; i++) {
			uint64_t at_ns = health_next_ns(&r->services->list[s].checks[i].health);

			next_ns = at_ns < next_ns ? at_ns : next_ns;
		}
	if (next_ns != UINT64_MAX)
		timer_arm(r->timer, next_ns);
}

/* ---- handlers ---- */

static void on_reply(const struct agent_reply *reply, void *arg)
{
	unsigned int s = reply->id / CONF_CHECKS_MAX;
	unsigned int i = reply->id % CONF_CHECKS_MAX;
	struct check_runner *r = arg;
	struct service_check *c;

	if (s >= r->services->n || i >= r->services->list[s].conf->n_checks ||
	    reply->reason >= HOKM_REASON_COUNT)
		return;
	c = &r->services->list[s].checks[i];
	/* A late reply to a check that was given up must not hide the one that is awaited. */
	if (!c->health.running || c->health.seq != reply->seq)
		return;
	c->reply.waits = true;
	c->reply.seq = reply->seq;
	c->reply.reason = reply->reason;
	memcpy(c->reply.detail, reply->detail, sizeof(c->reply.detail));
	c->reply.detail[sizeof(c->reply.detail) - 1] = '\0';
	inbox_note(r->inbox, INBOX_CHECKS);
}

static void on_agent_died(void *arg)
{
	struct check_runner *r = arg;

	r->agent_restarts++;
	r->agent_died = true;
	inbox_note(r->inbox, INBOX_CHECKS);
}

static int on_timer(sd_event_source *s, uint64_t usec, void *arg)
{
	struct check_runner *r = arg;

	(void)s;
	inbox_note_timer(r->inbox, INBOX_CHECKS, LATE_CHECK, usec);
	return 0;
}

/* A check has the same number here and in request_check(). */
static void commands_of(const struct conf *c, struct agent_commands *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned int s = 0; s < c->n_services; s++)
		for (unsigned int i = 0; i < c->services[s].n_checks; i++)
			if (c->services[s].checks[i].kind == CHECK_EXEC)
				snprintf(out->command[check_id(s, i)], sizeof(out->command[0]),
					 "%s", c->services[s].checks[i].path);
}

int check_runner_open(struct check_runner *r, sd_event *event, const struct conf *c,
		      struct services *services, struct inbox *inbox)
{
	struct agent_commands commands;

	commands_of(c, &commands);
	r->services = services;
	r->inbox = inbox;
	return agent_open(event, c->agent_user, &commands, on_reply, on_agent_died, r, &r->agent);
}

void check_runner_reconf(struct check_runner *r, const struct conf *c)
{
	struct agent_commands commands;

	commands_of(c, &commands);
	agent_set_commands(r->agent, &commands);
}

int check_runner_start(struct check_runner *r, sd_event *event)
{
	int err = timer_add(event, &r->timer, SD_EVENT_PRIORITY_NORMAL, on_timer, r);

	if (err)
		log_error("could not set up the timer of the checks: %s", strerror(-err));
	else
		inbox_note(r->inbox, INBOX_CHECKS);
	return err;
}

void check_runner_close(struct check_runner *r)
{
	r->timer = sd_event_source_disable_unref(r->timer);
	agent_close(r->agent);
	r->agent = NULL;
}

void check_runner_cut(struct check_runner *r, int wait_ms)
{
	r->timer = sd_event_source_disable_unref(r->timer);
	agent_cut(r->agent, wait_ms);
	r->agent = NULL;
}
