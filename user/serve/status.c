/* SPDX-License-Identifier: GPL-2.0-only */
/* The daemon's state as JSON: what `ctl status` and its --json show. Ages in ms, null for never. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/version.h"
#include "daemon/daemon.h"
#include "daemon/replication.h"

/* Sets a key; a failed allocation shows as a missing key, never as a wrong one. */
static void put(json_t *o, const char *key, json_t *value)
{
	if (json_object_set_new(o, key, value))
		log_debug("status: no memory for %s", key);
}

static json_t *ms(uint64_t ns)
{
	return json_integer((json_int_t)(ns / NS_PER_MS));
}

static json_t *age(uint64_t then_ns, uint64_t now_ns)
{
	if (!then_ns)
		return json_null();
	return ms(now_ns > then_ns ? now_ns - then_ns : 0);
}

static json_t *left(uint64_t until_ns, uint64_t now_ns)
{
	return ms(until_ns > now_ns ? until_ns - now_ns : 0);
}

static json_t *ipv4(struct in_addr a)
{
	char buf[INET_ADDRSTRLEN];

	return json_string(inet_ntop(AF_INET, &a, buf, sizeof(buf)) ? buf : "?");
}

static json_t *number(uint64_t n)
{
	return json_integer((json_int_t)n);
}

static json_t *check_json(const struct daemon *d, unsigned int s, unsigned int i, uint64_t now_ns)
{
	const struct health *h = &d->services[s].checks[i];
	json_t *o = json_object();

	put(o, "kind", json_string(daemon_check_name(d->conf->services[s].checks[i].kind)));
	put(o, "up", json_boolean(h->known && health_up(h)));
	put(o, "known", json_boolean(h->known));
	put(o, "reason", json_string(hokm_reason_name(h->reason)));
	put(o, "detail", json_string(d->services[s].detail[i]));
	put(o, "health", number(h->value));
	put(o, "rise", number(h->conf.rise));
	put(o, "fall", number(h->conf.fall));
	put(o, "last_ms", age(h->last_ns, now_ns));
	put(o, "took_ms", ms(h->took_ns));
	put(o, "running", json_boolean(h->running));
	return o;
}

/*
 * Why new players go elsewhere: this daemon's word, the packet path's, or that of the daemon
 * before.
 */
static enum hokm_reason suspect_reason(const struct observe *ob, const struct hokm_suspect *suspect,
				       uint64_t now_ns)
{
	if (ob->suspect)
		return ob->reason;
	return suspect->until_ns > now_ns ? HOKM_R_PASSIVE_REFUSED : HOKM_R_ADOPTED;
}

/* What the passive checks see. */
static void put_observe(json_t *o, const struct daemon_service *svc,
			const struct hokm_suspect *suspect, uint64_t now_ns)
{
	uint64_t until_ns = suspect->held_until_ns > suspect->until_ns ? suspect->held_until_ns
								       : suspect->until_ns;
	const struct observe *ob = &svc->observe;

	put(o, "observe", json_boolean(ob->conf.on));
	put(o, "suspect_ms", left(until_ns, now_ns));
	put(o, "suspect_reason",
	    json_string(until_ns > now_ns ? hokm_reason_name(suspect_reason(ob, suspect, now_ns))
					  : ""));
	put(o, "trips", number(ob->trips));
	put(o, "oldest_upgrade_ms", age(svc->oldest_upgrade_ns, now_ns));
	put(o, "oldest_ping_ms", age(svc->oldest_ping_ns, now_ns));
}

static json_t *service_json(struct daemon *d, unsigned int s, uint64_t now_ns)
{
	const struct conf_service *cs = &d->conf->services[s];
	const struct daemon_service *svc = &d->services[s];
	struct hokm_suspect suspect = {0};
	json_t *checks = json_array();
	json_t *o = json_object();

	if (hokm_bpf_get_suspect(d->bpf, svc->slot, &suspect))
		memset(&suspect, 0, sizeof(suspect));
	put(o, "name", json_string(cs->name));
	put(o, "vip", ipv4(d->conf->vips[cs->vip]));
	put(o, "port", number(cs->port));
	put(o, "state", json_string(hokm_svc_state_name(d->policy.svc[s])));
	put(o, "reason", json_string(hokm_reason_name(svc->reason)));
	put(o, "since_ms", age(svc->since_ns, now_ns));
	put_observe(o, svc, &suspect, now_ns);
	put(o, "players", number(svc->players));
	for (unsigned int i = 0; i < cs->n_checks; i++)
		if (json_array_append_new(checks, check_json(d, s, i, now_ns)))
			log_debug("status: no memory for a check");
	put(o, "checks", checks);
	return o;
}

static json_t *mac_json(const __u8 mac[6])
{
	char buf[18];

	snprintf(buf, sizeof(buf), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
		 mac[4], mac[5]);
	return json_string(buf);
}

/* Null when replication is off. */
static json_t *replica_json(struct daemon *d, unsigned int slot)
{
	struct daemon_repl_status r;
	json_t *faults, *o;

	if (!daemon_repl_status(d, slot, &r))
		return json_null();
	o = json_object();
	faults = json_object();
	put(o, "connected", json_boolean(r.connected));
	put(o, "warm", json_boolean(r.warm));
	put(o, "peer_warm", json_boolean(r.peer_warm));
	put(o, "connections", number(r.entries));
	put(o, "lag_ms", ms(r.stats.lag_ns));
	put(o, "lag_max_ms", ms(r.stats.lag_max_ns));
	put(o, "sent", number(r.stats.sent));
	put(o, "repeated", number(r.stats.repeated));
	put(o, "received", number(r.stats.received));
	put(o, "resyncs", number(r.stats.resyncs));
	put(o, "overflows", number(r.stats.overflows));
	put(o, "stuck", number(r.stats.stuck));
	for (unsigned int i = REPL_BAD_NONE + 1; i < REPL_FAULT_COUNT; i++)
		put(faults, repl_fault_name((enum repl_fault)i), number(r.stats.bad[i]));
	put(o, "faults", faults);
	return o;
}

static json_t *peer_json(struct daemon *d, unsigned int node, uint64_t now_ns)
{
	const struct conf_node *n = &d->conf->nodes[node];
	const struct hokm_peer *p = &d->peers[d->nodes[node].slot];
	bool pulsing = daemon_peer_answers(d, p, now_ns);
	json_t *o = json_object();

	put(o, "name", json_string(n->name));
	put(o, "address", ipv4(n->addr));
	put(o, "priority", number(pulsing ? p->priority : n->priority));
	put(o, "pulsing", json_boolean(pulsing));
	put(o, "daemon_fresh",
	    json_boolean(pulsing && now_ns < p->daemon_seen_ns + d->conf->daemon_stale_ns));
	put(o, "state", json_string(pulsing ? hokm_vrrp_state_name(p->state) : "unknown"));
	put(o, "rtt_us", number(p->rtt_ns / 1000));
	put(o, "seen_ms", age(p->seen_ns, now_ns));
	put(o, "adverts_ms", age(p->vrrp_ns, now_ns));
	put(o, "lease_left_ms", left(p->lease_until_ns, now_ns));
	put(o, "mac", mac_json(p->mac));
	put(o, "services_up", number(pulsing ? daemon_peer_up(d, p) : 0));
	put(o, "discarded", number(d->nodes[node].discarded));
	put(o, "replica", replica_json(d, d->nodes[node].slot));
	return o;
}

static json_t *vrrp_json(const struct daemon *d)
{
	json_t *discarded = json_object();
	json_t *o = json_object();

	put(o, "sent", number(d->stats.adverts_sent));
	put(o, "received", number(d->stats.adverts_received));
	put(o, "send_failed", number(d->stats.adverts_failed));
	for (unsigned int i = VRRP_BAD_NONE + 1; i < VRRP_DISCARD_COUNT; i++)
		put(discarded, vrrp_discard_name(i), number(d->stats.discarded[i]));
	put(o, "discarded", discarded);
	return o;
}

static json_t *hooks_json(const struct daemon *d)
{
	struct hooks_stats s;
	json_t *o = json_object();

	hooks_get_stats(d->hooks, &s);
	put(o, "run", number(s.run));
	put(o, "failed", number(s.failed));
	put(o, "timed_out", number(s.timed_out));
	put(o, "dropped", number(s.dropped));
	put(o, "not_started", number(s.not_started));
	put(o, "waiting", number(s.waiting));
	return o;
}

static json_t *ctl_json(const struct daemon *d)
{
	struct ctl_server_stats s;
	json_t *o = json_object();

	ctl_server_get_stats(d->ctl, &s);
	put(o, "requests", number(s.requests));
	put(o, "garbage", number(s.garbage));
	put(o, "oversized", number(s.oversized));
	put(o, "timed_out", number(s.timed_out));
	put(o, "denied", number(s.denied));
	put(o, "busy", number(s.busy));
	put(o, "dropped", number(s.dropped));
	put(o, "followers", number(s.followers));
	return o;
}

static void put_node(json_t *o, const struct daemon *d)
{
	const struct conf *c = d->conf;
	json_t *vips = json_array();

	for (unsigned int i = 0; i < c->n_vips; i++)
		if (json_array_append_new(vips, ipv4(c->vips[i])))
			log_debug("status: no memory for a VIP");
	put(o, "version", json_string(HOKM_VERSION));
	put(o, "node", json_string(c->nodes[c->self].name));
	put(o, "address", ipv4(c->nodes[c->self].addr));
	put(o, "instance", json_string(c->instance));
	put(o, "vrid", number(c->vrid));
	put(o, "vrrp_version", number(c->vrrp_version));
	put(o, "interface", json_string(c->interface));
	put(o, "xdp_mode", json_string(hokm_bpf_mode(d->bpf)));
	put(o, "vips", vips);
	put(o, "profile", json_string(c->profile == CONF_PROFILE_FAST ? "fast" : "standard"));
	put(o, "log_level", json_string(log_level_name(log_get_level())));
}

static void put_state(json_t *o, const struct daemon *d, uint64_t now_ns)
{
	const struct vrrp *v = &d->vrrp;
	const char *successor = daemon_peer_name(d, d->policy.successor);

	put(o, "state", json_string(hokm_vrrp_state_name(v->state)));
	put(o, "owner", json_boolean(d->want.own.lease_until_ns > now_ns));
	put(o, "reason", json_string(hokm_reason_name(v->reason)));
	put(o, "reason_text", json_string(hokm_reason_text(v->reason)));
	put(o, "since_ms", age(v->since_ns, now_ns));
	put(o, "lease_left_ms", left(d->want.own.lease_until_ns, now_ns));
	put(o, "priority", number(v->conf.priority));
	put(o, "epoch", number(d->want.own.epoch));
	put(o, "panic", json_boolean(d->policy.panic));
	put(o, "drain", json_boolean(d->drain));
	put(o, "maint", json_boolean(d->maint));
	put(o, "drain_ms",
	    d->drain && d->drain_until_ns ? left(d->drain_until_ns, now_ns) : json_null());
	put(o, "drained", json_boolean(d->drain && d->drained));
	put(o, "players", number(daemon_players(d)));
	put(o, "waits_for_replica_ms",
	    d->policy.waits ? age(d->policy.waits_ns, now_ns) : json_null());
	put(o, "standby", json_boolean(d->standby));
	put(o, "successor", successor ? json_string(successor) : json_null());
	put(o, "adopted", json_boolean(d->adopted));
	put(o, "uptime_ms", age(d->started_ns, now_ns));
}

json_t *daemon_status_json(struct daemon *d)
{
	uint64_t now_ns = clock_now_ns();
	json_t *o = json_object();
	json_t *services = json_array();
	json_t *peers = json_array();
	json_t *agent = json_object();

	put_node(o, d);
	put_state(o, d, now_ns);
	for (unsigned int s = 0; s < d->conf->n_services; s++)
		if (json_array_append_new(services, service_json(d, s, now_ns)))
			log_debug("status: no memory for a service");
	for (unsigned int i = 0; i < d->conf->n_nodes; i++)
		if (d->nodes[i].slot < HOKM_MAX_PEERS &&
		    json_array_append_new(peers, peer_json(d, i, now_ns)))
			log_debug("status: no memory for a peer");
	put(o, "services", services);
	put(o, "peers", peers);
	put(o, "vrrp", vrrp_json(d));
	put(o, "hooks", hooks_json(d));
	put(o, "ctl", ctl_json(d));
	put(agent, "pid", json_integer(agent_pid(d->agent)));
	put(agent, "restarts", number(d->stats.agent_restarts));
	put(o, "agent", agent);
	put(o, "events_lost", number(events_lost(d->events)));
	put(o, "replica_full", number(daemon_repl_full(d)));
	put(o, "conns_expired", number(d->stats.conns_expired));
	put(o, "conns_left", number(d->stats.conns_left));
	put(o, "stale_told", number(d->stats.stale_told));
	put(o, "stale_untold", number(d->stats.stale_untold));
	put(o, "late_ms_max", ms(d->stats.late_max_ns));
	return o;
}
