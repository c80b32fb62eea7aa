/* SPDX-License-Identifier: GPL-2.0-only */
/* See service_status.h. */
#include <string.h>

#include "agent/agent.h"
#include "daemon/node.h"
#include "daemon/recovery.h"
#include "path/bpf.h"
#include "serve/service_status.h"
#include "serve/status_json.h"

static json_t *check_json(const struct service *svc, unsigned int i, uint64_t now_ns)
{
	const struct health *h = &svc->checks[i].health;
	json_t *o = json_object();

	status_put(o, "kind", json_string(check_kind_name(svc->conf->checks[i].kind)));
	status_put(o, "up", json_boolean(h->known && health_up(h)));
	status_put(o, "known", json_boolean(h->known));
	status_put(o, "reason", json_string(hokm_reason_name(h->reason)));
	status_put(o, "detail", json_string(svc->checks[i].detail));
	status_put(o, "health", status_number(h->value));
	status_put(o, "rise", status_number(h->conf.rise));
	status_put(o, "fall", status_number(h->conf.fall));
	status_put(o, "last_ms", status_age(h->last_ns, now_ns));
	status_put(o, "took_ms", status_ms(h->took_ns));
	status_put(o, "running", json_boolean(h->running));
	return o;
}

/*
 * Why new players are steered elsewhere: by the passive checks of this daemon, by the packet path
 * itself, or by an earlier daemon.
 */
static enum hokm_reason suspect_reason(const struct observe *ob, const struct hokm_suspect *suspect,
				       uint64_t now_ns)
{
	if (ob->suspect)
		return ob->reason;
	return suspect->until_ns > now_ns ? HOKM_R_PASSIVE_REFUSED : HOKM_R_ADOPTED;
}

/* What the passive checks see. */
static void put_observe(json_t *o, const struct service *svc, const struct hokm_suspect *suspect,
			uint64_t now_ns)
{
	uint64_t until_ns = suspect->held_until_ns > suspect->until_ns ? suspect->held_until_ns
								       : suspect->until_ns;
	const struct observe *ob = &svc->observe;

	status_put(o, "observe", json_boolean(ob->conf.on));
	status_put(o, "replies_seen", json_boolean(!svc->unseen));
	status_put(o, "unanswered_ms",
		   svc->unanswered.reported ? status_age(svc->unanswered.since_ns, now_ns)
					    : json_null());
	status_put(o, "suspect_ms", status_left(until_ns, now_ns));
	status_put(o, "suspect_reason",
		   json_string(until_ns > now_ns
				       ? hokm_reason_name(suspect_reason(ob, suspect, now_ns))
				       : ""));
	status_put(o, "trips", status_number(ob->trips));
	status_put(o, "oldest_upgrade_ms", status_age(svc->oldest_upgrade_ns, now_ns));
	status_put(o, "oldest_ping_ms", status_age(svc->oldest_ping_ns, now_ns));
	status_put(o, "upgrade_limit_ms", status_ms(observe_after_ns(ob, HOKM_SIGNAL_UPGRADE)));
	status_put(o, "upgrade_median_us",
		   svc->recent_ns && svc->recent.median_ns != RECENT_UNKNOWN
			   ? status_number(svc->recent.median_ns / (NS_PER_MS / 1000))
			   : json_null());
}

/* Null without a command. */
static json_t *recover_json(const struct service *svc, uint64_t now_ns)
{
	const struct recover_conf c = recovery_conf(svc);
	const struct recover *r = &svc->recover;
	json_t *o;

	if (!c.on)
		return json_null();
	o = json_object();
	status_put(o, "state", json_string(recover_state_name(r->state)));
	status_put(o, "attempts", status_number(r->attempts));
	status_put(o, "of", status_number(c.attempts));
	status_put(o, "within_hour", status_number(recover_within_hour(r, now_ns)));
	status_put(o, "limit", status_number(c.limit));
	status_put(o, "next_ms", status_left(r->next_ns, now_ns));
	return o;
}

json_t *service_status_json(const struct node *n, unsigned int s, unsigned int state,
			    uint64_t now_ns)
{
	const struct service *svc = &n->services.list[s];
	struct hokm_suspect suspect = {0};
	json_t *checks = json_array();
	json_t *o = json_object();

	if (hokm_bpf_get_suspect(n->bpf, svc->slot, &suspect))
		memset(&suspect, 0, sizeof(suspect));
	status_put(o, "name", json_string(svc->conf->name));
	status_put(o, "vip", status_ipv4(svc->vip));
	status_put(o, "port", status_number(svc->conf->port));
	status_put(o, "state", json_string(hokm_svc_state_name(state)));
	status_put(o, "reason", json_string(hokm_reason_name(svc->reason)));
	status_put(o, "since_ms", status_age(svc->since_ns, now_ns));
	put_observe(o, svc, &suspect, now_ns);
	status_put(o, "players", status_number(svc->players));
	for (unsigned int i = 0; i < svc->conf->n_checks; i++)
		if (json_array_append_new(checks, check_json(svc, i, now_ns)))
			log_debug("status: no memory for a check");
	status_put(o, "checks", checks);
	status_put(o, "recover", recover_json(svc, now_ns));
	return o;
}
