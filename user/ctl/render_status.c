/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `ctl status`: the first line says whether this node is the owner. Then come the warnings, the
 * VRRP state with its reason, and the details: services, checks, peers, replicas, counts.
 */
#include <string.h>

#include "base/ctl_proto.h"
#include "ctl/render.h"

static void print_vips(const json_t *data, FILE *out)
{
	const json_t *vips = json_object_get(data, "vips");
	size_t i;
	json_t *vip;

	json_array_foreach (vips, i, vip) {
		const char *s = json_string_value(vip);

		fprintf(out, "%s%s", i ? ", " : "", s ? s : "?");
	}
}

void render_headline(const json_t *data, FILE *out)
{
	fprintf(out, "%s (%s) %s ", field_text(data, "node"), field_text(data, "address"),
		field_true(data, "owner") ? "is OWNER of" : "is not owner of");
	print_vips(data, out);
	fprintf(out, "\n");
}

static void print_state(const json_t *data, FILE *out)
{
	char a[RENDER_WORD];

	fprintf(out, "  state      %s for %s: %s (%s)\n", field_text(data, "state"),
		word_field_age(data, "since_ms", a), field_text(data, "reason_text"),
		field_text(data, "reason"));
	render_ownership(data, out);
	fprintf(out, "  vrrp       %s, version %lld, VRID %lld, priority %lld, epoch %lld\n",
		field_text(data, "instance"), (long long)field_int(data, "vrrp_version", -1),
		(long long)field_int(data, "vrid", -1), (long long)field_int(data, "priority", -1),
		(long long)field_int(data, "epoch", -1));
	fprintf(out, "  path       %s, XDP %s\n", field_text(data, "interface"),
		field_text(data, "xdp_mode"));
	render_fences(data, out);
	fprintf(out, "  daemon     %s, profile %s, up %s%s, log level %s\n",
		field_text(data, "version"), field_text(data, "profile"),
		word_field_age(data, "uptime_ms", a),
		field_true(data, "adopted") ? " (adopted the pinned path)" : "",
		field_text(data, "log_level"));
}

static void print_services(const json_t *services, FILE *out)
{
	struct table t = {.align = "lllrr"};
	char age[RENDER_WORD];
	size_t i;
	json_t *s;

	table_cell(&t, "SERVICE");
	table_cell(&t, "ADDRESS");
	table_cell(&t, "STATE");
	table_cell(&t, "FOR");
	table_cell(&t, "PLAYERS");
	json_array_foreach (services, i, s) {
		table_cell(&t, "%s", field_text(s, "name"));
		table_cell(&t, "%s:%lld", field_text(s, "vip"), (long long)field_int(s, "port", 0));
		table_cell(&t, "%s%s", field_text(s, "state"),
			   field_int(s, "suspect_ms", 0) > 0 ? ", suspect" : "");
		table_cell(&t, "%s", word_field_age(s, "since_ms", age));
		table_cell(&t, "%lld", (long long)field_int(s, "players", 0));
	}
	fprintf(out, "\n");
	table_print(&t, out);
}

static const char *passive_word(const json_t *service)
{
	if (!field_true(service, "observe"))
		return "off";
	return json_is_false(json_object_get(service, "replies_seen")) ? "no replies" : "well";
}

/* What the passive checks observe of each service. */
static void print_passive(const json_t *services, FILE *out)
{
	static const char *const heads[] = {
		"SERVICE", "PASSIVE", "OLDEST UPGRADE", "MEDIAN", "LIMIT", "OLDEST PING", "TRIPS"};
	struct table t = {.align = "llrrrrr"};
	char age[RENDER_WORD];
	size_t i;
	json_t *s;

	for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		table_cell(&t, "%s", heads[i]);
	json_array_foreach (services, i, s) {
		json_int_t upgrade = field_int(s, "oldest_upgrade_ms", -1);
		json_int_t ping = field_int(s, "oldest_ping_ms", -1);
		json_int_t suspect = field_int(s, "suspect_ms", 0);

		table_cell(&t, "%s", field_text(s, "name"));
		if (suspect > 0)
			table_cell(&t, "suspect %s: %s", word_age(suspect, age),
				   field_text(s, "suspect_reason"));
		else
			table_cell(&t, "%s", passive_word(s));
		table_cell(&t, "%s", upgrade < 0 ? "-" : word_age(upgrade, age));
		table_cell(&t, "%s", word_us(field_int(s, "upgrade_median_us", -1), age));
		table_cell(&t, "%s", word_age(field_int(s, "upgrade_limit_ms", 0), age));
		table_cell(&t, "%s", ping < 0 ? "-" : word_age(ping, age));
		table_cell(&t, "%lld", (long long)field_int(s, "trips", 0));
	}
	fprintf(out, "\n");
	table_print(&t, out);
}

static const char *check_state(const json_t *check)
{
	const json_t *known = json_object_get(check, "known");

	if ((known && !json_is_true(known)) || field_int(check, "last_ms", -1) < 0)
		return "unknown";
	return field_true(check, "up") ? "up" : "DOWN";
}

static void check_row(const json_t *service, const json_t *c, struct table *t)
{
	const char *detail = json_string_value(json_object_get(c, "detail"));
	bool never = field_int(c, "last_ms", -1) < 0;
	char a[RENDER_WORD];

	table_cell(t, "%s", field_text(service, "name"));
	table_cell(t, "%s", field_text(c, "kind"));
	table_cell(t, "%s", check_state(c));
	table_cell(t, "%lld/%lld", (long long)field_int(c, "health", 0),
		   (long long)(field_int(c, "rise", 0) + field_int(c, "fall", 0) - 1));
	table_cell(t, "%s%s", word_field_age(c, "last_ms", a), never ? "" : " ago");
	table_cell(t, "%s", never ? "-" : word_field_age(c, "took_ms", a));
	table_cell(t, "%s%s%s%s", never ? "no result yet" : field_text(c, "reason"),
		   detail && detail[0] ? ": " : "", detail ? detail : "",
		   field_true(c, "running") ? " (running)" : "");
}

static void print_checks(const json_t *services, FILE *out)
{
	static const char *const heads[] = {
		"SERVICE", "CHECK", "STATE", "HEALTH", "LAST", "TOOK", "RESULT"};
	struct table t = {.align = "lllrrrl"};
	size_t i, k;
	json_t *s, *c;

	for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		table_cell(&t, "%s", heads[i]);
	json_array_foreach (services, i, s) {
		const json_t *checks = json_object_get(s, "checks");

		json_array_foreach (checks, k, c)
			check_row(s, c, &t);
	}
	fprintf(out, "\n");
	table_print(&t, out);
}

static void peer_row(const json_t *p, struct table *t)
{
	bool pulsing = field_true(p, "pulsing");
	json_int_t adverts = field_int(p, "adverts_ms", -1);
	json_int_t lease = field_int(p, "lease_left_ms", 0);
	char a[RENDER_WORD];

	table_cell(t, "%s", field_text(p, "name"));
	table_cell(t, "%s", field_text(p, "address"));
	table_cell(t, "%s", field_text(p, "state"));
	table_cell(t, "%lld", (long long)field_int(p, "priority", -1));
	table_cell(t, "%s", lease > 0 ? word_age(lease, a) : "-");
	if (pulsing)
		table_cell(t, "alive");
	else
		table_cell(t, "SILENT, %s", word_field_age(p, "seen_ms", a));
	table_cell(t, "%s", !pulsing ? "-" : field_true(p, "daemon_fresh") ? "fresh" : "STALE");
	if (pulsing)
		table_cell(t, "%.2f ms", (double)field_int(p, "rtt_us", 0) / 1000.0);
	else
		table_cell(t, "-");
	table_cell(t, "%s%s", word_age(adverts, a), adverts < 0 ? "" : " ago");
	if (pulsing)
		table_cell(t, "%lld", (long long)field_int(p, "services_up", 0));
	else
		table_cell(t, "-");
}

static void print_peers(const json_t *peers, FILE *out)
{
	static const char *const heads[] = {
		"PEER",   "ADDRESS", "STATE", "PRIORITY", "LEASE",
		"PULSES", "DAEMON",  "RTT",   "ADVERT",   "SERVICES UP"};
	struct table t = {.align = "lllrrllrrr"};
	size_t i;
	json_t *p;

	if (!json_array_size(peers))
		return;
	for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		table_cell(&t, "%s", heads[i]);
	json_array_foreach (peers, i, p)
		peer_row(p, &t);
	fprintf(out, "\n");
	table_print(&t, out);
}

static bool any_replica(const json_t *peers)
{
	size_t i;
	json_t *p;

	json_array_foreach (peers, i, p)
		if (json_is_object(json_object_get(p, "replica")))
			return true;
	return false;
}

/* Replication: the replica of each peer's connections here, and of ours at the peer. */
static void print_replicas(const json_t *peers, FILE *out)
{
	static const char *const heads[] = {"PEER",    "REPLICA", "CONNECTIONS", "OURS AT PEER",
					    "LAG MAX", "RESYNCS", "FAULTS",      "SETTINGS"};
	struct table t = {.align = "llrlrrrl"};
	size_t i;
	json_t *p;

	if (!any_replica(peers))
		return;
	for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		table_cell(&t, "%s", heads[i]);
	json_array_foreach (peers, i, p) {
		const json_t *r = json_object_get(p, "replica");
		char a[RENDER_WORD];

		if (!json_is_object(r))
			continue;
		table_cell(&t, "%s", field_text(p, "name"));
		table_cell(&t, "%s%s", field_true(r, "warm") ? "warm" : "COLD",
			   field_true(r, "connected") ? "" : ", NOT CONNECTED");
		table_cell(&t, "%lld", (long long)field_int(r, "connections", 0));
		table_cell(&t, "%s", field_true(r, "peer_warm") ? "warm" : "COLD");
		table_cell(&t, "%s", word_field_age(r, "lag_max_ms", a));
		table_cell(&t, "%lld", (long long)field_int(r, "resyncs", 0));
		table_cell(&t, "%lld", (long long)render_sum(json_object_get(r, "faults")));
		table_cell(&t, "%s", word_agree(p));
	}
	fprintf(out, "\n");
	table_print(&t, out);
}

/* The worst of the last minutes, and since the start. */
static void print_late(const json_t *data, FILE *out)
{
	const char *sep = "\n  late, ms   ";
	const char *kind;
	json_t *l;

	json_object_foreach (json_object_get(data, "late"), kind, l) {
		fprintf(out, "%s%s %.1f (%.1f)", sep, kind,
			(double)field_int(l, "recent_us", 0) / 1000,
			(double)field_int(l, "worst_us", 0) / 1000);
		sep = ", ";
	}
	fprintf(out, "\n");
}

/* The mean since the start. The frequent reasons by name; the JSON has all. */
static void print_turns(const json_t *data, FILE *out)
{
	static const char *const frequent[] = {"pulse", "vrrp", "checks"};
	json_t *turns = json_object_get(data, "turns");
	const double s = (double)field_int(data, "uptime_ms", 0) / 1000;
	json_int_t other = 0;
	const char *why;
	json_t *n;

	if (!turns || s <= 0)
		return;
	json_object_foreach (turns, why, n)
		other += json_integer_value(n);
	fprintf(out, "\n  turns/s    ");
	for (size_t i = 0; i < sizeof(frequent) / sizeof(frequent[0]); i++) {
		json_int_t count = field_int(turns, frequent[i], 0);

		fprintf(out, "%s %.1f, ", frequent[i], (double)count / s);
		other -= count;
	}
	fprintf(out, "other %.1f", (double)other / s);
}

static void print_work(const json_t *data, FILE *out)
{
	json_t *vrrp = json_object_get(data, "vrrp");
	char a[RENDER_WORD];

	fprintf(out, "\n  adverts    ");
	if (!render_counts(vrrp, out))
		fprintf(out, "none yet");
	fprintf(out, "; discarded: ");
	if (!render_counts(json_object_get(vrrp, "discarded"), out))
		fprintf(out, "none");
	fprintf(out, "\n  hooks      ");
	if (!render_counts(json_object_get(data, "hooks"), out))
		fprintf(out, "none run");
	render_recover(json_object_get(data, "services"), out);
	fprintf(out, "\n  ctl        ");
	render_counts(json_object_get(data, "ctl"), out);
	render_dns_line(json_object_get(data, "dns"), out);
	fprintf(out, "\n  agent      restarts %lld; loop late by at most %s",
		(long long)field_int(json_object_get(data, "agent"), "restarts", 0),
		word_field_age(data, "late_ms_max", a));
	if (field_int(data, "log_lost", 0))
		fprintf(out, "\n  log        %lld lines lost",
			(long long)field_int(data, "log_lost", 0));
	print_turns(data, out);
	print_late(data, out);
}

void render_status(const json_t *data, const json_t *options, FILE *out)
{
	const json_t *services = json_object_get(data, "services");

	render_headline(data, out);
	if (field_true(options, "owner"))
		return;
	render_warnings(data, out);
	print_state(data, out);
	print_services(services, out);
	print_checks(services, out);
	print_passive(services, out);
	print_peers(json_object_get(data, "peers"), out);
	render_paths(data, out);
	print_replicas(json_object_get(data, "peers"), out);
	print_work(data, out);
}

int judge_status(const json_t *data, const json_t *options, FILE *err)
{
	(void)err;
	if (field_true(options, "owner") && !field_true(data, "owner"))
		return CTL_EXIT_NOT_OWNER;
	return CTL_EXIT_OK;
}
