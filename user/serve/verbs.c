/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What ctl can ask of the daemon. A verb that changes something sets the operator's word and lets
 * daemon_evaluate() draw the consequences: there is no second way into the machine.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/units.h"
#include "serve/conns.h"
#include "daemon/daemon.h"

#define NO_SUCCESSOR "no peer is healthy enough to take over"
#define SEE_STATUS   "; see `hokm-xdp ctl status`"

const char *daemon_service_name(const struct daemon *d, unsigned int slot)
{
	for (unsigned int s = 0; s < d->conf->n_services; s++)
		if (d->services[s].slot == slot)
			return d->conf->services[s].name;
	return NULL;
}

const char *daemon_peer_name(const struct daemon *d, unsigned int slot)
{
	for (unsigned int i = 0; i < d->conf->n_nodes; i++)
		if (d->nodes[i].slot == slot && slot < HOKM_MAX_PEERS)
			return d->conf->nodes[i].name;
	return NULL;
}

static const char *event_service(unsigned int slot, void *arg)
{
	return daemon_service_name(arg, slot);
}

static const char *event_peer(unsigned int slot, void *arg)
{
	return daemon_peer_name(arg, slot);
}

const struct event_names daemon_event_names = {.service = event_service, .peer = event_peer};

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
	*data = daemon_status_json(arg);
	return *data ? 0 : -ENOMEM;
}

/* ---- conns ---- */

#define KILL_ONE_NS 20000 /* to end one connection, generously */

static void keep_name(char *to, const char *name)
{
	snprintf(to, CONF_NAME_MAX, "%s", name ? name : "");
}

/* On the loop's thread: all that the thread of the walk must know of the daemon. */
static int prepare_conns(void *arg, const json_t *args, void **job, char *error, size_t size)
{
	struct daemon *d = arg;
	struct conns_names names;
	int err;

	memset(&names, 0, sizeof(names));
	for (unsigned int s = 0; s < HOKM_MAX_SERVICES; s++)
		keep_name(names.service[s], daemon_service_name(d, s));
	for (unsigned int s = 0; s < d->conf->n_services; s++) {
		names.vip[d->services[s].slot] = d->conf->vips[d->conf->services[s].vip];
		names.port[d->services[s].slot] = htons(d->conf->services[s].port);
	}
	for (unsigned int p = 0; p < HOKM_MAX_PEERS; p++)
		keep_name(names.peer[p], daemon_peer_name(d, p));
	err = conns_job_new(&names, d->bpf, args, job, error, size);
	if (err || !json_object_get(args, "action") ||
	    json_is_true(json_object_get(args, "dry_run")))
		return err;
	log_info("operator ends connections");
	events_add(d->events, "operator", HOKM_R_OPERATOR, "conns kill");
	/* The thread cannot say how far it is: as long as it takes at the most. */
	for (unsigned int s = 0; s < d->conf->n_services; s++)
		daemon_ending_quiet(d, s, clock_now_ns() + daemon_players(d) * KILL_ONE_NS);
	return 0;
}

static const struct ctl_work conns_work = {
	.prepare = prepare_conns, .run = conns_job_run, .free = conns_job_free};

/* ---- counters ---- */

static json_t *counters_json(struct daemon *d, unsigned int slot)
{
	struct hokm_counters c;
	json_t *o = json_object();
	__u64 value[HOKM_CTR_COUNT];

	_Static_assert(sizeof(value) == sizeof(c), "counters are an array of u64");
	if (!o || hokm_bpf_get_counters(d->bpf, slot, &c)) {
		json_decref(o);
		return NULL;
	}
	memcpy(value, &c, sizeof(value));
	for (unsigned int i = 0; i < HOKM_CTR_COUNT; i++)
		if (json_object_set_new(o, hokm_counter_name(i),
					json_integer((json_int_t)value[i]))) {
			json_decref(o);
			return NULL;
		}
	return o;
}

static int verb_counters(void *arg, const json_t *args, json_t **data, char *error, size_t size)
{
	struct daemon *d = arg;
	json_t *services = json_object();
	int err = 0;

	(void)args;
	for (unsigned int s = 0; s < d->conf->n_services && !err; s++)
		err = json_object_set_new(services, d->conf->services[s].name,
					  counters_json(d, d->services[s].slot));
	*data = json_pack("{s:o, s:o}", "services", services, "node",
			  counters_json(d, HOKM_NODE_SLOT));
	if (err || !*data) {
		snprintf(error, size, "reading map counters failed");
		return -EIO;
	}
	return 0;
}

/* ---- the operator's words ---- */

static int refuse(char *error, size_t size, const char *what, const char *hint)
{
	snprintf(error, size, "%s%s", what, hint);
	return -EPERM;
}

static const char *owner_name(const struct daemon *d)
{
	uint64_t now_ns = clock_now_ns();

	for (unsigned int i = 0; i < d->conf->n_nodes; i++) {
		uint8_t slot = d->nodes[i].slot;

		if (slot < HOKM_MAX_PEERS && d->peers[slot].lease_until_ns > now_ns)
			return d->conf->nodes[i].name;
		if (d->vrrp.owner.s_addr && d->conf->nodes[i].addr.s_addr == d->vrrp.owner.s_addr)
			return d->conf->nodes[i].name;
	}
	return "nobody known";
}

/*
 * Who would take the VIP: the best healthy peer, else one without pulses (keepalived) that lives.
 */
static const char *next_owner_name(const struct daemon *d)
{
	const char *name = daemon_peer_name(d, d->policy.successor);
	unsigned int best = 0;

	if (name)
		return name;
	for (unsigned int i = 0; i < d->conf->n_nodes; i++) {
		const struct conf_node *n = &d->conf->nodes[i];
		uint8_t slot = d->nodes[i].slot;

		if (slot < HOKM_MAX_PEERS && d->advert_ns[slot] && n->priority > best) {
			best = n->priority;
			name = n->name;
		}
	}
	return name;
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
	if (!successor)
		return refuse(error, size, NO_SUCCESSOR, SEE_STATUS);
	if (to && strcmp(to, successor) != 0)
		return refuse(error, size, "the election would give the VIP to ", successor);
	/* Kept here: after the step `successor` is another. */
	snprintf(text, sizeof(text),
		 "the VIP goes to %s; this node will not take it back by itself "
		 "(`ready` lets it)",
		 successor);
	log_info("operator asked for failover");
	events_add(d->events, "operator", HOKM_R_OPERATOR, "failover to %s", successor);
	d->standby = true;
	daemon_vrrp_event(d, &ev);
	return answer_text(data, text);
}

static int set_word(struct daemon *d, bool *word, bool value, const char *event, json_t **data,
		    const char *text)
{
	*word = value;
	log_info("operator: %s", event);
	events_add(d->events, "operator", HOKM_R_OPERATOR, "%s", event);
	daemon_evaluate(d);
	return answer_text(data, text);
}

static int verb_drain(void *arg, const json_t *args, json_t **data, char *error, size_t size)
{
	const char *timeout = json_string_value(json_object_get(args, "timeout"));
	struct daemon *d = arg;
	uint64_t timeout_ns = 0;
	int err;

	if (timeout && (duration_parse(timeout, &timeout_ns) || !timeout_ns)) {
		snprintf(error, size, "timeout is a time such as 90s or 30m");
		return -EINVAL;
	}
	if (!next_owner_name(d))
		return refuse(error, size, NO_SUCCESSOR, SEE_STATUS);
	/* Asked again, the new time counts. */
	d->drain_ns = clock_now_ns();
	d->drain_until_ns = timeout_ns ? d->drain_ns + timeout_ns : 0;
	d->drained = false;
	for (unsigned int s = 0; s < d->conf->n_services; s++)
		d->services[s].drain_kept = false;
	err = set_word(
		d, &d->drain, true, "drain", data,
		timeout ? "new players go to a peer, the present ones stay until they leave "
			  "or the time is over"
			: "new players go to a peer, the present ones stay until they leave");
	if (err)
		return err;
	return json_object_set_new(*data, "players", json_integer((json_int_t)daemon_players(d)))
		       ? -ENOMEM
		       : 0;
}

static int verb_undrain(void *arg, const json_t *args, json_t **data, char *error, size_t size)
{
	struct daemon *d = arg;

	(void)args;
	(void)error;
	(void)size;
	d->drain_until_ns = 0;
	return set_word(d, &d->drain, false, "undrain", data, "new players are taken again");
}

static int verb_maint(void *arg, const json_t *args, json_t **data, char *error, size_t size)
{
	struct daemon *d = arg;

	(void)args;
	(void)error;
	(void)size;
	return set_word(d, &d->maint, true, "maint", data,
			!next_owner_name(d) && d->vrrp.state == HOKM_VRRP_MASTER
				? "in maintenance; no peer is healthy, so this node keeps the VIP"
				: "in maintenance; the VIP goes to a peer");
}

static int verb_ready(void *arg, const json_t *args, json_t **data, char *error, size_t size)
{
	struct daemon *d = arg;

	(void)args;
	(void)error;
	(void)size;
	d->standby = false;
	return set_word(d, &d->maint, false, "ready", data,
			"out of maintenance and standby; the election decides");
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
	return answer_text(data, "reloading; `hokm-xdp ctl events` tells how it ends");
}

static int verb_log_level(void *arg, const json_t *args, json_t **data, char *error, size_t size)
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

const struct ctl_verb daemon_verbs[] = {
	{.name = "status", .handler = verb_status},
	{.name = "conns", .work = &conns_work},
	{.name = "counters", .handler = verb_counters},
	{.name = "failover", .handler = verb_failover},
	{.name = "drain", .handler = verb_drain},
	{.name = "undrain", .handler = verb_undrain},
	{.name = "maint", .handler = verb_maint},
	{.name = "ready", .handler = verb_ready},
	{.name = "reload", .handler = verb_reload},
	{.name = "log-level", .handler = verb_log_level},
	{.name = NULL},
};
