/* SPDX-License-Identifier: GPL-2.0-only */
/* See dns_propagation.h. */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/agent_child.h"
#include "agent/dns_propagation.h"
#include "agent/dns_resolver.h"
#include "agent/messages.h"
#include "agent/sandbox.h"
#include "base/ascii.h"
#include "base/clock.h"

#define PAUSE_MIN_NS (1 * NS_PER_S)
#define PAUSE_MAX_NS (10 * NS_PER_S)

static int tell(const struct resolver *r, enum dns_reply_kind kind, enum dns_result result,
		const char *text)
{
	struct dns_reply reply = {
		.kind = kind, .result = result, .servers = r->n, .have = resolver_have(r)};

	snprintf(reply.zone, sizeof(reply.zone), "%s", r->req->conf.zone);
	snprintf(reply.text, sizeof(reply.text), "%s", text);
	/* Names come from the network. */
	ascii_only(reply.text);
	return send(AGENT_FD, &reply, sizeof(reply), MSG_NOSIGNAL) == sizeof(reply) ? 0 : -1;
}

static void words(const struct resolver *r, uint64_t took_ns, char *dst, size_t size)
{
	int at = snprintf(dst, size, "%u of %u name servers have it after %llu s", resolver_have(r),
			  r->n, (unsigned long long)(took_ns / NS_PER_S));
	const char *before = "; not";

	for (unsigned int i = 0; i < r->n && at > 0 && (size_t)at < size; i++) {
		if (r->server[i].has)
			continue;
		at += snprintf(dst + at, size - (size_t)at, "%s %s", before, r->server[i].name);
		before = ",";
	}
}

static int end(struct resolver *r, uint64_t from_ns)
{
	bool all = resolver_have(r) == r->n;
	char text[sizeof(((struct dns_reply *)NULL)->text)];

	words(r, clock_now_ns() - from_ns, text, sizeof(text));
	return tell(r, DNS_DONE, all ? DNS_SAME : DNS_FAILED, text);
}

static int fail(struct resolver *r, const char *why)
{
	char text[sizeof(((struct dns_reply *)NULL)->text)];

	snprintf(text, sizeof(text), "the name servers of %.100s were not asked: %s",
		 r->req->conf.zone, why);
	return tell(r, DNS_DONE, DNS_FAILED, text);
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Asks in rounds, with growing pauses, until all have the address or the time is over. */
static int watch(struct resolver *r)
{
	uint64_t from_ns = clock_now_ns(), by_ns = from_ns + r->req->conf.propagation_ns;
	uint64_t pause_ns = PAUSE_MIN_NS;
	int status = resolver_find(r, by_ns);
	unsigned int told = CONF_DNS_SERVERS_MAX + 1;

	if (status != ARES_SUCCESS)
		return fail(r, ares_strerror(status));
	for (;;) {
		uint64_t now_ns;

		resolver_ask(r, by_ns);
		now_ns = clock_now_ns();
		if (resolver_have(r) == r->n || now_ns >= by_ns)
			return end(r, from_ns);
		if (resolver_have(r) != told && tell(r, DNS_SEEN, DNS_FAILED, ""))
			return -1;
		told = resolver_have(r);
		(void)poll(NULL, 0, (int)(sooner(pause_ns, by_ns - now_ns) / NS_PER_MS) + 1);
		pause_ns = sooner(2 * pause_ns, PAUSE_MAX_NS);
	}
}

int dns_propagation_job(const struct dns_request *req, const char *user)
{
	static struct resolver r;
	int status, err;

	r.req = req;
	if (agent_become(user))
		return fail(&r, "the job could not change its user");
	status = resolver_open(&r, req);
	if (status != ARES_SUCCESS)
		err = fail(&r, ares_strerror(status));
	else if (sandbox_enter())
		err = fail(&r, "the job could not confine itself");
	else
		err = watch(&r);
	resolver_close(&r);
	return err;
}
