/* SPDX-License-Identifier: GPL-2.0-only */
/* See verbs.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/ascii.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/units.h"
#include "daemon/daemon.h"
#include "daemon/reload.h"
#include "daemon/upgrade.h"
#include "serve/conns.h"
#include "serve/counts.h"
#include "serve/dns_status.h"
#include "serve/event_json.h"
#include "serve/record.h"
#include "serve/status.h"
#include "serve/verbs.h"

static const char *event_service(unsigned int slot, void *arg)
{
	const struct daemon *d = arg;

	return services_name(&d->node.services, slot);
}

static const char *event_peer(unsigned int slot, void *arg)
{
	const struct daemon *d = arg;

	return peers_name(&d->node.peers, slot);
}

const struct event_names serve_event_names = {.service = event_service, .peer = event_peer};

static int answer_text(json_t **data, const char *text)
{
	*data = json_pack("{s:s}", "text", text);
	return *data ? 0 : -ENOMEM;
}

static int verb_status(void *arg, const json_t *args, json_t **data, char *error, size_t size)
{
	(void)args;
	(void)error;
	(void)size;
	*data = status_json(arg);
	return *data ? 0 : -ENOMEM;
}

/* ---- conns ---- */

#define KILL_ONE_NS 20000 /* to terminate one connection, generously */

static void keep_name(char *to, const char *name)
{
	snprintf(to, CONF_NAME_MAX, "%s", name ? name : "");
}

static void copy_names(const struct node *n, struct conns_names *names)
{
	memset(names, 0, sizeof(*names));
	for (unsigned int s = 0; s < n->services.n; s++) {
		const struct service *svc = &n->services.list[s];

		keep_name(names->service[svc->slot], svc->conf->name);
		names->vip[svc->slot] = svc->vip;
		names->port[svc->slot] = htons(svc->conf->port);
	}
	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++)
		keep_name(names->peer[slot], peers_name(&n->peers, slot));
}

/*
 * On the thread of the loop: copies what the thread of the walk needs of the daemon. The packet
 * path is prepared for the RSTs here and not by settle(), because that thread starts at once.
 */
static int prepare_conns(void *arg, const json_t *args, void **job, char *error, size_t size)
{
	struct daemon *d = arg;
	struct node *n = &d->node;
	struct conns_names names;
	uint64_t until_ns;
	int err;

	copy_names(n, &names);
	err = conns_job_new(&names, n->bpf, args, job, error, size);
	if (err || !json_object_get(args, "action") ||
	    json_is_true(json_object_get(args, "dry_run")))
		return err;
	log_info("the operator terminates connections");
	events_add(n->events, "operator", HOKM_R_OPERATOR, "conns kill");
	/* The thread does not report its progress: as long as it may take at most. */
	until_ns = clock_now_ns() + services_players(&n->services) * KILL_ONE_NS;
	for (unsigned int s = 0; s < n->services.n; s++)
		session_end_quiet(n, &n->services.list[s], until_ns);
	return 0;
}

static const struct ctl_work conns_work = {
	.prepare = prepare_conns, .run = conns_job_run, .free = conns_job_free};

/* ---- timeline ---- */

static int prepare_record(void *arg, const json_t *args, void **job, char *error, size_t size)
{
	const struct daemon *d = arg;

	(void)args;
	(void)error;
	(void)size;
	return record_new(&d->node, job);
}

static const struct ctl_work record_work = {
	.prepare = prepare_record, .run = record_run, .free = record_free};

/* ---- counters ---- */

static int verb_counters(void *arg, const json_t *args, json_t **data, char *error, size_t size)
{
	const struct daemon *d = arg;

	(void)args;
	*data = counters_json(&d->node);
	if (*data)
		return json_object_set_new(*data, "latency", latency_json(&d->node)) ? -ENOMEM : 0;
	snprintf(error, size, "could not read map counters");
	return -EIO;
}

/* ---- the HTTP listener ---- */

/* A part without a value is left out. */
static void put_part(json_t *state, const char *key, json_t *value)
{
	if (!value || json_object_set_new(state, key, value))
		log_debug("there is no %s for the listener", key);
}

json_t *serve_state(struct daemon *d)
{
	json_t *state = json_object();

	put_part(state, "status", status_json(d));
	put_part(state, "counters", counters_json(&d->node));
	put_part(state, "latency", latency_json(&d->node));
	return state;
}

json_t *serve_line(const struct event_line *line)
{
	return event_line_json(line, NULL);
}

/* ---- orders of the operator ---- */

static int refuse(char *error, size_t size, const char *what, const char *hint)
{
	snprintf(error, size, "%s%s", what, hint);
	return -EPERM;
}

static const char *owner_name(const struct daemon *d)
{
	const struct peers *p = &d->node.peers;
	uint64_t now_ns = clock_now_ns();

	for (unsigned int i = 0; i < d->node.conf->n_nodes; i++) {
		const struct conf_node *cn = &d->node.conf->nodes[i];
		uint8_t slot = p->by_node[i];

		if (slot < HOKM_MAX_PEERS && p->list[slot].map.lease_until_ns > now_ns)
			return cn->name;
		if (d->vrrp.owner.s_addr && cn->addr.s_addr == d->vrrp.owner.s_addr)
			return cn->name;
	}
	return "no owner is known";
}

/*
 * The node that would take the VIP: the best healthy peer, else a peer that is known by its adverts
 * (keepalived).
 */
static const char *next_owner_name(const struct daemon *d)
{
	const struct peers *p = &d->node.peers;
	const char *name = peers_name(p, d->policy.successor);
	uint64_t now_ns = clock_now_ns();
	unsigned int best = 0;

	if (name)
		return name;
	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++) {
		const struct peer *peer = &p->list[slot];

		if (peer->used && peer->priority > best &&
		    peers_sight(p, slot, now_ns).by == PEER_BY_ADVERT) {
			best = peer->priority;
			name = peer->name;
		}
	}
	return name;
}

/* Why this peer does not take over. */
static const char *why_not(const struct daemon *d, unsigned int slot)
{
	const struct peer *p = &d->node.peers.list[slot];
	const struct peer_sight sight = peers_sight(&d->node.peers, slot, clock_now_ns());

	if (sight.by != PEER_BY_PULSE)
		return "is silent";
	if (!sight.fresh)
		return "has no daemon that shows life";
	if (quorum_peer_silent(&d->quorum, slot))
		return "has started a moment ago and grants nothing for some seconds yet";
	if (!p->map.priority)
		return "does not become owner now";
	for (unsigned int i = 0; i < d->node.services.n; i++)
		if (!peers_says_up(&d->node.peers, slot, d->node.services.list[i].tag))
			return "has a service that is not up";
	if (p->map.state == HOKM_VRRP_FAULT)
		return "is in fault";
	return "is not ready yet";
}

/* Nobody takes over: says why of each peer. */
static int refuse_alone(const struct daemon *d, char *error, size_t size)
{
	int len = snprintf(error, size, "no peer is healthy enough to take over");
	const char *sep = ": ";

	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS && len > 0 && (size_t)len < size;
	     slot++) {
		if (!d->node.peers.list[slot].used)
			continue;
		len += snprintf(error + len, size - (size_t)len, "%s%s %s", sep,
				d->node.peers.list[slot].name, why_not(d, slot));
		sep = ", ";
	}
	if (len > 0 && (size_t)len < size)
		(void)snprintf(error + len, size - (size_t)len, "; see `hokm-xdp ctl status`");
	return -EPERM;
}

/* A peer in FAULT does not take the VIP while it sees this node able to own. */
static bool only_in_fault(const struct daemon *d)
{
	uint8_t slot = d->policy.successor;

	return slot < HOKM_MAX_PEERS && d->node.peers.list[slot].map.state == HOKM_VRRP_FAULT;
}

static int verb_failover(void *arg, const json_t *args, json_t **data, char *error, size_t size)
{
	const char *to = json_string_value(json_object_get(args, "to"));
	struct vrrp_event ev = {.kind = VRRP_EV_HANDOVER, .reason = HOKM_R_OPERATOR};
	struct daemon *d = arg;
	const char *successor = next_owner_name(d);
	char text[128];

	if (d->vrrp.state != HOKM_VRRP_MASTER)
		return refuse(error, size,
			      "this node is not owner; ask the owner: ", owner_name(d));
	if (!successor || only_in_fault(d))
		return refuse_alone(d, error, size);
	if (to && strcmp(to, successor) != 0)
		return refuse(error, size, "the election would give the VIP to ", successor);
	snprintf(text, sizeof(text),
		 "the VIP goes to %s; this node does not take it back by itself until `ready`",
		 successor);
	log_info("operator: failover");
	events_add(d->node.events, "operator", HOKM_R_OPERATOR, "failover to %s", successor);
	operator_give(&d->operator, ORDER_STANDBY, ctl_server_asker(d->front), 0);
	inbox_note_vrrp(&d->node.inbox, &ev);
	return answer_text(data, text);
}

/* Reports the order, and has it carried out in this turn of the loop. */
static int ordered(struct daemon *d, const char *order, json_t **data, const char *text)
{
	log_info("operator: %s", order);
	events_add(d->node.events, "operator", HOKM_R_OPERATOR, "%s", order);
	inbox_note(&d->node.inbox, INBOX_POLICY);
	return answer_text(data, text);
}

/* A peer would take the VIP. */
static bool would_be_taken(const struct daemon *d)
{
	return next_owner_name(d) && !only_in_fault(d);
}

static int verb_drain(void *arg, const json_t *args, json_t **data, char *error, size_t size)
{
	const char *timeout = json_string_value(json_object_get(args, "timeout"));
	struct daemon *d = arg;
	uint64_t timeout_ns = 0;
	json_int_t players;
	int err;

	if (timeout && (duration_parse(timeout, &timeout_ns) || !timeout_ns)) {
		snprintf(error, size, "timeout is a time such as 90s or 30m");
		return -EINVAL;
	}
	if (!would_be_taken(d))
		return refuse_alone(d, error, size);
	drain_begin(&d->drain, &d->node, timeout_ns);
	operator_give(&d->operator, ORDER_DRAIN, ctl_server_asker(d->front), d->drain.until_ns);
	err = ordered(d, "drain", data,
		      timeout ? "new players go to a peer, the present ones stay until they leave "
				"or the time is over"
			      : "new players go to a peer, the present ones stay until they leave");
	if (err)
		return err;
	players = (json_int_t)services_players(&d->node.services);
	return json_object_set_new(*data, "players", json_integer(players)) ? -ENOMEM : 0;
}

static int verb_undrain(void *arg, const json_t *args, json_t **data, char *error, size_t size)
{
	struct daemon *d = arg;

	(void)args;
	(void)error;
	(void)size;
	drain_stop(&d->drain);
	operator_take_back(&d->operator, ORDER_DRAIN);
	relapse_forget(&d->relapse);
	return ordered(d, "undrain", data, "new players are accepted again");
}

static int verb_maint(void *arg, const json_t *args, json_t **data, char *error, size_t size)
{
	struct daemon *d = arg;
	bool keeps = !would_be_taken(d) && d->vrrp.state == HOKM_VRRP_MASTER;

	(void)args;
	(void)error;
	(void)size;
	operator_give(&d->operator, ORDER_MAINT, ctl_server_asker(d->front), 0);
	return ordered(d, "maint", data,
		       keeps ? "in maintenance; no peer would take the VIP, so this node keeps it"
			     : "in maintenance; the VIP goes to a peer");
}

static int verb_ready(void *arg, const json_t *args, json_t **data, char *error, size_t size)
{
	struct daemon *d = arg;

	(void)args;
	(void)error;
	(void)size;
	operator_take_back(&d->operator, ORDER_MAINT);
	operator_take_back(&d->operator, ORDER_STANDBY);
	relapse_forget(&d->relapse);
	return ordered(d, "ready", data, "out of maintenance and standby; the election decides");
}

/* `hokm-xdp test failover` reports what it saw; the orders of the drill came before. */
static int verb_drilled(void *arg, const json_t *args, json_t **data, char *error, size_t size)
{
	const char *said = json_string_value(json_object_get(args, "text"));
	bool failed = json_is_true(json_object_get(args, "failed"));
	struct daemon *d = arg;
	char text[128];

	if (!said) {
		snprintf(error, size, "text is missing");
		return -EINVAL;
	}
	snprintf(text, sizeof(text), "%s", said);
	ascii_only(text);
	if (failed)
		log_warn("the drill failed: %s", text);
	else
		log_info("the drill passed: %s", text);
	events_add(d->node.events, "drill", failed ? HOKM_R_DRILL_FAILED : HOKM_R_DRILL_PASSED,
		   "%s", text);
	return answer_text(data, "noted");
}

static int verb_reload(void *arg, const json_t *args, json_t **data, char *error, size_t size)
{
	struct daemon *d = arg;
	int err = reload_start(d->reload);

	(void)args;
	if (err) {
		snprintf(error, size, "could not start the reload: %s", strerror(-err));
		return err;
	}
	return answer_text(data, "reading the file");
}

static int verb_upgrade(void *arg, const json_t *args, json_t **data, char *error, size_t size)
{
	struct daemon *d = arg;
	char text[160];
	int err = upgrade_start(d->upgrade, error, size);

	(void)args;
	if (err)
		return err;
	log_info("operator: upgrade");
	events_add(d->node.events, "operator", HOKM_R_OPERATOR, "upgrade");
	snprintf(text, sizeof(text), "asking %.120s", upgrade_program(d->upgrade));
	return answer_text(data, text);
}

int serve_log_level(void *arg, const json_t *args, json_t **data, char *error, size_t size)
{
	const char *name = json_string_value(json_object_get(args, "level"));
	enum log_level level;

	(void)arg;
	if (name && log_level_from_name(name, &level)) {
		snprintf(error, size, "log level is error, warn, info or debug");
		return -EINVAL;
	}
	if (name)
		log_set_level(level);
	return answer_text(data, log_level_name(log_get_level()));
}

int serve_dns_order(struct dns *d, const json_t *args, json_t **data, char *error, size_t size)
{
	const char *action = json_string_value(json_object_get(args, "action"));
	const char *address = json_string_value(json_object_get(args, "address"));
	const char *text = NULL;

	snprintf(error, size, "the actions are: set (with --address), start, stop");
	if (action && !strcmp(action, "set") && address)
		text = dns_order_set(d, address, json_is_true(json_object_get(args, "force")),
				     error, size);
	else if (action && !strcmp(action, "start"))
		text = dns_order_start(d);
	else if (action && !strcmp(action, "stop"))
		text = dns_order_stop(d);
	return text ? answer_text(data, text) : -EINVAL;
}

/* Without an action: the state and the history. */
static int verb_dns(void *arg, const json_t *args, json_t **data, char *error, size_t size)
{
	struct daemon *d = arg;

	if (!d->dns.on) {
		snprintf(error, size, "%s",
			 d->node.conf->dns.mode == CONF_DNS_MONITOR
				 ? "a monitor writes the record, not this node"
				 : "DNS failover is off: the configuration has no dns.record");
		return -ENOENT;
	}
	if (json_object_get(args, "action"))
		return serve_dns_order(&d->dns, args, data, error, size);
	*data = dns_status_json(&d->dns, true);
	return *data ? 0 : -ENOMEM;
}

const struct ctl_verb serve_verbs[] = {
	{.name = "status", .handler = verb_status},
	{.name = "conns", .acts_with = "action", .work = &conns_work},
	{.name = "counters", .handler = verb_counters},
	{.name = "timeline", .work = &record_work},
	{.name = "failover", .acts = true, .handler = verb_failover},
	{.name = "drain", .acts = true, .handler = verb_drain},
	{.name = "undrain", .acts = true, .handler = verb_undrain},
	{.name = "maint", .acts = true, .handler = verb_maint},
	{.name = "ready", .acts = true, .handler = verb_ready},
	{.name = "drilled", .acts = true, .handler = verb_drilled},
	{.name = "reload", .acts = true, .handler = verb_reload},
	{.name = "upgrade", .acts = true, .handler = verb_upgrade},
	{.name = "dns", .acts_with = "action", .handler = verb_dns},
	{.name = "log-level", .acts_with = "level", .handler = serve_log_level},
	{.name = NULL},
};
