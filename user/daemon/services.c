/* SPDX-License-Identifier: GPL-2.0-only */
/* See services.h. */
#include <stddef.h>

#include "daemon/services.h"

#define SPREAD_NS (20 * NS_PER_MS) /* between the first checks of a node */

const struct service *services_by_slot(const struct services *s, unsigned int slot)
{
	for (unsigned int i = 0; i < s->n; i++)
		if (s->list[i].slot == slot)
			return &s->list[i];
	return NULL;
}

const struct service *services_by_tag(const struct services *s, uint32_t tag)
{
	for (unsigned int i = 0; i < s->n; i++)
		if (s->list[i].tag == tag)
			return &s->list[i];
	return NULL;
}

const char *services_name(const struct services *s, unsigned int slot)
{
	const struct service *svc = services_by_slot(s, slot);

	return svc ? svc->conf->name : NULL;
}

static void health_conf_of(const struct conf_check *c, const struct observe_conf *observe,
			   struct health_conf *h)
{
	h->rise = c->rise;
	h->fall = c->fall;
	h->interval_ns = c->interval_ns;
	h->fastinter_ns = c->fastinter_ns;
	h->downinter_ns = c->downinter_ns;
	h->timeout_ns = c->timeout_ns;
	h->alert_timeout_ns = observe->timeout_ns;
}

void services_init_checks(struct services *s, const struct observe_conf *observe, uint64_t now_ns)
{
	uint64_t spread_ns = 0;

	for (unsigned int i = 0; i < s->n; i++) {
		struct service *svc = &s->list[i];

		svc->since_ns = now_ns;
		observe_init(&svc->observe, observe, now_ns);
		for (unsigned int c = 0; c < svc->conf->n_checks; c++, spread_ns += SPREAD_NS) {
			struct health_conf h;

			health_conf_of(&svc->conf->checks[c], observe, &h);
			health_init(&svc->checks[c].health, &h, now_ns, spread_ns);
		}
	}
}

static void carry_over(struct service *svc, const struct service *old,
		       const struct observe_conf *observe, uint64_t now_ns)
{
	svc->health = old->health;
	svc->reason = old->reason;
	svc->since_ns = old->since_ns;
	svc->players = old->players;
	svc->observe = old->observe;
	svc->recent = old->recent;
	svc->recent_ns = old->recent_ns;
	svc->unseen = old->unseen;
	observe_reconf(&svc->observe, observe, now_ns);
	for (unsigned int i = 0; i < svc->conf->n_checks; i++) {
		struct health_conf h = svc->checks[i].health.conf;

		svc->checks[i] = old->checks[i];
		health_reconf(&svc->checks[i].health, &h, now_ns);
	}
}

void services_carry_over(struct services *s, const struct services *old,
			 const struct observe_conf *observe, uint64_t now_ns)
{
	s->counted_ns = old->counted_ns;
	for (unsigned int i = 0; i < s->n; i++)
		for (unsigned int o = 0; o < old->n; o++)
			if (old->list[o].tag == s->list[i].tag &&
			    old->list[o].conf->n_checks == s->list[i].conf->n_checks)
				carry_over(&s->list[i], &old->list[o], observe, now_ns);
}

bool services_known(const struct services *s)
{
	for (unsigned int i = 0; i < s->n; i++)
		if (s->list[i].health == HOKM_SVC_INIT)
			return false;
	return true;
}

uint64_t services_players(const struct services *s)
{
	uint64_t n = 0;

	for (unsigned int i = 0; i < s->n; i++)
		n += s->list[i].players;
	return n;
}

void service_alert(struct service *svc, bool on, uint64_t now_ns)
{
	for (unsigned int i = 0; i < svc->conf->n_checks; i++)
		health_alert(&svc->checks[i].health, on, now_ns);
}

void service_hurry(struct service *svc, uint64_t now_ns)
{
	for (unsigned int i = 0; i < svc->conf->n_checks; i++)
		health_hurry(&svc->checks[i].health, now_ns);
}
