/* SPDX-License-Identifier: GPL-2.0-only */
/* See dns_report.h. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/dns_report.h"
#include "daemon/node.h"

int64_t dns_wall_s(void)
{
	struct timespec now;

	/* It cannot fail with a valid pointer. */
	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec;
}

void dns_note(struct dns *d, unsigned int t, const char *what, const char *text)
{
	dns_book_add(&d->book, dns_wall_s(), (enum conf_dns_type)t, what, text);
	dns_file_write(d->file, &d->book);
}

static void report(struct dns *d, unsigned int t, enum hokm_reason reason, const char *what,
		   const char *text)
{
	const char *type = conf_dns_type_name((enum conf_dns_type)t);
	const char *record = d->node->conf->dns.record;

	if (reason == HOKM_R_DNS_CHANGED || reason == HOKM_R_DNS_LEFT)
		log_info("dns: %s %s: %s", record, type, text);
	else
		log_warn("dns: %s %s: %s (%s)", record, type, text, hokm_reason_name(reason));
	events_add(d->node->events, "dns", reason, "%s %s: %s", record, type, text);
	dns_note(d, t, what, text);
}

static enum hokm_reason reason_of(enum dns_result r)
{
	switch (r) {
	case DNS_OTHER:
		return HOKM_R_DNS_CONTESTED;
	case DNS_REFUSED:
		return HOKM_R_DNS_REFUSED;
	case DNS_SAME:
	case DNS_CHANGED:
		return HOKM_R_DNS_CHANGED;
	default:
		return HOKM_R_DNS_FAILED;
	}
}

/* An outcome is reported when it differs from the one before. */
void dns_report_result(struct dns *d, unsigned int t, const struct dns_reply *r)
{
	struct dns_line *l = &d->line[t];
	enum dns_result result = (enum dns_result)r->result;
	bool trouble = result != DNS_SAME && result != DNS_CHANGED;
	/* The words of a failure have times in them, which differ in each attempt. */
	bool same = l->known && l->last.result == r->result &&
		    (result == DNS_FAILED || !strcmp(l->last.text, r->text));
	bool was = d->book.trouble[t];

	d->book.trouble[t] = trouble;
	if (result == DNS_CHANGED || was != trouble || (trouble && !same))
		report(d, t, reason_of(result), dns_result_name(result), r->text);
	if (r->ttl_s * NS_PER_S > d->node->conf->dns.ttl_ns &&
	    (!l->known || l->last.ttl_s != r->ttl_s))
		log_warn("dns: the record %s has a TTL of %u s: "
			 "clients may keep the old address for so long after a failover",
			 d->node->conf->dns.record, r->ttl_s);
}

void dns_report_breaker(struct dns *d, unsigned int t)
{
	struct dns_line *l = &d->line[t];

	if (l->breaker == l->when.breaker)
		return;
	l->breaker = l->when.breaker;
	log_warn("dns: the circuit breaker of %s is %s (%s)",
		 conf_dns_provider_name(d->node->conf->dns.provider), dns_breaker_name(l->breaker),
		 conf_dns_type_name((enum conf_dns_type)t));
}

void dns_report_held(struct dns *d, unsigned int t)
{
	const char *held = d->book.held[t];
	char text[128];

	if (d->line[t].checked)
		return;
	d->line[t].checked = true;
	if (!held[0] || conf_dns_knows(d->node->conf, (enum conf_dns_type)t, held))
		return;
	snprintf(text, sizeof(text), "dns set holds it at %s, which no node has; dns start ends it",
		 held);
	report(d, t, HOKM_R_OPERATOR, "held", text);
}

void dns_report_left(struct dns *d, unsigned int t)
{
	if (!d->book.trouble[t])
		return;
	d->book.trouble[t] = false;
	report(d, t, HOKM_R_DNS_LEFT, "left",
	       d->monitor ? "this monitor does not write it now"
			  : "this node does not write it any more");
}
