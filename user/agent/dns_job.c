/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A DNS job: the process that does one task at a DNS provider. In this order it
 *
 *   takes its request; reads secrets and certificates; becomes the user of the agent without
 *   capabilities; resolves the provider's name; confines itself like the agent (agent/sandbox.h);
 *   talks to the provider; replies; exits
 *
 * It is killed when its parent dies or kills it, and leaves the record then as it was or as it
 * should be: every change is one request, which the provider carries out whole or not at all.
 *
 * Success is what the provider's API reports when the record is read again. When the answer to a
 * change was lost, the record is read too: it may have been carried out.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/agent_child.h"
#include "agent/dns_job.h"
#include "agent/dns_prepare.h"
#include "agent/dns_propagation.h"
#include "agent/dns_provider.h"
#include "agent/mask.h"
#include "agent/messages.h"
#include "agent/sandbox.h"
#include "base/ascii.h"
#include "base/log.h"

#define REQUEST_MS 5000
#define GO_MS      5000
#define PAUSE_MS   200 /* the first pause; it doubles up to the longest */
#define SLOW_MS    2000
#define READ_AGAIN 3 /* times, when a record that was changed is still another */

static const struct dns_provider *const providers[CONF_DNS_PROVIDERS] = {
	[CONF_DNS_CLOUDFLARE] = &dns_cloudflare,           [CONF_DNS_ROUTE53] = &dns_route53,
	[CONF_DNS_DIGITALOCEAN] = &dns_digitalocean,       [CONF_DNS_RFC2136] = &dns_rfc2136,
	[CONF_DNS_DIGITALOCEAN_IP] = &dns_digitalocean_ip, [CONF_DNS_AWS_EIP] = &dns_aws_eip,
	[CONF_DNS_AWS_PRIVATE] = &dns_aws_private,
};

const struct dns_provider *dns_provider_of(enum conf_dns_provider p)
{
	return (unsigned int)p < CONF_DNS_PROVIDERS ? providers[p] : NULL;
}

/* ---- for the providers ---- */

/* A provider may repeat in its words what it was sent. */
void dns_mask(const struct dns_job *j, char *text)
{
	for (unsigned int i = 0; i < DNS_SECRETS_MAX; i++)
		mask_secret(text, j->secret[i]);
}

int dns_fail(struct dns_job *j, enum dns_result r, const char *fmt, ...)
{
	char text[4096];
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		text[0] = '\0';
	va_end(ap);
	j->result = r;
	dns_mask(j, text);
	snprintf(j->text, sizeof(j->text), "%.*s", (int)sizeof(j->text) - 1, text);
	ascii_only(j->text);
	return -1;
}

bool dns_same_name(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);

	la -= la && a[la - 1] == '.';
	lb -= lb && b[lb - 1] == '.';
	return la == lb && !strncasecmp(a, b, la);
}

const char *dns_escape(const char *name, char *dst, size_t size)
{
	size_t at = 0;

	for (; *name && at + 4 < size; name++) {
		if (*name == '*')
			at += (size_t)snprintf(dst + at, size - at, "%%2A");
		else
			dst[at++] = *name;
	}
	dst[at] = '\0';
	return dst;
}

void dns_pause(int *pause_ms)
{
	*pause_ms = !*pause_ms ? PAUSE_MS : *pause_ms * 2 < SLOW_MS ? *pause_ms * 2 : SLOW_MS;
	(void)poll(NULL, 0, *pause_ms);
}

/* The value in the form that it is compared in. */
static bool take_value(const struct dns_job *j, const char *text, char value[DNS_ADDRESS_MAX])
{
	int family = j->req->type == CONF_DNS_AAAA ? AF_INET6 : AF_INET;
	unsigned char raw[16];

	if (j->provider->floating)
		return snprintf(value, DNS_ADDRESS_MAX, "%s", text) < DNS_ADDRESS_MAX && *text;
	return inet_pton(family, text, raw) == 1 && inet_ntop(family, raw, value, DNS_ADDRESS_MAX);
}

int dns_add_value(struct dns_job *j, const char *address, const char *id)
{
	struct dns_set *p = &j->present;

	if (p->n == DNS_VALUES_MAX)
		return dns_fail(j, DNS_REFUSED, "the record has more than %d values",
				DNS_VALUES_MAX);
	if (!take_value(j, address, p->value[p->n]))
		return dns_fail(j, DNS_FAILED, "%s reported a value that is no %s: %s",
				j->provider->name, j->provider->floating ? "id" : "address",
				address);
	if (strlen(id) >= DNS_ID_MAX)
		return dns_fail(j, DNS_FAILED, "%s reported an id that is too long",
				j->provider->name);
	snprintf(j->id[p->n], DNS_ID_MAX, "%s", id);
	p->n++;
	return 0;
}

int dns_try_zones(struct dns_job *j, int (*try_zone)(struct dns_job *j, const char *zone))
{
	const char *zone = j->req->conf.zone[0] ? j->req->conf.zone : j->req->conf.record;

	while (zone && strchr(zone, '.')) {
		int found = try_zone(j, zone);

		if (found)
			return found;
		if (j->req->conf.zone[0])
			break;
		zone = strchr(zone, '.') + 1;
	}
	dns_fail(j, DNS_REFUSED, "%s has no zone for %s that these credentials may see",
		 j->provider->name, j->req->conf.zone[0] ? j->req->conf.zone : j->req->conf.record);
	return 0;
}

/* ---- the task ---- */

/* The same of a floating address, whose value is the machine that has it. */
static void floating_words(const struct dns_job *j, const struct dns_plan *plan, char *dst,
			   size_t size)
{
	const char *has = j->present.n ? j->present.value[0] : "no machine";

	if (plan->verdict == DNS_NO_CHANGE)
		snprintf(dst, size, "%s has the address already", j->req->want);
	else if (plan->verdict == DNS_LEFT)
		snprintf(dst, size, "%s has the address, and is healthy: it is left alone", has);
	else if (plan->verdict == DNS_CHANGE)
		snprintf(dst, size, "the address moves from %s to %s", has, j->req->want);
	else if (plan->why == DNS_WHY_MISSING)
		snprintf(dst, size,
			 "no machine has the address, so it is not taken; "
			 "--force takes it, or dns.take_unassigned = yes");
	else
		snprintf(dst, size,
			 "%s has the address, which is no node of this group; --force takes it",
			 has);
}

/* What is planned, or why it is refused. */
static void plan_words(const struct dns_job *j, const struct dns_plan *plan, char *dst, size_t size)
{
	const struct dns_set *p = &j->present;

	if (j->provider->floating)
		floating_words(j, plan, dst, size);
	else if (plan->verdict == DNS_NO_CHANGE)
		snprintf(dst, size, "the record has %s already", j->req->want);
	else if (plan->verdict == DNS_LEFT)
		snprintf(dst, size, "the record has %s, whose node is healthy: it is left alone",
			 p->value[plan->at]);
	else if (plan->verdict == DNS_CHANGE)
		snprintf(dst, size, "%s is replaced by %s", p->value[plan->at], j->req->want);
	else if (plan->why == DNS_WHY_MISSING)
		snprintf(dst, size,
			 "the record does not exist: "
			 "create it at the provider with the address of a node");
	else if (plan->why == DNS_WHY_SEVERAL)
		snprintf(dst, size,
			 "the record has %u values, and one would have to be deleted: "
			 "leave one, or set dns.set = member",
			 p->n);
	else if (plan->why == DNS_WHY_AMBIGUOUS)
		snprintf(dst, size,
			 "several of the %u values are addresses of this group: leave one", p->n);
	else if (plan->why == DNS_WHY_NONE_OURS)
		snprintf(dst, size, "none of the %u values is an address of this group", p->n);
	else
		snprintf(dst, size,
			 "the record has %s, which is no address of this group, "
			 "so the node has not written it; --force replaces it",
			 p->value[0]);
}

static int reply(struct dns_job *j, enum dns_reply_kind kind, enum dns_result result,
		 const struct dns_plan *plan, const char *text)
{
	struct dns_reply r = {
		.kind = kind,
		.result = result,
		.retry_ns = kind == DNS_DONE ? j->retry_ns : 0,
		.ttl_s = j->ttl_s,
		/* No name server has a floating address. */
		.hidden = j->hidden || j->provider->floating,
		.planned = plan && plan->verdict == DNS_CHANGE,
		.present = j->present,
		.hosts = j->hosts,
		.hosts_ttl_s = j->hosts_ttl_s};

	if (plan)
		r.after = plan->after;
	snprintf(r.zone, sizeof(r.zone), "%s", j->zone);
	snprintf(r.text, sizeof(r.text), "%s", text);
	return send(AGENT_FD, &r, sizeof(r), MSG_NOSIGNAL) == sizeof(r) ? 0 : -1;
}

static int end_failed(struct dns_job *j, const struct dns_plan *plan)
{
	return reply(j, DNS_DONE, j->result, plan, j->text);
}

/* Waits for the parent's answer: it has to be still owner. */
static bool may_go(struct dns_job *j)
{
	struct pollfd p = {.fd = AGENT_FD, .events = POLLIN};
	struct dns_go go = {0};

	if (poll(&p, 1, GO_MS) != 1 || recv(AGENT_FD, &go, sizeof(go), 0) != sizeof(go) ||
	    !go.yes) {
		dns_fail(j, DNS_REFUSED,
			 "the change was not allowed: this node is not to write it now");
		return false;
	}
	return true;
}

static int find(struct dns_job *j)
{
	memset(&j->present, 0, sizeof(j->present));
	return j->provider->find(j);
}

/* The value of another node that the record has, or NULL. */
static const char *of_another(const struct dns_job *j)
{
	for (unsigned int i = 0; i < j->present.n; i++)
		if (dns_set_find(&j->req->group, j->present.value[i]) < j->req->group.n &&
		    strcmp(j->present.value[i], j->req->want) != 0)
			return j->present.value[i];
	return NULL;
}

/* A provider may need a moment to report a change that it has accepted. */
static int find_changed(struct dns_job *j, const struct dns_plan *plan, bool sent)
{
	int pause_ms = 0, err = find(j);

	for (int i = 0; sent && !err && i < READ_AGAIN; i++) {
		if (dns_set_equal(&j->present, &plan->after))
			break;
		dns_pause(&pause_ms);
		err = find(j);
	}
	return err;
}

/* Reads the record after a change. `sent`: the provider has accepted it. */
static int read_back(struct dns_job *j, const struct dns_plan *plan, bool sent)
{
	enum dns_result result = j->result;
	uint64_t retry_ns = j->retry_ns;
	char text[sizeof(j->text)];

	memcpy(text, j->text, sizeof(text));
	if (find_changed(j, plan, sent)) {
		memcpy(text, j->text, sizeof(text));
		dns_fail(j, DNS_FAILED, "%s, but the record could not be read again: %s",
			 sent ? "the change was accepted" : "the change may have been made", text);
		return end_failed(j, plan);
	}
	if (dns_set_equal(&j->present, &plan->after))
		return reply(j, DNS_DONE, DNS_CHANGED, plan,
			     sent ? j->plan : "the answer to the change was lost, but it was made");
	if (sent && of_another(j)) {
		dns_fail(j, DNS_OTHER,
			 "the change was accepted, but the record has %s, another node's value: "
			 "that node writes it too",
			 of_another(j));
	} else if (sent) {
		dns_fail(j, DNS_FAILED, "the change was accepted, but the record is still another");
	} else {
		j->result = result;
		j->retry_ns = retry_ns;
		memcpy(j->text, text, sizeof(text));
	}
	return end_failed(j, plan);
}

static int write_record(struct dns_job *j, const struct dns_plan *plan)
{
	if (reply(j, DNS_ASK, DNS_CHANGED, plan, j->plan) || !may_go(j))
		return end_failed(j, plan);
	if (j->provider->change(j, plan))
		return read_back(j, plan, false);
	if (reply(j, DNS_ACCEPTED, DNS_CHANGED, plan, j->plan))
		return -1;
	if (j->provider->await && j->provider->await(j))
		return end_failed(j, plan);
	return read_back(j, plan, true);
}

/* The record does not have the wanted address: whose has it? */
static int end_look(struct dns_job *j, const struct dns_plan *plan)
{
	const char *other = of_another(j);

	if (other && j->provider->floating)
		dns_fail(j, DNS_OTHER, "%s has the address, another node", other);
	else if (other)
		dns_fail(j, DNS_OTHER, "the record has %s, another node's address", other);
	else
		dns_fail(j, DNS_REFUSED, "%s", j->plan);
	return end_failed(j, plan);
}

static int end_by_plan(struct dns_job *j, const struct dns_plan *plan)
{
	if (plan->verdict == DNS_NO_CHANGE || plan->verdict == DNS_LEFT)
		return reply(j, DNS_DONE, DNS_SAME, plan, j->plan);
	if (j->req->op == DNS_OP_LOOK)
		return end_look(j, plan);
	if (plan->verdict == DNS_REFUSE) {
		dns_fail(j, DNS_REFUSED, "%s", j->plan);
		return end_failed(j, plan);
	}
	if (j->req->op == DNS_OP_WRITE)
		return write_record(j, plan);
	return reply(j, DNS_DONE, DNS_SAME, plan, j->plan);
}

static int do_task(struct dns_job *j)
{
	const struct dns_plan_input in = {
		.want = j->req->want,
		.present = &j->present,
		.group = &j->req->group,
		.keep = &j->req->keep,
		.mode = j->provider->floating ? DNS_FLOATING : j->req->conf.set,
		.take_unassigned = j->req->conf.take_unassigned,
		.force = j->req->force};
	struct dns_plan plan;
	int err = j->provider->login(j);

	if (!err && j->req->op == DNS_OP_TEST && j->provider->verify)
		err = j->provider->verify(j);
	if (!err && j->provider->find_zone)
		err = j->provider->find_zone(j);
	if (!err)
		err = find(j);
	if (err)
		return end_failed(j, NULL);
	dns_plan(&in, &plan);
	plan_words(j, &plan, j->plan, sizeof(j->plan));
	return end_by_plan(j, &plan);
}

/* ---- the process ---- */

static int take_request(struct dns_request *req)
{
	struct pollfd p = {.fd = AGENT_FD, .events = POLLIN};

	if (poll(&p, 1, REQUEST_MS) != 1 ||
	    recv(AGENT_FD, req, sizeof(*req), MSG_TRUNC) != sizeof(*req))
		return -EPIPE;
	if (req->op >= DNS_OPS || req->keep.n > DNS_VALUES_MAX || req->known.n > DNS_VALUES_MAX ||
	    req->type >= CONF_DNS_TYPES || !dns_provider_of(req->conf.provider))
		return -EINVAL;
	return 0;
}

/* Each step that fails has said why. */
static int prepare(struct dns_job *j, const char *user)
{
	bool http = !j->provider->own_protocol;
	int err = dns_read_secrets(j);

	if (!err && http)
		err = dns_read_ca(j);
	if (!err && agent_become(user))
		err = dns_fail(j, DNS_FAILED, "the job could not change to user %s", user);
	if (!err)
		err = dns_resolve(j);
	if (!err && sandbox_warm_up())
		err = dns_fail(j, DNS_FAILED, "libcurl could not be initialized");
	if (!err && http)
		err = dns_http_open(j);
	if (!err && sandbox_enter())
		err = dns_fail(j, DNS_FAILED, "the job could not confine itself");
	return err;
}

int dns_job_main(int argc, char **argv)
{
	static struct dns_request req;
	static struct dns_job j;
	int err;

	agent_started(argc, argv);
	if (take_request(&req)) {
		log_error("the DNS job got no request that it understands");
		_exit(2);
	}
	if (req.op == DNS_OP_WATCH)
		_exit(dns_propagation_job(&req, argv[1]) ? 1 : 0);
	j.req = &req;
	j.provider = dns_provider_of(req.conf.provider);
	err = prepare(&j, argv[1]) ? end_failed(&j, NULL) : do_task(&j);
	if (j.provider->logout)
		j.provider->logout(&j);
	dns_http_close(&j);
	_exit(err ? 1 : 0);
}
