/* SPDX-License-Identifier: GPL-2.0-only */
/* See dns_status.h. */
#include "base/clock.h"
#include "base/log.h"
#include "daemon/dns.h"
#include "daemon/node.h"
#include "serve/dns_status.h"
#include "serve/status_json.h"

static json_t *ms(uint64_t from_ns, uint64_t to_ns)
{
	return json_integer((json_int_t)(to_ns > from_ns ? (to_ns - from_ns) / NS_PER_MS : 0));
}

static json_t *values_json(const struct dns_set *set)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < set->n; i++)
		if (json_array_append_new(list, json_string(set->value[i])))
			log_debug("status: no memory for an address");
	return list;
}

/* The name servers after the last change. */
static json_t *watch_json(const struct dns_watch *w)
{
	json_t *o = json_object();

	status_put(o, "have", json_integer(w->last.have));
	status_put(o, "of", json_integer(w->last.servers));
	status_put(o, "ended", json_boolean(w->ended));
	status_put(o, "text", json_string(w->last.text));
	return o;
}

static json_t *line_json(const struct dns *d, unsigned int t, uint64_t now_ns)
{
	const struct conf *c = d->node->conf;
	const struct dns_line *l = &d->line[t];
	const struct dns_when *w = &l->when;
	json_t *o = json_object();

	status_put(o, "type", json_string(conf_dns_type_name((enum conf_dns_type)t)));
	status_put(o, "state",
		   json_string(d->monitor && w->state == DNS_AWAY ? "blind"
								  : dns_state_name(w->state)));
	status_put(o, "address",
		   json_string(l->whose < c->n_nodes
				       ? conf_dns_value(c, l->whose, (enum conf_dns_type)t)
				       : ""));
	status_put(o, "held", json_string(d->book.held[t]));
	status_put(o, "held_by_no_node",
		   json_boolean(d->book.held[t][0] &&
				!conf_dns_knows(c, (enum conf_dns_type)t, d->book.held[t])));
	status_put(o, "breaker", json_string(dns_breaker_name(w->breaker)));
	status_put(o, "failures", json_integer(w->failures));
	status_put(o, "running", json_boolean(w->running != DNS_ACT_NONE));
	status_put(o, "next_ms",
		   w->at_ns == UINT64_MAX ? json_null() : ms(now_ns, dns_when_due_ns(w)));
	status_put(o, "changed_s", json_integer((json_int_t)d->book.changed_s[t]));
	if (!l->known)
		return o;
	status_put(o, "result", json_string(dns_result_name((enum dns_result)l->last.result)));
	status_put(o, "text", json_string(l->last.text));
	status_put(o, "asked_ms", ms(l->last_ns, now_ns));
	status_put(o, "record", values_json(&l->last.present));
	status_put(o, "zone", json_string(l->last.zone));
	status_put(o, "ttl", json_integer(l->last.ttl_s));
	status_put(o, "ttl_long", json_boolean(l->last.ttl_s * NS_PER_S > c->dns.ttl_ns));
	if (l->watch.known)
		status_put(o, "name_servers", watch_json(&l->watch));
	return o;
}

static json_t *history_json(const struct dns_book *b)
{
	json_t *book = dns_book_json(b);
	json_t *list = json_incref(json_object_get(book, "history"));

	json_decref(book);
	return list;
}

json_t *dns_status_json(const struct dns *d, bool history)
{
	uint64_t now_ns = clock_now_ns();
	json_t *o, *lines;

	if (!d->on)
		return json_null();
	o = json_object();
	lines = json_array();
	status_put(o, "provider", json_string(conf_dns_provider_name(d->node->conf->dns.provider)));
	status_put(o, "name", json_string(d->node->conf->dns.record));
	status_put(o, "stopped", json_boolean(d->book.stopped));
	status_put(o, "saved", json_boolean(!dns_file_failed(d->file)));
	for (unsigned int t = 0; t < CONF_DNS_TYPES; t++)
		if (d->line[t].used && json_array_append_new(lines, line_json(d, t, now_ns)))
			log_debug("status: no memory for a record");
	status_put(o, "records", lines);
	if (history)
		status_put(o, "history", history_json(&d->book));
	return o;
}
