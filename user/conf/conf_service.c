/* SPDX-License-Identifier: GPL-2.0-only */
/* The sections service and their checks. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "conf/conf_int.h"
#include "base/units.h"

#define MINUTE (60 * NS_PER_S)

/* Which kinds of check know a key that not all of them know. */
static const struct {
	const char *key;
	unsigned int kinds; /* bits by enum conf_check_kind */
	const char *for_whom;
} some_keys[] = {
	{"path", 1u << CHECK_WEBSOCKET | 1u << CHECK_HTTP, "websocket and http"},
	{"tls", 1u << CHECK_WEBSOCKET | 1u << CHECK_HTTP, "websocket and http"},
	{"status", 1u << CHECK_HTTP, "http"},
	{"body", 1u << CHECK_HTTP, "http"},
	{"command", 1u << CHECK_EXEC, "exec"},
	{"address", ~(1u << CHECK_EXEC), "websocket, http and tcp"},
	{"port", ~(1u << CHECK_EXEC), "websocket, http and tcp"},
};

static void refuse_foreign_keys(const struct conf_sec *s, enum conf_check_kind kind)
{
	for (size_t i = 0; i < sizeof(some_keys) / sizeof(some_keys[0]); i++)
		if (!(some_keys[i].kinds & 1u << kind) && conf_given(s, some_keys[i].key))
			conf_complain(s, some_keys[i].key, "only for checks of kind %s",
				      some_keys[i].for_whom);
}

static void read_request(const struct conf_sec *s, struct conf_check *k)
{
	if (k->kind == CHECK_EXEC) {
		if (s->errors->whole && !conf_given(s, "command"))
			conf_complain(s, "command",
				      "missing: the absolute path of what the check runs");
		conf_read_path(s, "command", k->path, sizeof(k->path));
		return;
	}
	conf_read_ipv4(s, "address", &k->addr);
	conf_read_port(s, "port", &k->port);
	if (k->kind == CHECK_TCP)
		return;
	/* A space would end the request's path early and make the server see another request. */
	if (conf_read_path(s, "path", k->path, sizeof(k->path)) && strchr(k->path, ' '))
		conf_complain(s, "path", "no spaces: write %%20");
	conf_read_bool(s, "tls", &k->tls);
	if (k->kind == CHECK_HTTP) {
		conf_read_number(s, "status", 100, 599, &k->status);
		conf_read_text(s, "body", k->body, sizeof(k->body));
	}
}

/* A time that is not given follows a shorter interval; one that is given must not be longer. */
static void read_fastinter(const struct conf_sec *s, struct conf_check *k)
{
	char text[DURATION_TEXT_MAX];

	if (!conf_read_duration(s, "fastinter", 10 * NS_PER_MS, 60 * MINUTE, &k->fastinter_ns)) {
		if (k->fastinter_ns > k->interval_ns)
			k->fastinter_ns = k->interval_ns;
	} else if (k->fastinter_ns > k->interval_ns) {
		conf_complain(s, "fastinter", "at most the interval, that is %s",
			      duration_format(k->interval_ns, text));
	}
	if (!conf_read_duration(s, "downinter", 10 * NS_PER_MS, 60 * MINUTE, &k->downinter_ns) &&
	    k->downinter_ns > k->interval_ns)
		k->downinter_ns = k->interval_ns;
}

/* The waits between the attempts double: backoff * (2^(attempts - 1) - 1) in all. */
static void read_attempts(const struct conf_sec *s, struct conf_check *k)
{
	char waits[DURATION_TEXT_MAX], limit[DURATION_TEXT_MAX];
	const char *key = "timeout";
	uint64_t wait_ns;

	conf_read_duration(s, "timeout", 10 * NS_PER_MS, 10 * MINUTE, &k->timeout_ns);
	conf_read_number(s, "attempts", 1, 10, &k->attempts);
	conf_read_duration(s, "backoff", 0, MINUTE, &k->backoff_ns);
	wait_ns = k->backoff_ns * ((1u << (k->attempts - 1)) - 1);
	if (wait_ns < k->timeout_ns)
		return;
	if (conf_given(s, "backoff"))
		key = "backoff";
	else if (conf_given(s, "attempts"))
		key = "attempts";
	conf_complain(s, key,
		      "the waits between %u attempts take %s, the whole check may take %s: lower "
		      "attempts or backoff, or raise timeout",
		      k->attempts, duration_format(wait_ns, waits),
		      duration_format(k->timeout_ns, limit));
}

static void read_check(const struct conf_sec *s, struct conf_check *k)
{
	read_request(s, k);
	refuse_foreign_keys(s, k->kind);
	conf_read_duration(s, "interval", 10 * NS_PER_MS, 60 * MINUTE, &k->interval_ns);
	read_fastinter(s, k);
	read_attempts(s, k);
	conf_read_number(s, "rise", 1, 100, &k->rise);
	conf_read_number(s, "fall", 1, 100, &k->fall);
}

/* Checks go where players go unless told otherwise. */
static void fill_where(const struct conf *c, struct conf_service *v)
{
	for (unsigned int i = 0; i < v->n_checks; i++) {
		struct conf_check *k = &v->checks[i];

		if (k->kind == CHECK_EXEC)
			continue;
		if (!k->addr.s_addr)
			k->addr = c->vips[v->vip];
		if (!k->port)
			k->port = v->port;
	}
}

static void default_checks(const struct conf *c, struct conf_service *v)
{
	conf_default_check(&v->checks[0], CHECK_WEBSOCKET, c->profile);
	conf_default_check(&v->checks[1], CHECK_HTTP, c->profile);
	v->n_checks = 2;
}

static void read_checks(const struct conf_sec *s, const struct conf *c, struct conf_service *v)
{
	struct conf_sec sub;
	unsigned int kind;

	for (unsigned int i = 0; conf_nth_section(s, "check", i, &sub); i++) {
		const char *title = cfg_title(sub.cfg);

		for (kind = 0; conf_check_words[kind]; kind++)
			if (!strcmp(conf_check_words[kind], title))
				break;
		if (!conf_check_words[kind]) {
			conf_error_at(s->errors, sub.cfg->line,
				      "%scheck \"%.*s\": one of: websocket, http, tcp, exec",
				      s->name, CONF_NAME_MAX, title);
			continue;
		}
		/* Titles differ and there are as many kinds as places: it always fits. */
		conf_default_check(&v->checks[v->n_checks], (enum conf_check_kind)kind, c->profile);
		read_check(&sub, &v->checks[v->n_checks++]);
	}
	if (!v->n_checks)
		default_checks(c, v);
}
_Static_assert(CHECK_EXEC + 1 == CONF_CHECKS_MAX, "one check of each kind fits");

static void read_vip(const struct conf_sec *s, const struct conf *c, struct conf_service *v)
{
	struct in_addr addr;

	if (!conf_read_ipv4(s, "vip", &addr))
		return;
	for (unsigned int i = 0; i < c->n_vips; i++) {
		if (c->vips[i].s_addr == addr.s_addr) {
			v->vip = i;
			return;
		}
	}
	conf_complain(s, "vip", "not in the list of vip = {...}");
}

/* Two services may neither have the same VIP and port nor the same name to other nodes. */
static void refuse_twin(const struct conf_sec *s, const struct conf *c,
			const struct conf_service *v)
{
	const uint32_t tag = hokm_service_tag(c->vips[v->vip], v->port);

	for (unsigned int i = 0; i < c->n_services; i++) {
		const struct conf_service *o = &c->services[i];

		if (tag == hokm_service_tag(c->vips[o->vip], o->port))
			conf_complain(s, "port", "service %s has this VIP and port already",
				      o->name);
	}
}

static void read_service(const struct conf_sec *s, struct conf *c)
{
	struct conf_service *v = &c->services[c->n_services];
	const char *title = cfg_title(s->cfg);
	unsigned int word;

	if (!name_valid(title) || strlen(title) >= sizeof(v->name)) {
		conf_error_at(s->errors, s->cfg->line,
			      "service \"%.*s\": a name of 1 to %d letters, digits, '-' and '_'",
			      CONF_NAME_MAX, title, CONF_NAME_MAX - 1);
		return;
	}
	snprintf(v->name, sizeof(v->name), "%s", title);
	v->port = 8765;
	read_vip(s, c, v);
	conf_read_port(s, "port", &v->port);
	if (conf_read_word(s, "on_marked_down", conf_marked_down_words, &word))
		v->on_marked_down = (enum conf_marked_down)word;
	read_checks(s, c, v);
	refuse_twin(s, c, v);
	fill_where(c, v);
	c->n_services++;
}

void conf_read_services(const struct conf_sec *root, struct conf *c)
{
	struct conf_service *v = &c->services[0];
	struct conf_sec s;
	unsigned int i;

	for (i = 0; conf_nth_section(root, "service", i, &s); i++) {
		if (c->n_services == HOKM_MAX_SERVICES) {
			conf_error_at(root->errors, s.cfg->line, "service: at most %d of them",
				      HOKM_MAX_SERVICES);
			return;
		}
		read_service(&s, c);
	}
	if (i)
		return;
	snprintf(v->name, sizeof(v->name), "game");
	v->port = 8765;
	default_checks(c, v);
	fill_where(c, v);
	c->n_services = 1;
}
