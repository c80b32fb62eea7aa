/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules for services and their checks. */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "conf/conf_int.h"
#include "conf/schema.h"

static void read_vip(const struct conf_sec *s, const struct conf *c, struct conf_service *v)
{
	struct in_addr addr;

	if (!conf_read_key(s, conf_key_find("service.vip"), &addr))
		return;
	for (unsigned int i = 0; i < c->n_vips; i++) {
		if (c->vips[i].s_addr == addr.s_addr) {
			v->vip = i;
			return;
		}
	}
	conf_complain(s, "vip", "not in the list of vip = {...}");
}

/* Two services differ in VIP or port, and so do their names in messages between the nodes. */
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

void rule_service(const struct conf_sec *s, struct conf *c)
{
	struct conf_service *v = s->item;

	read_vip(s, c, v);
	refuse_twin(s, c, v);
}

/* A check goes where the clients go, unless the file says otherwise. */
static void complete_target(const struct conf *c, const struct conf_service *v,
			    struct conf_check *k)
{
	if (k->kind == CHECK_EXEC)
		return;
	if (!k->addr.s_addr)
		k->addr = c->vips[v->vip];
	if (!k->port)
		k->port = v->port;
}

/* The defaults become shorter with the interval. */
static void fit_intervals(const struct conf_sec *s, struct conf_check *k)
{
	char text[DURATION_TEXT_MAX];

	if (k->fastinter_ns > k->interval_ns) {
		if (conf_good(s, "fastinter"))
			conf_complain(s, "fastinter", "at most the interval, that is %s",
				      duration_format(k->interval_ns, text));
		k->fastinter_ns = k->interval_ns;
	}
	if (k->downinter_ns > k->interval_ns && !conf_given(s, "downinter"))
		k->downinter_ns = k->interval_ns;
}

/* The waits between the attempts double: backoff * (2^(attempts - 1) - 1) in all. */
static void check_attempts(const struct conf_sec *s, const struct conf_check *k)
{
	char waits[DURATION_TEXT_MAX], limit[DURATION_TEXT_MAX];
	const uint64_t wait_ns = k->backoff_ns * ((1u << (k->attempts - 1)) - 1);
	const char *key = "timeout";

	if (wait_ns < k->timeout_ns)
		return;
	if (conf_given(s, "backoff"))
		key = "backoff";
	else if (conf_given(s, "attempts"))
		key = "attempts";
	conf_complain(s, key,
		      "the waits between %u attempts take %s, the whole check may take %s: "
		      "lower attempts or backoff, or raise timeout",
		      k->attempts, duration_format(wait_ns, waits),
		      duration_format(k->timeout_ns, limit));
}

/* A header is a name of letters, digits and '-', a colon, and a value. */
static bool is_header(const char *text)
{
	const size_t name = strspn(text, "abcdefghijklmnopqrstuvwxyz"
					 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");

	return name && text[name] == ':' && text[name + 1];
}

/* What the request of a check has beside its path. */
static void check_request(const struct conf_sec *s, const struct conf_check *k)
{
	if (k->proxy == CONF_PROXY_V2 && k->tls)
		conf_complain(s, "proxy", "only without tls: write v1");
	if (*k->header && !is_header(k->header))
		conf_complain(s, "header", "a name, a colon and a value, as in \"X-Token: abc\"");
	if (strpbrk(k->subprotocol, " \t"))
		conf_complain(s, "subprotocol", "one name without spaces");
}

void rule_check(const struct conf_sec *s, struct conf *c)
{
	struct conf_check *k = s->item;

	complete_target(c, s->up->item, k);
	/* A space would end the path early, and the server would see another request. */
	if (k->kind != CHECK_EXEC && conf_good(s, "path") && strchr(k->path, ' '))
		conf_complain(s, "path", "no spaces: write %%20");
	check_request(s, k);
	if (k->kind == CHECK_EXEC)
		conf_check_command(s, "command", k->path, sizeof(k->path));
	fit_intervals(s, k);
	check_attempts(s, k);
}
