/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The warnings of `ctl status`: what needs the attention of the operator, one line each, behind the
 * headline. What belongs to a subject of its own (DNS, paths, settings) is in the file of that
 * subject.
 */
#include <pwd.h>
#include <string.h>
#include <time.h>

#include "ctl/render.h"

#define WARN "  WARNING  "

/* What is older than this is in the log and in `--json` only. */
#define PUT_BACK_SHOWN_MS (10 * 60 * 1000)
#define CLAIM_SHOWN_MS    (10 * 60 * 1000)
#define RIVAL_SHOWN_MS    (10 * 60 * 1000)

/* " (since 2026-11-28 12:00:00 by root)"; nothing when the daemon did not say. */
static void print_order(const json_t *data, const char *name, FILE *out)
{
	const json_t *o = json_object_get(json_object_get(data, "orders"), name);
	time_t since = (time_t)field_int(o, "since_s", 0);
	uid_t uid = (uid_t)field_int(o, "uid", 0);
	const struct passwd *pw;
	char when[32] = "?";
	struct tm tm;

	if (!o) {
		fprintf(out, "\n");
		return;
	}
	if (localtime_r(&since, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
	pw = getpwuid(uid);
	if (pw)
		fprintf(out, " (since %s by %s)\n", when, pw->pw_name);
	else
		fprintf(out, " (since %s by uid %u)\n", when, uid);
}

static void warn_drain(const json_t *data, FILE *out)
{
	json_int_t left = field_int(data, "drain_ms", -1);
	char a[RENDER_WORD];

	fprintf(out,
		WARN "draining: new players go to a peer; `hokm-xdp ctl undrain` ends the drain; ");
	if (field_true(data, "drained"))
		fprintf(out, "EMPTY: no player is left");
	else if (left >= 0)
		fprintf(out, "%lld players left, to be terminated in %s",
			(long long)field_int(data, "players", 0), word_age(left, a));
	else
		fprintf(out, "%lld players left, without a time limit",
			(long long)field_int(data, "players", 0));
	print_order(data, "drain", out);
}

static void warn_relapse(const json_t *data, FILE *out)
{
	json_int_t left = field_int(data, "relapse_left_ms", -1);
	char age[RENDER_WORD];

	if (left < 0)
		return;
	fprintf(out,
		WARN "this node does not preempt for %s: its services failed %lld times in a row, "
		     "each soon after the one before; `hokm-xdp ctl ready` ends that\n",
		word_age(left, age), (long long)field_int(data, "relapses", 0) + 1);
}

static void warn_operator(const json_t *data, FILE *out)
{
	if (field_true(data, "maint")) {
		fprintf(out, WARN "in maintenance; `hokm-xdp ctl ready` ends the maintenance");
		print_order(data, "maint", out);
	}
	if (field_int(data, "waits_for_replica_ms", -1) >= 0)
		fprintf(out, WARN
			"this node does not preempt yet: "
			"it waits until a peer has replicated its connections (see COLD below)\n");
	warn_relapse(data, out);
	if (field_true(data, "drain"))
		warn_drain(data, out);
	if (field_true(data, "standby")) {
		fprintf(out, WARN "standby after `failover`: this node does not preempt; "
				  "`hokm-xdp ctl ready` ends the standby");
		print_order(data, "standby", out);
	}
	if (field_true(data, "orders_failed"))
		fprintf(out, WARN "the state file cannot be written: "
				  "these orders would not survive a restart; the log says why\n");
}

static void warn_services(const json_t *data, FILE *out)
{
	const json_t *services = json_object_get(data, "services");
	char age[RENDER_WORD];
	size_t i;
	json_t *s;

	json_array_foreach (services, i, s) {
		if (!strcmp(field_text(s, "state"), "down"))
			fprintf(out, WARN "service %s is DOWN (%s)\n", field_text(s, "name"),
				field_text(s, "reason"));
		if (field_int(s, "suspect_ms", 0) > 0)
			fprintf(out,
				WARN
				"service %s is suspect (%s): new players go to a peer for %s\n",
				field_text(s, "name"), field_text(s, "suspect_reason"),
				word_field_age(s, "suspect_ms", age));
		if (json_is_false(json_object_get(s, "replies_seen")))
			fprintf(out,
				WARN "no reply of service %s has left by this interface: "
				     "its passive checks are off\n",
				field_text(s, "name"));
		if (field_int(s, "unanswered_ms", 0) > 0)
			fprintf(out, WARN "no SYN to service %s was answered for %s: %s\n",
				field_text(s, "name"), word_field_age(s, "unanswered_ms", age),
				"a packet filter of this machine? hokm-xdp doctor");
	}
}

/* Of a peer whose adverts come, and whose pulses do not. */
static const char *how_it_ends(const json_t *peer, const json_t *rival)
{
	if (!field_true(rival, "by_adverts"))
		return "";
	if (field_true(json_object_get(peer, "replica"), "connected"))
		return "; one of them gives way";
	return "; by its adverts alone this node does not give way: let the UDP ports of pulses "
	       "and replication pass between the nodes; or an attacker forges them: "
	       "ask that node itself before you stop one";
}

/* Two owners at once. */
static void warn_rival(const json_t *p, FILE *out)
{
	const json_t *r = json_object_get(p, "rival");
	const char *name = field_text(p, "name");
	char lasted[RENDER_WORD], ago[RENDER_WORD];

	if (field_true(r, "now"))
		fprintf(out,
			WARN "this node and peer %s own the VIP at once, for at most %s: "
			     "clients reach either of them%s\n",
			name, word_field_age(r, "lasted_ms", lasted), how_it_ends(p, r));
	else if (r && field_int(r, "over_ms", -1) >= 0 &&
		 field_int(r, "over_ms", -1) < RIVAL_SHOWN_MS)
		fprintf(out,
			WARN "this node and peer %s owned the VIP at once, for at most %s, "
			     "until %s ago: check the network between them\n",
			name, word_field_age(r, "lasted_ms", lasted),
			word_field_age(r, "over_ms", ago));
}

static void warn_peer(const json_t *p, FILE *out)
{
	const char *name = field_text(p, "name");
	char pulse[RENDER_WORD], advert[RENDER_WORD];

	warn_rival(p, out);
	if (field_true(p, "pulsing")) {
		if (!field_true(p, "daemon_fresh"))
			fprintf(out,
				WARN "peer %s answers pulses but its daemon is unresponsive: "
				     "it gets no new players; check hokm-xdp there\n",
				name);
		if (field_true(p, "refuses"))
			fprintf(out,
				WARN "peer %s does not become owner: its hook before refuses, "
				     "or its interface lacks its own address\n",
				name);
		if (json_object_get(p, "not_steerable"))
			fprintf(out, WARN "no new player is steered to peer %s: %s\n", name,
				field_text(p, "not_steerable"));
		if (field_true(p, "misdirected"))
			fprintf(out,
				WARN "packets of clients arrive at peer %s, not here: "
				     "look for static ARP entries\n",
				name);
		return;
	}
	if (field_true(p, "secrets_differ")) {
		fprintf(out,
			WARN "the secrets differ: pulses of peer %s arrive, "
			     "and none of the secrets of this node signed them; "
			     "compare the key secret on both nodes\n",
			name);
		return;
	}
	word_field_age(p, "seen_ms", pulse);
	word_field_age(p, "adverts_ms", advert);
	if (strcmp(pulse, "never") != 0)
		fprintf(out, WARN "peer %s is silent: last pulse %s ago, last advert %s%s\n", name,
			pulse, advert, strcmp(advert, "never") ? " ago" : "");
	else if (strcmp(advert, "never") != 0)
		fprintf(out,
			WARN "peer %s sends adverts but answers no pulse: "
			     "no player can be steered to it\n",
			name);
	else
		fprintf(out, WARN "peer %s has shown no sign of life since the daemon started\n",
			name);
}

static void warn_put_back(const json_t *data, FILE *out)
{
	json_int_t ago = field_int(data, "put_back_ms", -1);
	const json_t *missing = json_object_get(data, "missing");
	char age[RENDER_WORD];
	size_t i;
	json_t *m;

	json_array_foreach (missing, i, m)
		fprintf(out, WARN "%s is gone and cannot be put back; the log says why\n",
			json_string_value(m));
	if (ago >= 0 && ago < PUT_BACK_SHOWN_MS)
		fprintf(out,
			WARN "another program removes what the daemon set: %lld times, "
			     "the last one %s ago (%s); all of it was put back\n",
			(long long)render_sum(json_object_get(data, "put_back")),
			word_age(ago, age), field_text(data, "put_back_last"));
}

static void warn_foreign(const json_t *data, FILE *out)
{
	const json_t *foreign = json_object_get(data, "foreign");
	const json_t *fences = json_object_get(data, "fences");
	size_t i;
	json_t *f;

	json_array_foreach (foreign, i, f)
		fprintf(out,
			WARN "%s: filter %s, priority %lld, program %lld (%s) runs before ours: "
			     "if it ends the chain, packets do not reach hokm-xdp\n",
			field_text(f, "interface"), field_text(f, "kind"),
			(long long)field_int(f, "priority", 0),
			(long long)field_int(f, "program", 0),
			*field_text(f, "name") ? field_text(f, "name") : "name unknown");
	json_array_foreach (fences, i, f)
		if (!field_true(f, "covered"))
			fprintf(out,
				WARN "interface %s has no fence: "
				     "it may answer ARP for the VIP; the log says why\n",
				field_text(f, "interface"));
}

/* A foreign host that claims a VIP. */
static void warn_claims(const json_t *data, FILE *out)
{
	const json_t *claims = json_object_get(data, "claims");
	char age[RENDER_WORD];
	size_t i;
	json_t *c;

	json_array_foreach (claims, i, c)
		if (field_int(c, "last_ms", -1) >= 0 &&
		    field_int(c, "last_ms", -1) < CLAIM_SHOWN_MS)
			fprintf(out,
				WARN "%s claims the VIP %s by ARP and is no node: %lld times, "
				     "the last one %s ago; clients may reach that host\n",
				field_text(c, "mac"), field_text(c, "vip"),
				(long long)field_int(c, "count", 0),
				word_field_age(c, "last_ms", age));
}

void render_warnings(const json_t *data, FILE *out)
{
	const json_t *peers = json_object_get(data, "peers");
	json_int_t lost = field_int(data, "events_lost", 0);
	const json_t *agent = json_object_get(data, "agent");
	size_t i;
	json_t *p;

	if (json_object_get(data, "obstacle") && *field_text(data, "obstacle"))
		fprintf(out, WARN "this node should not own the VIP: %s\n",
			field_text(data, "obstacle"));
	if (field_true(data, "panic"))
		fprintf(out, WARN "panic hold: no node is healthy, so this node keeps the VIP\n");
	if (json_is_integer(json_object_get(data, "segment_silent_ms")))
		fprintf(out, WARN "nothing was heard since the link came: "
				  "this node waits for a peer or another host (start_delay)\n");
	warn_operator(data, out);
	warn_services(data, out);
	json_array_foreach (peers, i, p)
		warn_peer(p, out);
	render_agree_warnings(data, out);
	render_path_warnings(data, out);
	warn_put_back(data, out);
	warn_foreign(data, out);
	warn_claims(data, out);
	render_dns_warnings(json_object_get(data, "dns"), out);
	if (!strcmp(field_text(data, "xdp_mode"), "generic"))
		fprintf(out, WARN "XDP is attached in generic mode, which is slower: "
				  "the driver has no native mode\n");
	if (agent && field_int(agent, "pid", 0) <= 0)
		fprintf(out, WARN "the agent is not running: no active check is made\n");
	if (lost > 0)
		fprintf(out, WARN "%lld kernel events were lost\n", (long long)lost);
}
