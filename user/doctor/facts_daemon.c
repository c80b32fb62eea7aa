/* SPDX-License-Identifier: GPL-2.0-only */
/* Facts from the replies of the daemon. Pure. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/render.h"
#include "doctor/facts.h"

#define CLAIM_RECENT_MS (10 * 60 * 1000)

/* dst[size] gets a text field, "" when it is missing. */
static void take(const json_t *o, const char *key, char *dst, size_t size)
{
	const char *text = json_string_value(json_object_get(o, key));

	snprintf(dst, size, "%s", text ? text : "");
}
#define TAKE(o, key, field) take(o, key, field, sizeof(field))

void facts_init(struct facts *f)
{
	memset(f, 0, sizeof(*f));
	f->config_ok = true;
	f->put_back_ms = -1;
	f->vip_here = f->rp_filter = f->arp_ignore_all = f->tcp_loose = -1;
	f->clock_synced = f->interface_up = -1;
	f->ct_count = f->ct_max = f->arp_filter = -1;
}

/* By how much a count grew between two objects. */
static uint64_t grew(const json_t *before, const json_t *after, const char *key)
{
	json_int_t a = field_int(before, key, 0), b = field_int(after, key, 0);

	return before && after && b > a ? (uint64_t)(b - a) : 0;
}

static const json_t *in(const json_t *o, const char *key)
{
	return json_object_get(o, key);
}

static void take_differs(struct fact_peer *p, const json_t *list)
{
	const json_t *o;
	size_t i;

	json_array_foreach (list, i, o) {
		struct fact_setting *s = &p->differs[p->n_differs];

		if (p->n_differs == FACT_SETTING)
			return;
		TAKE(o, "name", s->name);
		TAKE(o, "text", s->text);
		TAKE(o, "repair", s->repair);
		p->n_differs++;
	}
}

static void take_peer_paths(struct fact_peer *p, const json_t *list)
{
	const json_t *o;
	size_t i;

	json_array_foreach (list, i, o) {
		struct fact_path *way = &p->paths[p->n_paths];

		if (p->n_paths == sizeof(p->paths) / sizeof(p->paths[0]))
			return;
		TAKE(o, "address", way->address);
		way->in_use = field_true(o, "in_use");
		way->answers = field_true(o, "answers");
		way->seen_ms = field_int(o, "seen_ms", -1);
		p->n_paths++;
	}
}

static void take_peer(struct fact_peer *p, const json_t *before, const json_t *o)
{
	const json_t *replica = in(o, "replica");

	TAKE(o, "name", p->name);
	TAKE(o, "address", p->address);
	TAKE(o, "not_steerable", p->not_steerable);
	p->pulsing = field_true(o, "pulsing");
	p->fresh = field_true(o, "daemon_fresh");
	p->owner = p->pulsing && field_int(o, "lease_left_ms", 0) > 0;
	p->rival = field_true(in(o, "rival"), "now") && field_true(in(o, "rival"), "by_adverts");
	p->secrets_differ = field_true(o, "secrets_differ");
	p->misdirected = field_true(o, "misdirected");
	p->seen_ms = field_int(o, "seen_ms", -1);
	p->adverts_ms = field_int(o, "adverts_ms", -1);
	p->replicated = json_is_object(replica);
	p->connected = field_true(replica, "connected");
	p->warm = field_true(replica, "warm");
	p->bad_tags = grew(in(in(before, "replica"), "faults"), in(replica, "faults"), "tag");
	take_differs(p, in(o, "differs"));
	take_peer_paths(p, in(o, "paths"));
}

static void take_checks(struct facts *f, const json_t *service)
{
	const json_t *list = in(service, "checks"), *o;
	size_t i;

	json_array_foreach (list, i, o) {
		struct fact_check *c = &f->checks[f->n_checks];

		if (f->n_checks == sizeof(f->checks) / sizeof(f->checks[0]))
			return;
		TAKE(service, "name", c->service);
		TAKE(o, "kind", c->kind);
		TAKE(o, "reason", c->reason);
		TAKE(o, "detail", c->detail);
		c->down = field_true(o, "known") && !field_true(o, "up");
		f->n_checks++;
	}
}

/* The first one in which clients get no answer. */
static void take_unanswered(struct facts *f, const json_t *service)
{
	int64_t since_ms = field_int(service, "unanswered_ms", 0);

	if (f->unanswered[0] || since_ms <= 0)
		return;
	TAKE(service, "name", f->unanswered);
	f->unanswered_ms = since_ms;
}

static void take_path(struct facts *f, const json_t *s)
{
	const json_t *o;
	size_t i;

	TAKE(s, "put_back_last", f->put_back);
	f->put_back_ms = field_int(s, "put_back_ms", -1);
	json_array_foreach (in(s, "missing"), i, o)
		if (f->n_missing < FACT_LIST && json_is_string(o))
			snprintf(f->missing[f->n_missing++], sizeof(f->missing[0]), "%s",
				 json_string_value(o));
	json_array_foreach (in(s, "foreign"), i, o)
		if (f->n_foreign < FACT_LIST)
			snprintf(f->foreign[f->n_foreign++], FACT_TEXT,
				 "filter %.40s of %.16s, priority %lld, program %lld %.40s",
				 field_text(o, "kind"), field_text(o, "interface"),
				 (long long)field_int(o, "priority", 0),
				 (long long)field_int(o, "program", 0), field_text(o, "name"));
	json_array_foreach (in(s, "fences"), i, o)
		if (f->n_open < FACT_LIST && json_is_false(in(o, "covered"))) {
			TAKE(o, "interface", f->open[f->n_open]);
			f->n_open++;
		}
	json_array_foreach (in(s, "claims"), i, o)
		if (field_int(o, "last_ms", CLAIM_RECENT_MS) < CLAIM_RECENT_MS) {
			TAKE(o, "mac", f->claimer);
			TAKE(o, "vip", f->claimed);
		}
}

static void take_own_paths(struct facts *f, const json_t *list)
{
	const json_t *o;
	size_t i;

	json_array_foreach (list, i, o) {
		if (f->n_own_paths == HOKM_MAX_PATHS)
			return;
		TAKE(o, "address", f->own_paths[f->n_own_paths].address);
		if (!field_true(o, "in_use"))
			TAKE(o, "why", f->own_paths[f->n_own_paths].why);
		f->n_own_paths++;
	}
}

/* The first of these warnings of `ctl status` about DNS. */
static void take_dns(char dst[FACT_TEXT], const json_t *dns,
		     void (*render)(const json_t *dns, FILE *out))
{
	static const char mark[] = "WARNING  ";
	char *text = NULL, *at;
	size_t size;
	FILE *out = json_is_object(dns) ? open_memstream(&text, &size) : NULL;

	if (!out)
		return;
	render(dns, out);
	if (!fclose(out) && text) {
		at = strstr(text, mark);
		snprintf(dst, FACT_TEXT, "%.*s", at ? (int)strcspn(at + strlen(mark), "\n") : 0,
			 at ? at + strlen(mark) : "");
	}
	free(text);
}

static void take_node(struct facts *f, const json_t *s)
{
	const json_t *vip;
	size_t i;

	TAKE(s, "node", f->node);
	TAKE(s, "state", f->state);
	TAKE(s, "reason", f->reason);
	TAKE(s, "reason_text", f->reason_text);
	TAKE(s, "interface", f->interface);
	TAKE(s, "xdp_mode", f->xdp_mode);
	json_array_foreach (in(s, "vips"), i, vip)
		if (f->n_vips < HOKM_MAX_VIPS && json_is_string(vip))
			snprintf(f->vips[f->n_vips++], sizeof(f->vips[0]), "%s",
				 json_string_value(vip));
	if (f->n_vips)
		memcpy(f->vip, f->vips[0], sizeof(f->vip));
	f->owner = field_true(s, "owner");
	f->panic = field_true(s, "panic");
	f->maint = field_true(s, "maint");
	f->drain = field_true(s, "drain");
	f->standby = field_true(s, "standby");
	f->agent = field_int(in(s, "agent"), "pid", 1) > 0;
	f->events_lost = (uint64_t)field_int(s, "events_lost", 0);
	f->log_lost = (uint64_t)field_int(s, "log_lost", 0);
}

/* The members that answer and grant nothing for as long as their settings stay. */
static void take_members(struct facts *f, const json_t *grants)
{
	const json_t *o;
	size_t i;

	json_array_foreach (in(grants, "others"), i, o)
		if (field_true(o, "unwilling"))
			TAKE(o, "name", f->no_part);
}

static void take_grew(struct facts *f, const struct facts_said *before,
		      const struct facts_said *after)
{
	const json_t *a = in(before->counters, "node"), *b = in(after->counters, "node");
	const json_t *was = in(in(before->status, "vrrp"), "discarded");
	const json_t *is = in(in(after->status, "vrrp"), "discarded");
	struct fact_grew *g = &f->grew;

	for (unsigned int i = VRRP_BAD_NONE + 1; i < VRRP_DISCARD_COUNT; i++)
		g->vrrp[i] = grew(was, is, vrrp_discard_name(i));
	g->vrrp_seen = grew(a, b, "vrrp_seen");
	g->vrrp_received = grew(in(before->status, "vrrp"), in(after->status, "vrrp"), "received");
	g->vrrp_source = grew(a, b, "drop_vrrp_source");
	g->vrrp_ttl = grew(a, b, "drop_vrrp_ttl") + g->vrrp[VRRP_BAD_TTL];
	g->vrrp_mac = grew(a, b, "drop_vrrp_mac");
	g->pulse_tag = grew(a, b, "drop_pulse_tag");
	g->pulse_version = grew(a, b, "drop_pulse_version");
	g->pulse_mac = grew(a, b, "drop_pulse_mac");
	g->pulse_late = grew(a, b, "drop_pulse_late");
	g->replication_seen = grew(a, b, "replication_seen");
	g->syn_fenced = grew(a, b, "drop_syn_fenced");
	g->conns_full = grew(a, b, "conns_full");
	g->events_lost = grew(before->status, after->status, "events_lost");
	g->log_lost = grew(before->status, after->status, "log_lost");
}

void facts_from_daemon(struct facts *f, const struct facts_said *before,
		       const struct facts_said *after)
{
	const json_t *peers = in(after->status, "peers"), *o;
	size_t i;

	take_node(f, after->status);
	take_path(f, after->status);
	take_own_paths(f, in(after->status, "paths"));
	take_dns(f->dns, in(after->status, "dns"), render_dns_troubles);
	take_dns(f->dns_ttl, in(after->status, "dns"), render_dns_ttl);
	take_members(f, in(after->status, "grants"));
	json_array_foreach (peers, i, o)
		if (f->n_peers < HOKM_MAX_PEERS)
			take_peer(&f->peers[f->n_peers++],
				  json_array_get(in(before->status, "peers"), i), o);
	json_array_foreach (in(after->status, "services"), i, o) {
		take_checks(f, o);
		take_unanswered(f, o);
	}
	take_grew(f, before, after);
}
