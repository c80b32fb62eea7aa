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
#include "daemon/daemon.h"

#define CONNS_DEFAULT 1000
#define CONNS_MOST    100000

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

struct conns_walk {
	const struct daemon *d;
	json_t *list;
	uint64_t now_ns;
	json_int_t limit, total;
};

static json_int_t since_ms(uint64_t then_ns, uint64_t now_ns)
{
	if (!then_ns)
		return -1;
	return (json_int_t)(now_ns > then_ns ? (now_ns - then_ns) / NS_PER_MS : 0);
}

static json_t *conn_json(const struct conns_walk *w, const struct hokm_conn_key *k,
			 const struct hokm_conn *c)
{
	const char *service = daemon_service_name(w->d, k->service);
	const char *target = c->target == HOKM_LOCAL ? "local" : daemon_peer_name(w->d, c->target);
	struct in_addr client = hokm_addr_to_ipv4(&k->client);
	char addr[INET_ADDRSTRLEN + 8] = "?";
	char ip[INET_ADDRSTRLEN];
	json_t *flags = json_array();

	if (inet_ntop(AF_INET, &client, ip, sizeof(ip)))
		snprintf(addr, sizeof(addr), "%s:%u", ip, ntohs(k->client_port));
	if (c->flags & HOKM_CONN_STEERED_IN &&
	    json_array_append_new(flags, json_string("steered-in")))
		return NULL;
	if (c->flags & HOKM_CONN_ADOPTED && json_array_append_new(flags, json_string("adopted")))
		return NULL;
	return json_pack(
		"{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "client", addr,
		"service", service ? service : "?", "state", hokm_tcp_state_name(c->tcp_state),
		"target", target ? target : "?", "age_ms", since_ms(c->created_ns, w->now_ns),
		"idle_in_ms", since_ms(c->c2s.last_ns, w->now_ns), "idle_out_ms",
		since_ms(c->s2c.last_ns, w->now_ns), "bytes_in", (json_int_t)c->c2s.bytes,
		"bytes_out", (json_int_t)c->s2c.bytes, "packets_in", (json_int_t)c->c2s.packets,
		"packets_out", (json_int_t)c->s2c.packets, "flags", flags);
}

static int conns_one(const struct hokm_conn_key *k, const struct hokm_conn *c, void *arg)
{
	struct conns_walk *w = arg;

	if (w->total++ >= w->limit)
		return 0;
	return json_array_append_new(w->list, conn_json(w, k, c)) ? -ENOMEM : 0;
}

static int verb_conns(void *arg, const json_t *args, json_t **data, char *error, size_t size)
{
	const json_t *limit = json_object_get(args, "limit");
	bool half = json_is_true(json_object_get(args, "half_open"));
	struct daemon *d = arg;
	struct conns_walk w = {
		.d = d,
		.now_ns = clock_now_ns(),
		.limit = json_is_integer(limit) ? json_integer_value(limit) : CONNS_DEFAULT,
	};
	int err;

	if (w.limit < 1 || w.limit > CONNS_MOST) {
		snprintf(error, size, "limit is 1 to %d", CONNS_MOST);
		return -EINVAL;
	}
	w.list = json_array();
	err = w.list ? hokm_bpf_walk_conns(d->bpf, half, conns_one, &w) : -ENOMEM;
	if (err) {
		json_decref(w.list);
		snprintf(error, size, "reading map %s failed: %s", half ? "half_open" : "conns",
			 strerror(-err));
		return err;
	}
	*data = json_pack("{s:I, s:I, s:o}", "total", w.total, "limit", w.limit, "conns", w.list);
	return *data ? 0 : -ENOMEM;
}

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

/* Who would take the VIP: the best healthy peer, else one without pulses (keepalived) that lives. */
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
	struct daemon *d = arg;

	(void)args;
	if (!next_owner_name(d))
		return refuse(error, size, NO_SUCCESSOR, SEE_STATUS);
	return set_word(d, &d->drain, true, "drain", data,
			"new players go to a peer, the present ones stay until they leave");
}

static int verb_undrain(void *arg, const json_t *args, json_t **data, char *error, size_t size)
{
	struct daemon *d = arg;

	(void)args;
	(void)error;
	(void)size;
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
	{"status", verb_status},       {"conns", verb_conns}, {"counters", verb_counters},
	{"failover", verb_failover},   {"drain", verb_drain}, {"undrain", verb_undrain},
	{"maint", verb_maint},         {"ready", verb_ready}, {"reload", verb_reload},
	{"log-level", verb_log_level}, {NULL, NULL},
};
