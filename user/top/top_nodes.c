/* SPDX-License-Identifier: GPL-2.0-only */
/* The owner, the nodes and the services as rows. See top.h. */
#include <stdlib.h>
#include <string.h>

#include "ctl/render.h"
#include "top/top.h"

#define STALE_MS 3000

static const json_t *in(const json_t *o, const char *key)
{
	return json_object_get(o, key);
}

static bool peer_owns(const json_t *peer)
{
	return field_true(peer, "pulsing") && field_int(peer, "lease_left_ms", 0) > 0;
}

/* ---- the owner ---- */

/* The peer that is owner by its pulses; NULL: none. */
static const json_t *owner_of_peers(const json_t *status)
{
	const json_t *peer;
	size_t i;

	json_array_foreach (in(status, "peers"), i, peer)
		if (peer_owns(peer))
			return peer;
	return NULL;
}

static void put_who(struct top_page *p, const json_t *status)
{
	const char *vip = json_string_value(json_array_get(in(status, "vips"), 0));
	const json_t *peer = owner_of_peers(status);
	char age[RENDER_WORD];

	if (!vip)
		vip = "the VIP";
	if (field_true(status, "owner"))
		top_put(p, TOP_BOLD, "%s is OWNER of %s", field_text(status, "node"), vip);
	else if (peer)
		top_put(p, TOP_BOLD, "%s is OWNER of %s, by its pulses", field_text(peer, "name"),
			vip);
	else
		top_put(p, TOP_BOLD, "NO OWNER of %s is known", vip);
	top_put(p, TOP_PLAIN, "this node: %s for %s, %s (%s)", field_text(status, "state"),
		word_field_age(status, "since_ms", age), field_text(status, "reason_text"),
		field_text(status, "reason"));
}

static void put_grants(struct top_page *p, const json_t *status)
{
	const json_t *grants = in(status, "grants");
	char age[RENDER_WORD];

	if (json_is_object(grants))
		top_put(p, TOP_PLAIN, "grants: %lld of %lld members needed, %lld in touch%s",
			(long long)field_int(grants, "majority", 0),
			(long long)field_int(grants, "members", 0),
			(long long)field_int(grants, "in_touch", 0),
			field_true(grants, "in_force") ? "" : "; NOT IN FORCE");
	else if (field_true(status, "owner"))
		top_put(p, TOP_PLAIN, "lease: %s left",
			word_field_age(status, "lease_left_ms", age));
}

static void put_attention(struct top_page *p, const json_t *status)
{
	const json_t *part;
	size_t i;

	if (json_object_get(status, "obstacle") && *field_text(status, "obstacle"))
		top_put(p, TOP_BOLD, "WARNING  should not own the VIP: %s",
			field_text(status, "obstacle"));
	if (field_true(status, "panic"))
		top_put(p, TOP_BOLD, "WARNING  panic hold: no node is healthy");
	if (field_true(status, "drain"))
		top_put(p, TOP_BOLD, "WARNING  this node is drained: new players go to a peer");
	if (field_true(status, "maint"))
		top_put(p, TOP_BOLD, "WARNING  this node is in maintenance");
	if (field_true(status, "standby"))
		top_put(p, TOP_BOLD, "WARNING  this node is in standby after a failover");
	json_array_foreach (in(status, "missing"), i, part)
		top_put(p, TOP_BOLD, "WARNING  missing: %s",
			json_is_string(part) ? json_string_value(part) : "?");
}

/* What it left in the kernel, line by line as `ctl status` prints it. */
static void put_left(struct top_page *p, const json_t *left)
{
	json_t *options = json_object();
	char *text = NULL, *rest, *line;
	size_t size;
	FILE *out = options ? open_memstream(&text, &size) : NULL;

	if (out)
		render_gone(left, options, out);
	if (out && !fclose(out) && text)
		for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
			top_put(p, TOP_PLAIN, "%s", line);
	free(text);
	json_decref(options);
}

static void put_silence(struct top_page *p, const struct top_state *s)
{
	char age[RENDER_WORD];

	if (s->trouble[0])
		top_put(p, TOP_BOLD, "NO ANSWER OF THE DAEMON: %s", s->trouble);
	else
		top_put(p, TOP_BOLD, "NO ANSWER OF THE DAEMON for %s: it is stopped or busy",
			word_age(s->waits_ms, age));
	if (s->left)
		put_left(p, s->left);
	if (s->status)
		top_put(p, TOP_BOLD, "it is asked again; below is what it said %s ago",
			word_age(s->answered_ms, age));
	else
		top_put(p, TOP_BOLD, "it is asked again");
}

void top_put_owner(struct top_page *p, const struct top_state *s)
{
	char age[RENDER_WORD];

	if (top_state_silent(s)) {
		put_silence(p, s);
	} else if (s->status && s->answered_ms > STALE_MS) {
		top_put(p, TOP_BOLD, "the daemon is slow: its last answer came %s ago",
			word_age(s->answered_ms, age));
	}
	/* The kernel's word stands above, and the daemon's may be no longer true. */
	if (!s->status || (top_state_silent(s) && s->left))
		return;
	put_who(p, s->status);
	put_grants(p, s->status);
	put_attention(p, s->status);
}

/* ---- nodes ---- */

static unsigned int services_up(const json_t *status)
{
	const json_t *service;
	unsigned int up = 0;
	size_t i;

	json_array_foreach (in(status, "services"), i, service)
		up += !strcmp(field_text(service, "state"), "up");
	return up;
}

static void put_peer(struct top_page *p, const json_t *peer, size_t services)
{
	bool pulsing = field_true(peer, "pulsing");
	char rtt[RENDER_WORD] = "-", seen[RENDER_WORD], up[16] = "-";
	const json_t *replica = in(peer, "replica");

	if (pulsing) {
		(void)word_us(field_int(peer, "rtt_us", -1), rtt);
		snprintf(up, sizeof(up), "%lld/%zu", (long long)field_int(peer, "services_up", 0),
			 services);
	}
	top_put(p, pulsing ? TOP_PLAIN : TOP_BOLD, "%-16.16s %-6s %-8.8s %5lld %8s %8lld %9s %s",
		field_text(peer, "name"), peer_owns(peer) ? "OWNER" : "-",
		pulsing ? field_text(peer, "state") : "SILENT",
		(long long)field_int(peer, "priority", 0), up,
		(long long)field_int(replica, "connections", 0), rtt,
		word_field_age(peer, "seen_ms", seen));
}

void top_put_nodes(struct top_page *p, const json_t *status)
{
	size_t services = json_array_size(in(status, "services")), i;
	const json_t *peer;
	char up[16];

	top_put(p, TOP_INVERSE, "%-16s %-6s %-8s %5s %8s %8s %9s %s", "NODE", "OWNER", "STATE",
		"PRIO", "SERVICES", "PLAYERS", "ROUND", "HEARD");
	snprintf(up, sizeof(up), "%u/%zu", services_up(status), services);
	top_put(p, TOP_PLAIN, "%-16.16s %-6s %-8.8s %5lld %8s %8lld %9s %s",
		field_text(status, "node"), field_true(status, "owner") ? "OWNER" : "-",
		field_text(status, "state"), (long long)field_int(status, "priority", 0), up,
		(long long)field_int(status, "players", 0), "-", "this node");
	json_array_foreach (in(status, "peers"), i, peer)
		put_peer(p, peer, services);
}

/* ---- services ---- */

/* The first check that is down; NULL: none. */
static const json_t *failing(const json_t *service)
{
	const json_t *check;
	size_t i;

	json_array_foreach (in(service, "checks"), i, check)
		if (field_true(check, "known") && !field_true(check, "up"))
			return check;
	return NULL;
}

static void put_service(struct top_page *p, const json_t *service)
{
	bool up = !strcmp(field_text(service, "state"), "up");
	const json_t *check = failing(service);
	char since[RENDER_WORD];

	top_put(p, up ? TOP_PLAIN : TOP_BOLD, "%-16.16s %-8.8s %8lld %-12s %s",
		field_text(service, "name"), field_text(service, "state"),
		(long long)field_int(service, "players", 0),
		word_field_age(service, "since_ms", since), field_text(service, "reason"));
	if (check)
		top_put(p, TOP_BOLD, "  check %s: %s: %s", field_text(check, "kind"),
			field_text(check, "reason"), field_text(check, "detail"));
	if (field_int(service, "suspect_ms", 0) > 0)
		top_put(p, TOP_BOLD, "  suspect: %s", field_text(service, "suspect_reason"));
}

void top_put_services(struct top_page *p, const json_t *status)
{
	const json_t *service;
	size_t i;

	top_put(p, TOP_INVERSE, "%-16s %-8s %8s %-12s %s", "SERVICE", "HEALTH", "PLAYERS", "SINCE",
		"REASON");
	json_array_foreach (in(status, "services"), i, service)
		put_service(p, service);
}
