/* SPDX-License-Identifier: GPL-2.0-only */
/* See monitor_watch.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/monitor_watch.h"
#include "decide/notify.h"

_Static_assert(2 * NOTIFY_PART_MAX + 2 <= CONF_NAME_MAX, "NODE/SERVICE is a name");

bool monitor_watch_prepare(struct conf *c)
{
	unsigned int left = 0;

	for (unsigned int s = 0; s < c->n_services; s++) {
		struct conf_service *svc = &c->services[s];
		unsigned int n = 0;

		for (unsigned int i = 0; i < svc->n_checks; i++)
			if (svc->checks[i].kind != CHECK_EXEC)
				svc->checks[n++] = svc->checks[i];
			else
				log_warn("service %s: its check exec is left out: "
					 "it tests the machine that it runs on",
					 svc->name);
		svc->n_checks = n;
		left += n;
	}
	if (!left)
		log_error("the monitor has nothing to check: "
			  "add a check of kind websocket, http or tcp to a service");
	return left > 0;
}

static uint64_t greatest(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

uint64_t monitor_watch_settle_ns(const struct conf *c)
{
	uint64_t settle_ns = 0;

	for (unsigned int s = 0; s < c->n_services; s++)
		for (unsigned int i = 0; i < c->services[s].n_checks; i++) {
			const struct conf_check *k = &c->services[s].checks[i];
			uint64_t between_ns = greatest(k->downinter_ns, k->fastinter_ns);

			/* The check that runs may fail late; then come those that count. */
			settle_ns = greatest(settle_ns,
					     (k->rise + 1) * (between_ns + k->timeout_ns));
		}
	return settle_ns;
}

static int set_address(struct monitor_watch *w, const struct conf *c, unsigned int node)
{
	const struct conf_node *k = &c->nodes[node];

	w->addr = k->addr;
	/* The rules of the configuration have checked its form. */
	if (c->dns.watch == CONF_DNS_PUBLIC &&
	    inet_pton(AF_INET, k->dns_address[CONF_DNS_A], &w->addr) != 1)
		return -EINVAL;
	return 0;
}

static void fill_services(struct monitor_watch *w, const struct conf *c)
{
	w->services.n = c->n_services;
	for (unsigned int s = 0; s < c->n_services; s++) {
		struct service *svc = &w->services.list[s];

		w->conf[s] = c->services[s];
		/* Logs name the node too; the names are cut when they are very long. */
		snprintf(w->conf[s].name, sizeof(w->conf[s].name), "%.*s/%.*s", NOTIFY_PART_MAX,
			 w->name, NOTIFY_PART_MAX, c->services[s].name);
		for (unsigned int i = 0; i < w->conf[s].n_checks; i++)
			w->conf[s].checks[i].addr = w->addr;
		svc->conf = &w->conf[s];
		svc->vip = c->vips[w->conf[s].vip];
		svc->slot = (uint8_t)s;
		svc->health = HOKM_SVC_INIT;
	}
}

int monitor_watch_open(struct monitor_watch *w, sd_event *event, const struct conf *c,
		       unsigned int node, struct events *events)
{
	uint64_t now_ns = clock_now_ns();
	int err = set_address(w, c, node);

	if (err)
		return err;
	w->name = c->nodes[node].name;
	w->priority = c->nodes[node].priority;
	w->events = events;
	w->since_ns = now_ns;
	fill_services(w, c);
	services_init_checks(&w->services, &c->observe, now_ns);
	err = check_runner_open(&w->checks, event, c, &w->services, &w->inbox);
	return err ? err : check_runner_start(&w->checks, event);
}

void monitor_watch_close(struct monitor_watch *w)
{
	check_runner_close(&w->checks);
}

static void report(struct monitor_watch *w, unsigned int s)
{
	const struct service *svc = &w->services.list[s];
	const char *from = hokm_svc_state_name(w->shown[s]), *to = hokm_svc_state_name(svc->health);
	const char *why = hokm_reason_text(svc->reason);

	w->shown[s] = svc->health;
	log_info("%s %s -> %s: %s", svc->conf->name, from, to, why);
	events_add(w->events, "service", svc->reason, "%s %s -> %s: %s", svc->conf->name, from, to,
		   why);
}

/* A service without a check counts as UP: there is at least one with a check. */
static enum dns_sight sum_up(const struct monitor_watch *w)
{
	enum dns_sight sight = DNS_SIGHT_UP;

	for (unsigned int s = 0; s < w->services.n; s++) {
		if (w->services.list[s].health == HOKM_SVC_DOWN)
			return DNS_SIGHT_DOWN;
		if (w->services.list[s].health == HOKM_SVC_INIT)
			sight = DNS_SIGHT_UNKNOWN;
	}
	return sight;
}

void monitor_watch_turn(struct monitor_watch *w, uint64_t now_ns)
{
	enum dns_sight sight;

	if (!inbox_take(&w->inbox, INBOX_CHECKS))
		return;
	check_runner_take(&w->checks, now_ns);
	check_runner_run(&w->checks, now_ns);
	check_runner_arm(&w->checks);
	inbox_done(&w->inbox);
	for (unsigned int s = 0; s < w->services.n; s++)
		if (w->services.list[s].health != w->shown[s])
			report(w, s);
	sight = sum_up(w);
	if (sight == w->sight)
		return;
	w->sight = sight;
	w->since_ns = now_ns;
}

void monitor_watch_hurry(struct monitor_watch *w, uint64_t now_ns)
{
	for (unsigned int s = 0; s < w->services.n; s++)
		service_hurry(&w->services.list[s], now_ns);
	inbox_note(&w->inbox, INBOX_CHECKS);
}

/* When the oldest of the last checks began, 0 when one of them failed. */
static uint64_t proof_ns(const struct monitor_watch *w)
{
	uint64_t proof = UINT64_MAX;

	for (unsigned int s = 0; s < w->services.n; s++)
		for (unsigned int i = 0; i < w->services.list[s].conf->n_checks; i++) {
			const struct health *h = &w->services.list[s].checks[i].health;

			if (!h->known || h->reason != HOKM_R_CHECK_OK)
				return 0;
			if (h->last_ns - h->took_ns < proof)
				proof = h->last_ns - h->took_ns;
		}
	return proof;
}

void monitor_watch_see(const struct monitor_watch *w, struct dns_monitor_node *out)
{
	out->sight = w->sight;
	out->priority = w->priority;
	out->since_ns = w->since_ns;
	out->proof_ns = proof_ns(w);
}
