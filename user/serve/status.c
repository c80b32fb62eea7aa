/* SPDX-License-Identifier: GPL-2.0-only */
/* See status.h. */
#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/frame.h"
#include "base/log.h"
#include "base/log_queue.h"
#include "base/version.h"
#include "agent/agent.h"
#include "daemon/daemon.h"
#include "daemon/reload.h"
#include "daemon/upgrade.h"
#include "serve/dns_status.h"
#include "serve/arbiter_status.h"
#include "serve/grants_status.h"
#include "serve/obstacle_status.h"
#include "serve/serve.h"
#include "serve/paths_status.h"
#include "serve/revision.h"
#include "serve/status.h"

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

static json_t *check_json(const struct service *svc, unsigned int i, uint64_t now_ns)
{
	const struct health *h = &svc->checks[i].health;
	json_t *o = json_object();

	put(o, "kind", json_string(check_kind_name(svc->conf->checks[i].kind)));
	put(o, "up", json_boolean(h->known && health_up(h)));
	put(o, "known", json_boolean(h->known));
	put(o, "reason", json_string(hokm_reason_name(h->reason)));
	put(o, "detail", json_string(svc->checks[i].detail));
	put(o, "health", number(h->value));
	put(o, "rise", number(h->conf.rise));
	put(o, "fall", number(h->conf.fall));
	put(o, "last_ms", age(h->last_ns, now_ns));
	put(o, "took_ms", ms(h->took_ns));
	put(o, "running", json_boolean(h->running));
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

	put(o, "observe", json_boolean(ob->conf.on));
	put(o, "replies_seen", json_boolean(!svc->unseen));
	put(o, "unanswered_ms",
	    svc->unanswered.reported ? age(svc->unanswered.since_ns, now_ns) : json_null());
	put(o, "suspect_ms", left(until_ns, now_ns));
	put(o, "suspect_reason",
	    json_string(until_ns > now_ns ? hokm_reason_name(suspect_reason(ob, suspect, now_ns))
					  : ""));
	put(o, "trips", number(ob->trips));
	put(o, "oldest_upgrade_ms", age(svc->oldest_upgrade_ns, now_ns));
	put(o, "oldest_ping_ms", age(svc->oldest_ping_ns, now_ns));
	put(o, "upgrade_limit_ms", ms(observe_after_ns(ob, HOKM_SIGNAL_UPGRADE)));
	put(o, "upgrade_median_us",
	    svc->recent_ns && svc->recent.median_ns != RECENT_UNKNOWN
		    ? number(svc->recent.median_ns / (NS_PER_MS / 1000))
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
	put(o, "state", json_string(recover_state_name(r->state)));
	put(o, "attempts", number(r->attempts));
	put(o, "of", number(c.attempts));
	put(o, "within_hour", number(recover_within_hour(r, now_ns)));
	put(o, "limit", number(c.limit));
	put(o, "next_ms", left(r->next_ns, now_ns));
	return o;
}

static json_t *service_json(const struct daemon *d, unsigned int s, uint64_t now_ns)
{
	const struct service *svc = &d->node.services.list[s];
	struct hokm_suspect suspect = {0};
	json_t *checks = json_array();
	json_t *o = json_object();

	if (hokm_bpf_get_suspect(d->node.bpf, svc->slot, &suspect))
		memset(&suspect, 0, sizeof(suspect));
	put(o, "name", json_string(svc->conf->name));
	put(o, "vip", ipv4(svc->vip));
	put(o, "port", number(svc->conf->port));
	put(o, "state", json_string(hokm_svc_state_name(d->policy.svc[s])));
	put(o, "reason", json_string(hokm_reason_name(svc->reason)));
	put(o, "since_ms", age(svc->since_ns, now_ns));
	put_observe(o, svc, &suspect, now_ns);
	put(o, "players", number(svc->players));
	for (unsigned int i = 0; i < svc->conf->n_checks; i++)
		if (json_array_append_new(checks, check_json(svc, i, now_ns)))
			log_debug("status: no memory for a check");
	put(o, "checks", checks);
	put(o, "recover", recover_json(svc, now_ns));
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
static json_t *replica_json(const struct daemon *d, unsigned int slot)
{
	struct replication_status r;
	json_t *faults, *o;

	if (!replication_get_status(d->replication, slot, &r))
		return json_null();
	o = json_object();
	faults = json_object();
	put(o, "connected", json_boolean(r.connected));
	put(o, "warm", json_boolean(r.warm));
	put(o, "peer_warm", json_boolean(r.peer_warm));
	put(o, "connections", number(r.entries));
	put(o, "path", number(r.path));
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

static unsigned int services_up(const struct daemon *d, unsigned int slot)
{
	unsigned int up = 0;

	for (unsigned int s = 0; s < d->node.services.n; s++)
		up += peers_says_up(&d->node.peers, slot, d->node.services.list[s].tag);
	return up;
}

/* The settings that differ at the peer; null: unknown. */
static json_t *differs_json(const struct daemon *d, unsigned int slot, uint64_t now_ns)
{
	const struct agree *there = agreement_there(&d->agreement, slot, now_ns);
	unsigned int bits = there ? agree_differ(&d->agreement.here, there) : 0;
	json_t *list = there ? json_array() : json_null();
	char words[AGREE_WORDS_MAX];

	for (unsigned int i = 0; bits >> i; i++) {
		if (!(bits >> i & 1))
			continue;
		agree_words(&d->agreement.here, there, i, words, sizeof(words));
		if (json_array_append_new(
			    list, json_pack("{s:s, s:s, s:s}", "name", agree_name(i), "text", words,
					    "repair", agree_repair(i))))
			log_debug("status: no memory for a setting");
	}
	return list;
}

static json_t *peer_json(const struct daemon *d, unsigned int slot, uint64_t now_ns)
{
	const struct peer *peer = &d->node.peers.list[slot];
	const struct hokm_peer *map = &peer->map;
	struct peer_sight sight = peers_sight(&d->node.peers, slot, now_ns);
	bool pulsing = sight.by == PEER_BY_PULSE;
	json_t *o = json_object();

	put(o, "name", json_string(peer->name));
	put(o, "address", ipv4(peer->addr));
	put(o, "priority", number(pulsing && map->priority ? map->priority : peer->priority));
	put(o, "refuses", json_boolean(pulsing && !map->priority && map->state));
	put(o, "pulsing", json_boolean(pulsing));
	put(o, "daemon_fresh", json_boolean(sight.fresh));
	put(o, "state", json_string(pulsing ? hokm_vrrp_state_name(map->state) : "unknown"));
	put(o, "rtt_us", number(map->rtt_ns / 1000));
	put(o, "seen_ms", age(peers_seen_ns(peer), now_ns));
	put(o, "adverts_ms", age(map->vrrp_ns, now_ns));
	put(o, "lease_left_ms", left(map->lease_until_ns, now_ns));
	put(o, "mac", mac_json(map->mac));
	put(o, "services_up", number(pulsing ? services_up(d, slot) : 0));
	put(o, "discarded", number(peer->discarded));
	put(o, "secret", number(map->secret));
	put(o, "secrets_differ", json_boolean(sight.secrets_differ));
	put(o, "misdirected", json_boolean(announcing_misdirects(&d->announcing, slot)));
	put(o, "steerable", json_boolean(!steering_why(&d->steering, slot)));
	if (steering_why(&d->steering, slot))
		put(o, "not_steerable", json_string(steering_why(&d->steering, slot)));
	put(o, "paths", paths_status_peer_json(&d->heartbeat.paths, slot, now_ns));
	put(o, "replica", replica_json(d, slot));
	put(o, "differs", differs_json(d, slot, now_ns));
	return o;
}

static json_t *vrrp_json(const struct daemon *d)
{
	json_t *discarded = json_object(), *checksums = json_object();
	json_t *o = json_object();

	put(o, "sent", number(d->adverts.sent));
	put(o, "received", number(d->adverts.received));
	put(o, "send_failed", number(d->adverts.failed));
	for (unsigned int i = VRRP_BAD_NONE + 1; i < VRRP_DISCARD_COUNT; i++)
		put(discarded, vrrp_discard_name(i), number(d->adverts.discarded[i]));
	put(o, "discarded", discarded);
	for (unsigned int i = 0; i < VRRP_CHECKSUM_COUNT; i++)
		put(checksums, vrrp_checksum_name(i), number(d->adverts.checksums[i]));
	put(o, "checksums", checksums);
	put(o, "trailers", number(d->adverts.trailers));
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
	put(o, "denied", number(s.denied));
	put(o, "fifo_lost", number(s.fifo_lost));
	put(o, "waiting", number(s.waiting));
	return o;
}

static json_t *ctl_json(const struct daemon *d)
{
	struct ctl_server_stats s;
	json_t *o = json_object();

	ctl_server_get_stats(d->front, &s);
	put(o, "requests", number(s.requests));
	put(o, "garbage", number(s.garbage));
	put(o, "oversized", number(s.oversized));
	put(o, "timed_out", number(s.timed_out));
	put(o, "denied", number(s.denied));
	put(o, "paused", number(s.paused));
	put(o, "busy", number(s.busy));
	put(o, "dropped", number(s.dropped));
	put(o, "followers", number(s.followers));
	return o;
}

static void put_node(json_t *o, const struct daemon *d)
{
	const struct conf *c = d->node.conf;
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
	put(o, "xdp_mode", json_string(d->upkeep.last.mode));
	put(o, "vips", vips);
	put(o, "secrets", number(c->n_secrets));
	put(o, "profile", json_string(c->profile == CONF_PROFILE_FAST ? "fast" : "standard"));
	put(o, "log_level", json_string(log_level_name(log_get_level())));
}

/* The orders in force: since when, of the wall clock, and by which user. */
static void put_orders(json_t *o, const struct operator_orders *op)
{
	json_t *orders = json_object();

	for (unsigned int i = 0; i < ORDER_COUNT; i++) {
		const struct order *r = &op->now.of[i];

		if (r->on)
			put(orders, order_name((enum order_kind)i),
			    json_pack("{s:I, s:I}", "since_s", (json_int_t)r->since_s, "uid",
				      (json_int_t)r->uid));
	}
	put(o, "orders", orders);
	put(o, "orders_saved", json_boolean(orders_file_saved(op->file)));
	put(o, "orders_failed", json_boolean(orders_file_failed(op->file)));
}

static void put_state(json_t *o, const struct daemon *d, uint64_t now_ns)
{
	const struct vrrp *v = &d->vrrp;
	const char *successor = peers_name(&d->node.peers, d->policy.successor);
	char obstacle[OBSTACLE_TEXT_MAX];

	put(o, "state", json_string(hokm_vrrp_state_name(v->state)));
	put(o, "owner", json_boolean(node_owner_until(&d->node) > now_ns));
	put(o, "reason", json_string(hokm_reason_name(v->reason)));
	put(o, "reason_text", json_string(hokm_reason_text(v->reason)));
	put(o, "obstacle",
	    json_string(obstacle_status(
		    d->node.conf->interface, d->link, d->link_up, &d->upkeep, now_ns, obstacle)));
	put(o, "since_ms", age(v->since_ns, now_ns));
	put(o, "permission", json_string(permit_word(d->permission.permit.word)));
	put(o, "lease_left_ms", left(node_owner_until(&d->node), now_ns));
	put(o, "priority", number(v->conf.priority));
	put(o, "epoch", number(d->node.want.own.epoch));
	put(o, "panic", json_boolean(d->policy.panic));
	put(o, "segment_silent_ms",
	    d->segment.waits ? age(d->segment.segment.since_ns, now_ns) : json_null());
	put(o, "drain", json_boolean(d->drain.on));
	put(o, "maint", json_boolean(operator_ordered(&d->operator, ORDER_MAINT)));
	put(o, "drain_ms",
	    d->drain.on && d->drain.until_ns ? left(d->drain.until_ns, now_ns) : json_null());
	put(o, "drained", json_boolean(d->drain.on && d->drain.complete));
	put(o, "players", number(services_players(&d->node.services)));
	put(o, "waits_for_replica_ms",
	    d->policy.waits ? age(d->policy.waits_ns, now_ns) : json_null());
	put(o, "standby", json_boolean(operator_ordered(&d->operator, ORDER_STANDBY)));
	put(o, "successor", successor ? json_string(successor) : json_null());
	put(o, "adopted", json_boolean(d->adopted));
	put(o, "uptime_ms", age(d->started_ns, now_ns));
}

/* The other interfaces of the machine. */
static json_t *fences_json(const struct daemon *d, uint64_t now_ns)
{
	const struct fence_entry *list = d->upkeep.last.fences;
	unsigned int n = d->upkeep.last.n_fences;
	json_t *fences = json_array();

	for (unsigned int i = 0; i < n; i++) {
		struct hokm_fence seen = {0};
		json_t *o = json_object();

		if (hokm_bpf_fence_get(d->node.bpf, list[i].ifindex, &seen))
			seen.seen_ns = 0;
		put(o, "interface", json_string(list[i].name));
		put(o, "covered", json_boolean(!list[i].err));
		put(o, "segment_ms", age(seen.seen_ns, now_ns));
		if (json_array_append_new(fences, o))
			log_debug("status: no memory for a fence");
	}
	return fences;
}

static json_t *foreign_json(const struct keep_result *r)
{
	json_t *foreign = json_array();

	for (unsigned int i = 0; i < r->n_foreign; i++) {
		const struct hokm_foreign *f = &r->foreign[i];
		char name[IF_NAMESIZE] = "?";
		json_t *o = json_object();

		(void)if_indextoname((unsigned int)f->ifindex, name);
		put(o, "interface", json_string(name));
		put(o, "kind", json_string(f->kind));
		put(o, "priority", number(f->priority));
		put(o, "program", number(f->id));
		put(o, "name", json_string(f->name));
		if (json_array_append_new(foreign, o))
			log_debug("status: no memory for a filter");
	}
	return foreign;
}

/* What others removed, and what they put before our filters. */
static void put_upkeep(json_t *o, const struct daemon *d, uint64_t now_ns)
{
	const struct upkeep *u = &d->upkeep;
	json_t *counts = json_object();
	json_t *missing = json_array();

	for (unsigned int i = 0; i < KEEP_PARTS; i++) {
		enum keep_part part = (enum keep_part)i;

		put(counts, keep_part_name(part), number(u->count[i]));
		if (u->failing_ns[i] &&
		    json_array_append_new(missing, json_string(keep_part_text(part))))
			log_debug("status: no memory for a missing part");
	}
	put(o, "put_back", counts);
	put(o, "put_back_ms", age(u->count_ns, now_ns));
	put(o, "put_back_last", json_string(u->count_ns ? keep_part_text(u->count_part) : ""));
	put(o, "missing", missing);
	put(o, "foreign", foreign_json(&u->last));
	put(o, "fences", fences_json(d, now_ns));
}

/* Foreign MAC addresses that claim a VIP. */
static json_t *claims_json(const struct claims *c, uint64_t now_ns)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < c->n; i++) {
		json_t *o;

		if (!c->list[i].reported)
			continue;
		o = json_object();
		put(o, "mac", mac_json(c->list[i].mac));
		put(o, "count", number(c->list[i].n));
		put(o, "last_ms", age(c->list[i].last_ns, now_ns));
		if (json_array_append_new(list, o))
			log_debug("status: no memory for a claim");
	}
	return list;
}

static json_t *late_places_json(const struct late *l)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < LATE_PLACES; i++)
		if (json_array_append_new(list, number(l->places[i])))
			log_debug("status: no memory for a count");
	return list;
}

/* Of each kind of work, in microseconds. */
static json_t *late_json(const struct inbox *in, uint64_t now_ns)
{
	json_t *o = json_object();

	for (unsigned int i = 0; i < LATE_KINDS; i++) {
		const struct late *l = &in->late[i];
		json_t *kind = json_object();

		put(kind, "recent_us", number(late_recent_ns(l, now_ns) / 1000));
		put(kind, "worst_us", number(l->worst_ns / 1000));
		put(kind, "places", late_places_json(l));
		put(o, late_name((enum late_kind)i), kind);
	}
	return o;
}

/* How often the loop had something to do since the start, by reason. A turn may have several. */
static json_t *turns_json(const struct inbox *in)
{
	json_t *o = json_object();

	for (unsigned int i = 0; i <= INBOX_KINDS; i++)
		put(o, inbox_turn_name(i), number(in->turns[i]));
	return o;
}

json_t *status_json(struct daemon *d)
{
	uint64_t now_ns = clock_now_ns();
	json_t *o = json_object();
	json_t *services = json_array();
	json_t *peers = json_array();
	json_t *agent = json_object();

	put_node(o, d);
	put_state(o, d, now_ns);
	put_orders(o, &d->operator);
	for (unsigned int s = 0; s < d->node.services.n; s++)
		if (json_array_append_new(services, service_json(d, s, now_ns)))
			log_debug("status: no memory for a service");
	for (unsigned int i = 0; i < d->node.conf->n_nodes; i++) {
		uint8_t slot = d->node.peers.by_node[i];

		if (slot < HOKM_MAX_PEERS &&
		    json_array_append_new(peers, peer_json(d, slot, now_ns)))
			log_debug("status: no memory for a peer");
	}
	put_upkeep(o, d, now_ns);
	put(o, "garp_repeated", number(d->announcing.repeated));
	put(o, "claims", claims_json(&d->claims, now_ns));
	put(o, "upgrade",
	    json_pack("{s:s, s:s}", "phase", upgrade_phase(d->upgrade), "text",
		      upgrade_text(d->upgrade)));
	put(o, "reload",
	    json_pack("{s:s, s:o}", "phase", reload_phase(d->reload), "text",
		      frame_text(reload_text(d->reload))));
	put(o, "services", services);
	put(o, "peers", peers);
	put(o, "paths", paths_status_json(&d->heartbeat.paths));
	put(o, "vrrp", vrrp_json(d));
	put(o, "hooks", hooks_json(d));
	put(o, "ctl", ctl_json(d));
	put(agent, "pid", json_integer(agent_pid(d->checks.agent)));
	put(agent, "restarts", number(d->checks.agent_restarts));
	put(o, "agent", agent);
	put(o, "dns", dns_status_json(&d->dns, false));
	put(o, "arbiter", arbiter_status_json(&d->gateway, &d->etcd));
	put(o, "grants", grants_status_json(&d->quorum, &d->vrrp));
	put(o, "events_lost", number(events_lost(d->node.events)));
	put(o, "replica_full", number(replication_full(d->replication)));
	put(o, "conns_expired", number(d->sweep.stats.expired));
	put(o, "conns_left", number(d->sweep.stats.left));
	put(o, "stale_told", number(d->sweep.stats.stale_reported));
	put(o, "stale_untold", number(d->sweep.stats.stale_unreported));
	put(o, "log_lost", number(log_queue_lost()));
	put(o, "late_ms_max", ms(d->node.inbox.late[LATE_PULSE].worst_ns));
	put(o, "turns", turns_json(&d->node.inbox));
	put(o, "quiet_ticks", number(d->quiet.count));
	put(o, "late", late_json(&d->node.inbox, now_ns));
	put(o, "revision", number(revision_of(&d->revision, o)));
	return o;
}
