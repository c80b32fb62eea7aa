/* SPDX-License-Identifier: GPL-2.0-only */
/* See recovery.h. */
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "daemon/node.h"
#include "daemon/recovery.h"

struct recover_conf recovery_conf(const struct service *svc)
{
	const struct conf_recover *c = &svc->conf->recover;

	return (struct recover_conf){
		.on = c->command[0] != '\0',
		.attempts = c->attempts,
		.limit = c->limit,
		.backoff_ns = c->backoff_ns,
	};
}

static struct service *by_tag(struct recovery *r, uint32_t tag)
{
	struct services *s = &r->node->services;
	const struct service *found = services_by_tag(s, tag);

	return found ? &s->list[found - s->list] : NULL;
}

/* ---- the end of a command ---- */

static void report_end(struct recovery *r, const struct service *svc, unsigned int attempt,
		       const char *how)
{
	const char *name = svc->conf->name;

	if (!how) {
		log_info("service %s: the command of recovery attempt %u succeeded", name, attempt);
		return;
	}
	log_error("service %s: the command of recovery attempt %u %s", name, attempt, how);
	events_add(r->node->events, "service", HOKM_R_RECOVER_FAILED,
		   "%s: the command of recovery attempt %u %s", name, attempt, how);
}

static void end(struct recovery *r, unsigned int attempt, const char *how)
{
	struct service *svc = by_tag(r, r->tag);
	struct recover_conf c;

	r->runs = false;
	/* A reload has removed the service. */
	if (!svc)
		return;
	report_end(r, svc, attempt, how);
	c = recovery_conf(svc);
	recover_ended(&svc->recover, &c, clock_now_ns());
	service_hurry(svc, clock_now_ns());
	inbox_note(&r->node->inbox, INBOX_CHECKS);
}

static void on_end(void *arg, uint64_t attempt, enum hook_answer answer)
{
	static const char *const words[] = {
		[HOOK_PERMITS] = NULL,
		[HOOK_REFUSES] = "failed",
		[HOOK_SILENT] = "could not be run, or ran out of time",
	};

	end(arg, (unsigned int)attempt, words[answer]);
}

/* ---- an attempt ---- */

static void attempt(struct recovery *r, struct service *svc, const struct hook_call *state)
{
	const unsigned int of = svc->conf->recover.attempts, n = svc->recover.attempts;
	const char *name = svc->conf->name;
	struct hook_call call = *state;
	char advice[LIMITS_ADVICE];
	int err;

	call.when = HOOK_RECOVER;
	call.reason = svc->reason;
	log_warn("service %s is DOWN: recovery attempt %u of %u begins", name, n, of);
	events_add(r->node->events, "service", HOKM_R_RECOVER,
		   "%s: recovery attempt %u of %u begins", name, n, of);
	r->runs = true;
	r->tag = svc->tag;
	err = hooks_recover(r->hooks, svc->conf, n, &call, on_end, r);
	if (err) {
		log_error("service %s: could not start its recovery: %s%s", name, strerror(-err),
			  limits_advice(err, advice));
		end(r, n, "could not be started");
	}
}

static void report(struct recovery *r, const struct service *svc, enum hokm_reason reason)
{
	log_warn("service %s: reason=%s (%s)", svc->conf->name, hokm_reason_name(reason),
		 hokm_reason_text(reason));
	events_add(r->node->events, "service", reason, "%s: %s (attempts: %u)", svc->conf->name,
		   hokm_reason_text(reason), svc->recover.attempts);
}

static void run_one(struct recovery *r, struct service *svc, bool held,
		    const struct hook_call *state, uint64_t now_ns)
{
	const enum hokm_svc_state health = svc->health != HOKM_SVC_INIT ? svc->health
									: svc->adopted;
	const struct recover_view v = {
		.up = health == HOKM_SVC_UP,
		.down = svc->health == HOKM_SVC_DOWN,
		/* The process of the checks died: that says nothing of the service. */
		.held = held || svc->reason == HOKM_R_CHECK_AGENT,
		.busy = r->runs,
	};
	const struct recover_conf c = recovery_conf(svc);

	switch (recover_step(&svc->recover, &c, &v, now_ns)) {
	case RECOVER_NOTHING:
		break;
	case RECOVER_RUN:
		attempt(r, svc, state);
		break;
	case RECOVER_GIVE_UP:
		report(r, svc, HOKM_R_RECOVER_SPENT);
		break;
	case RECOVER_TELL_LIMIT:
		report(r, svc, HOKM_R_RECOVER_LIMIT);
		break;
	case RECOVER_TELL_UP:
		report(r, svc, HOKM_R_RECOVERED);
		break;
	}
}

void recovery_run(struct recovery *r, bool held, const struct hook_call *state, uint64_t now_ns)
{
	for (unsigned int i = 0; i < r->node->services.n; i++)
		run_one(r, &r->node->services.list[i], held, state, now_ns);
}

void recovery_init(struct recovery *r, struct node *n, struct hooks *hooks)
{
	*r = (struct recovery){.node = n, .hooks = hooks};
}
