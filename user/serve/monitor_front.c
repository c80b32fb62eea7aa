/* SPDX-License-Identifier: GPL-2.0-only */
/* See monitor_front.h. A monitor has the verbs dns, log-level and events. */
#include <arpa/inet.h>
#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "serve/dns_status.h"
#include "serve/monitor_front.h"
#include "serve/serve.h"
#include "serve/verbs.h"

static const char *sight_name(enum dns_sight s)
{
	return s == DNS_SIGHT_UP ? "up" : s == DNS_SIGHT_DOWN ? "down" : "init";
}

/* What the first check of a node that fails says. */
static const char *problem_of(const struct monitor_watch *w)
{
	for (unsigned int s = 0; s < w->services.n; s++)
		for (unsigned int i = 0; i < w->services.list[s].conf->n_checks; i++) {
			const struct service_check *c = &w->services.list[s].checks[i];

			if (c->health.known && c->health.reason != HOKM_R_CHECK_OK)
				return c->detail;
		}
	return "";
}

static json_t *node_json(const struct monitor_watch *w, uint64_t now_ns)
{
	char addr[INET_ADDRSTRLEN] = "";

	if (!inet_ntop(AF_INET, &w->addr, addr, sizeof(addr)))
		addr[0] = '\0';
	return json_pack("{s:s, s:s, s:s, s:I, s:s}", "name", w->name, "address", addr, "state",
			 sight_name(w->sight), "since_ms",
			 (json_int_t)((now_ns - w->since_ns) / NS_PER_MS), "problem",
			 problem_of(w));
}

static json_t *status(const struct monitor *m)
{
	json_t *o = dns_status_json(&m->dns, true), *nodes = json_array();
	uint64_t now_ns = clock_now_ns();
	int err = 0;

	for (unsigned int i = 0; !err && i < m->node.conf->n_nodes; i++)
		err = json_array_append_new(nodes, node_json(&m->watch[i], now_ns));
	err |= json_object_set_new(o, "view", json_string(dns_view_name(m->decide[0].view)));
	err |= json_object_set_new(o, "nodes", nodes);
	if (err)
		log_debug("status: no memory for the nodes");
	return o;
}

static int verb_dns(void *arg, const json_t *args, json_t **data, char *error, size_t size)
{
	struct monitor *m = arg;

	if (json_object_get(args, "action"))
		return serve_dns_order(&m->dns, args, data, error, size);
	*data = status(m);
	return *data ? 0 : -ENOMEM;
}

static const struct ctl_verb verbs[] = {
	{.name = "dns", .acts_with = "action", .handler = verb_dns},
	{.name = "log-level", .acts_with = "level", .handler = serve_log_level},
	{.name = NULL},
};

static int front_open(struct monitor *m, sd_event *event, const struct conf *c,
		      struct events *events, void **front)
{
	struct ctl_groups groups = {.look = c->ctl_group, .act = c->ctl_admin_group};
	struct ctl_server *s;
	int err;

	/* Without root the socket cannot be given to groups. */
	if (geteuid() != 0)
		groups.look = groups.act = NULL;
	err = ctl_server_open(event, c->dns.monitor_socket, &groups, verbs, m, events, NULL, &s);
	*front = s;
	return err;
}

static void front_close(void *front)
{
	ctl_server_close(front);
}

const struct monitor_front serve_monitor_front = {.open = front_open, .close = front_close};
