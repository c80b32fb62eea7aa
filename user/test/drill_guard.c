/* SPDX-License-Identifier: GPL-2.0-only */
/* See drill_guard.h. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "ctl/render.h"
#include "test/drill_guard.h"

__attribute__((format(printf, 3, 4))) static enum drill_may no(enum drill_may may, char *why,
							       const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, DRILL_WHY, fmt, ap);
	va_end(ap);
	return may;
}

/* An order of the operator that is in force; NULL: none. */
static const char *order_of(const json_t *status)
{
	static const char *const orders[] = {"maint", "drain", "standby"};

	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++)
		if (field_true(status, orders[i]))
			return orders[i];
	return NULL;
}

static enum drill_may look_at_node(const json_t *s, const struct drill_guard *g, char *why)
{
	const char *order = order_of(s);
	const json_t *service;
	size_t i;

	if (!field_true(s, "owner") || strcmp(field_text(s, "state"), "master") != 0)
		return no(DRILL_NOT_NOW, why, "this node is not the owner");
	if (order)
		return no(DRILL_NOT_NOW, why, "the order %s is in force", order);
	if ((uint64_t)field_int(s, "since_ms", 0) < g->settled_ns / NS_PER_MS)
		return no(DRILL_NOT_NOW, why, "this node has been the owner for %.0f s only",
			  (double)field_int(s, "since_ms", 0) / 1000);
	if (g->since_s >= 0 && (uint64_t)g->since_s < g->rest_ns / NS_PER_S)
		return no(DRILL_NOT_NOW, why, "the last drill was %.1f h ago",
			  (double)g->since_s / 3600);
	if (g->history_err)
		return no(DRILL_UNSAFE, why, "when the last drill was cannot be read: %s",
			  strerror(-g->history_err));
	if (field_true(s, "panic"))
		return no(DRILL_UNSAFE, why, "no node is healthy");
	json_array_foreach (json_object_get(s, "services"), i, service)
		if (strcmp(field_text(service, "state"), "up") != 0)
			return no(DRILL_UNSAFE, why, "service %s is %s here",
				  field_text(service, "name"), field_text(service, "state"));
	return DRILL_MAY;
}

static enum drill_may look_at_peer(const json_t *s, const json_t *p, char *why)
{
	const json_int_t services = (json_int_t)json_array_size(json_object_get(s, "services"));
	const json_t *replica = json_object_get(p, "replica");
	const char *name = field_text(p, "name");

	if (!field_true(p, "pulsing") || !field_true(p, "daemon_fresh"))
		return no(DRILL_UNSAFE, why, "%s does not answer pulses", name);
	if (field_int(p, "services_up", 0) < services)
		return no(DRILL_UNSAFE, why, "%lld of %lld services are up on %s",
			  (long long)field_int(p, "services_up", 0), (long long)services, name);
	if (!field_true(p, "steerable"))
		return no(DRILL_UNSAFE, why, "frames cannot be steered to %s", name);
	if (!field_true(replica, "connected") || !field_true(replica, "warm") ||
	    !field_true(replica, "peer_warm"))
		return no(DRILL_UNSAFE, why, "the replicas of this node and %s are not warm", name);
	if (!json_is_array(json_object_get(p, "differs")) ||
	    json_array_size(json_object_get(p, "differs")))
		return no(DRILL_UNSAFE, why, "the settings of %s differ, or are not known", name);
	return DRILL_MAY;
}

/* It preempts only an owner of lower priority. */
static enum drill_may look_at_return(const json_t *s, const json_t *p, const struct drill_guard *g,
				     char *why)
{
	if (!g->preempt)
		return no(DRILL_UNSAFE, why,
			  "vrrp.preempt is off: the VIP would not come back by itself");
	if (g->preempt_delay_ns > DRILL_DELAY_MAX_NS)
		return no(DRILL_UNSAFE, why,
			  "vrrp.preempt_delay is over an hour: the VIP would come back too late");
	if (field_int(s, "priority", 0) <= field_int(p, "priority", 0))
		return no(DRILL_UNSAFE, why,
			  "%s has no lower priority: the VIP would not come back by itself",
			  field_text(p, "name"));
	return DRILL_MAY;
}

enum drill_may drill_may(const json_t *status, const struct drill_guard *g, char why[DRILL_WHY])
{
	const char *successor = json_string_value(json_object_get(status, "successor"));
	enum drill_may may = look_at_node(status, g, why);
	const json_t *p;
	size_t i;

	if (may != DRILL_MAY)
		return may;
	json_array_foreach (json_object_get(status, "peers"), i, p)
		if (successor && !strcmp(field_text(p, "name"), successor)) {
			may = look_at_peer(status, p, why);
			return may == DRILL_MAY ? look_at_return(status, p, g, why) : may;
		}
	return no(DRILL_UNSAFE, why, "no peer is healthy enough to take over");
}
