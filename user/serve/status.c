/* SPDX-License-Identifier: GPL-2.0-only */
/* See status.h. */
#include <net/if.h>

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
#include "serve/service_status.h"
#include "serve/paths_status.h"
#include "serve/peer_status.h"
#include "serve/revision.h"
#include "serve/status.h"
#include "serve/status_json.h"

static json_t *vrrp_json(const struct daemon *d)
{
	json_t *discarded = json_object(), *checksums = json_object();
	json_t *o = json_object();

	status_put(o, "sent", status_number(d->adverts.sent));
	status_put(o, "received", status_number(d->adverts.received));
	status_put(o, "send_failed", status_number(d->adverts.failed));
	for (unsigned int i = VRRP_BAD_NONE + 1; i < VRRP_DISCARD_COUNT; i++)
		status_put(discarded, vrrp_discard_name(i), status_number(d->adverts.discarded[i]));
	status_put(o, "discarded", discarded);
	for (unsigned int i = 0; i < VRRP_CHECKSUM_COUNT; i++)
		status_put(checksums, vrrp_checksum_name(i),
			   status_number(d->adverts.checksums[i]));
	status_put(o, "checksums", checksums);
	status_put(o, "trailers", status_number(d->adverts.trailers));
	return o;
}

static json_t *hooks_json(const struct daemon *d)
{
	struct hooks_stats s;
	json_t *o = json_object();

	hooks_get_stats(d->hooks, &s);
	status_put(o, "run", status_number(s.run));
	status_put(o, "failed", status_number(s.failed));
	status_put(o, "timed_out", status_number(s.timed_out));
	status_put(o, "dropped", status_number(s.dropped));
	status_put(o, "not_started", status_number(s.not_started));
	status_put(o, "denied", status_number(s.denied));
	status_put(o, "fifo_lost", status_number(s.fifo_lost));
	status_put(o, "waiting", status_number(s.waiting));
	return o;
}

static json_t *ctl_json(const struct daemon *d)
{
	struct ctl_server_stats s;
	json_t *o = json_object();

	ctl_server_get_stats(d->front, &s);
	status_put(o, "requests", status_number(s.requests));
	status_put(o, "garbage", status_number(s.garbage));
	status_put(o, "oversized", status_number(s.oversized));
	status_put(o, "timed_out", status_number(s.timed_out));
	status_put(o, "denied", status_number(s.denied));
	status_put(o, "paused", status_number(s.paused));
	status_put(o, "busy", status_number(s.busy));
	status_put(o, "dropped", status_number(s.dropped));
	status_put(o, "followers", status_number(s.followers));
	return o;
}

static void put_node(json_t *o, const struct daemon *d)
{
	const struct conf *c = d->node.conf;
	json_t *vips = json_array();

	for (unsigned int i = 0; i < c->n_vips; i++)
		if (json_array_append_new(vips, status_ipv4(c->vips[i])))
			log_debug("status: no memory for a VIP");
	status_put(o, "version", json_string(HOKM_VERSION));
	status_put(o, "node", json_string(c->nodes[c->self].name));
	status_put(o, "address", status_ipv4(c->nodes[c->self].addr));
	status_put(o, "instance", json_string(c->instance));
	status_put(o, "vrid", status_number(c->vrid));
	status_put(o, "vrrp_version", status_number(c->vrrp_version));
	status_put(o, "interface", json_string(c->interface));
	status_put(o, "xdp_mode", json_string(d->upkeep.last.mode));
	status_put(o, "vips", vips);
	status_put(o, "secrets", status_number(c->n_secrets));
	status_put(o, "profile",
		   json_string(c->profile == CONF_PROFILE_FAST ? "fast" : "standard"));
	status_put(o, "log_level", json_string(log_level_name(log_get_level())));
}

/* The orders in force: since when, of the wall clock, and by which user. */
static void put_orders(json_t *o, const struct operator_orders *op)
{
	json_t *orders = json_object();

	for (unsigned int i = 0; i < ORDER_COUNT; i++) {
		const struct order *r = &op->now.of[i];

		if (r->on)
			status_put(orders, order_name((enum order_kind)i),
				   json_pack("{s:I, s:I}", "since_s", (json_int_t)r->since_s, "uid",
					     (json_int_t)r->uid));
	}
	status_put(o, "orders", orders);
	status_put(o, "orders_saved", json_boolean(orders_file_saved(op->file)));
	status_put(o, "orders_failed", json_boolean(orders_file_failed(op->file)));
}

static void put_state(json_t *o, const struct daemon *d, uint64_t now_ns)
{
	const struct vrrp *v = &d->vrrp;
	const char *successor = peers_name(&d->node.peers, d->policy.successor);
	char obstacle[OBSTACLE_TEXT_MAX];

	status_put(o, "state", json_string(hokm_vrrp_state_name(v->state)));
	status_put(o, "owner", json_boolean(node_owner_until(&d->node) > now_ns));
	status_put(o, "reason", json_string(hokm_reason_name(v->reason)));
	status_put(o, "reason_text", json_string(hokm_reason_text(v->reason)));
	status_put(o, "obstacle",
		   json_string(obstacle_status(d->node.conf->interface, d->link, d->link_up,
					       &d->upkeep, now_ns, obstacle)));
	status_put(o, "since_ms", status_age(v->since_ns, now_ns));
	status_put(o, "permission", json_string(permit_word(d->permission.permit.word)));
	status_put(o, "lease_left_ms", status_left(node_owner_until(&d->node), now_ns));
	status_put(o, "priority", status_number(v->conf.priority));
	status_put(o, "epoch", status_number(d->node.want.own.epoch));
	status_put(o, "panic", json_boolean(d->policy.panic));
	status_put(
		o, "segment_silent_ms",
		d->segment.waits ? status_age(d->segment.segment.since_ns, now_ns) : json_null());
	status_put(o, "drain", json_boolean(d->drain.on));
	status_put(o, "maint", json_boolean(operator_ordered(&d->operator, ORDER_MAINT)));
	status_put(o, "drain_ms",
		   d->drain.on && d->drain.until_ns ? status_left(d->drain.until_ns, now_ns)
						    : json_null());
	status_put(o, "drained", json_boolean(d->drain.on && d->drain.complete));
	status_put(o, "players", status_number(services_players(&d->node.services)));
	status_put(o, "waits_for_replica_ms",
		   d->policy.waits ? status_age(d->policy.waits_ns, now_ns) : json_null());
	status_put(o, "relapse_left_ms",
		   relapse_waits(&d->relapse, now_ns) ? status_left(d->relapse.until_ns, now_ns)
						      : json_null());
	status_put(o, "relapses", status_number(d->relapse.n));
	status_put(o, "standby", json_boolean(operator_ordered(&d->operator, ORDER_STANDBY)));
	status_put(o, "successor", successor ? json_string(successor) : json_null());
	status_put(o, "adopted", json_boolean(d->adopted));
	status_put(o, "uptime_ms", status_age(d->started_ns, now_ns));
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
		status_put(o, "interface", json_string(list[i].name));
		status_put(o, "covered", json_boolean(!list[i].err));
		status_put(o, "segment_ms", status_age(seen.seen_ns, now_ns));
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
		status_put(o, "interface", json_string(name));
		status_put(o, "kind", json_string(f->kind));
		status_put(o, "priority", status_number(f->priority));
		status_put(o, "program", status_number(f->id));
		status_put(o, "name", json_string(f->name));
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

		status_put(counts, keep_part_name(part), status_number(u->count[i]));
		if (u->failing_ns[i] &&
		    json_array_append_new(missing, json_string(keep_part_text(part))))
			log_debug("status: no memory for a missing part");
	}
	status_put(o, "put_back", counts);
	status_put(o, "put_back_ms", status_age(u->count_ns, now_ns));
	status_put(o, "put_back_last",
		   json_string(u->count_ns ? keep_part_text(u->count_part) : ""));
	status_put(o, "missing", missing);
	status_put(o, "foreign", foreign_json(&u->last));
	status_put(o, "fences", fences_json(d, now_ns));
}

/* Foreign MAC addresses that claim a VIP. */
static json_t *claims_json(const struct daemon *d, uint64_t now_ns)
{
	const struct claims *c = &d->claims;
	const struct conf *conf = d->node.conf;
	json_t *list = json_array();

	for (unsigned int i = 0; i < c->n; i++) {
		json_t *o;

		if (!c->list[i].reported)
			continue;
		o = json_object();
		status_put(o, "mac", status_mac(c->list[i].mac));
		if (c->list[i].vip < conf->n_vips)
			status_put(o, "vip", status_ipv4(conf->vips[c->list[i].vip]));
		status_put(o, "count", status_number(c->list[i].n));
		status_put(o, "last_ms", status_age(c->list[i].last_ns, now_ns));
		if (json_array_append_new(list, o))
			log_debug("status: no memory for a claim");
	}
	return list;
}

static json_t *late_places_json(const struct late *l)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < LATE_PLACES; i++)
		if (json_array_append_new(list, status_number(l->places[i])))
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

		status_put(kind, "recent_us", status_number(late_recent_ns(l, now_ns) / 1000));
		status_put(kind, "worst_us", status_number(l->worst_ns / 1000));
		status_put(kind, "places", late_places_json(l));
		status_put(o, late_name((enum late_kind)i), kind);
	}
	return o;
}

/* How often the loop had something to do since the start, by reason. A turn may have several. */
static json_t *turns_json(const struct inbox *in)
{
	json_t *o = json_object();

	for (unsigned int i = 0; i <= INBOX_KINDS; i++)
		status_put(o, inbox_turn_name(i), status_number(in->turns[i]));
	return o;
}

static json_t *services_json(const struct daemon *d, uint64_t now_ns)
{
	json_t *list = json_array();

	for (unsigned int s = 0; s < d->node.services.n; s++)
		if (json_array_append_new(
			    list, service_status_json(&d->node, s, d->policy.svc[s], now_ns)))
			log_debug("status: no memory for a service");
	return list;
}

/* In the order of the nodes in the file. */
static json_t *peers_json(const struct daemon *d, uint64_t now_ns)
{
	const struct peer_status_of of = {
		.node = &d->node,
		.agreement = &d->agreement,
		.announcing = &d->announcing,
		.paths = &d->heartbeat.paths,
		.replication = d->replication,
		.rivals = &d->rivals,
		.steering = &d->steering,
	};
	json_t *list = json_array();

	for (unsigned int i = 0; i < d->node.conf->n_nodes; i++) {
		uint8_t slot = d->node.peers.by_node[i];

		if (slot < HOKM_MAX_PEERS &&
		    json_array_append_new(list, peer_status_json(&of, slot, now_ns)))
			log_debug("status: no memory for a peer");
	}
	return list;
}

json_t *status_json(struct daemon *d)
{
	uint64_t now_ns = clock_now_ns();
	json_t *o = json_object();
	json_t *agent = json_object();

	put_node(o, d);
	put_state(o, d, now_ns);
	put_orders(o, &d->operator);
	put_upkeep(o, d, now_ns);
	status_put(o, "garp_repeated", status_number(d->announcing.repeated));
	status_put(o, "claims", claims_json(d, now_ns));
	status_put(o, "upgrade",
		   json_pack("{s:s, s:s}", "phase", upgrade_phase(d->upgrade), "text",
			     upgrade_text(d->upgrade)));
	status_put(o, "reload",
		   json_pack("{s:s, s:o}", "phase", reload_phase(d->reload), "text",
			     frame_text(reload_text(d->reload))));
	status_put(o, "services", services_json(d, now_ns));
	status_put(o, "peers", peers_json(d, now_ns));
	status_put(o, "paths", paths_status_json(&d->heartbeat.paths));
	status_put(o, "vrrp", vrrp_json(d));
	status_put(o, "hooks", hooks_json(d));
	status_put(o, "ctl", ctl_json(d));
	status_put(agent, "pid", json_integer(agent_pid(d->checks.agent)));
	status_put(agent, "restarts", status_number(d->checks.agent_restarts));
	status_put(o, "agent", agent);
	status_put(o, "dns", dns_status_json(&d->dns, false));
	status_put(o, "arbiter", arbiter_status_json(&d->gateway, &d->etcd));
	status_put(o, "grants", grants_status_json(&d->quorum, &d->vrrp));
	status_put(o, "events_lost", status_number(events_lost(d->node.events)));
	status_put(o, "replica_full", status_number(replication_full(d->replication)));
	status_put(o, "conns_expired", status_number(d->sweep.stats.expired));
	status_put(o, "conns_left", status_number(d->sweep.stats.left));
	status_put(o, "stale_told", status_number(d->sweep.stats.stale_reported));
	status_put(o, "stale_untold", status_number(d->sweep.stats.stale_unreported));
	status_put(o, "log_lost", status_number(log_queue_lost()));
	status_put(o, "late_ms_max", status_ms(d->node.inbox.late[LATE_PULSE].worst_ns));
	status_put(o, "turns", turns_json(&d->node.inbox));
	status_put(o, "quiet_ticks", status_number(d->quiet.count));
	status_put(o, "pulse_ms", status_ms(d->heartbeat.clock.each_ns));
	status_put(o, "late", late_json(&d->node.inbox, now_ns));
	status_put(o, "revision", status_number(revision_of(&d->revision, o)));
	return o;
}
