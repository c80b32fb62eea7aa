/* SPDX-License-Identifier: GPL-2.0-only */
/* See services.h. */
#include <stddef.h>
#include <string.h>

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

uint64_t services_digest(const struct services *s)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < s->n; i++)
		sum = sum * 31 + s->list[i].tag;
	return sum;
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

/* Both ask the same thing of the same server; how often they ask may differ. */
static bool same_question(const struct conf_check *a, const struct conf_check *b)
{
	return a->kind == b->kind && a->addr.s_addr == b->addr.s_addr && a->port == b->port &&
	       a->status == b->status && a->tls == b->tls && a->proxy == b->proxy &&
	       !strcmp(a->path, b->path) && !strcmp(a->body, b->body) &&
	       !strcmp(a->origin, b->origin) && !strcmp(a->subprotocol, b->subprotocol) &&
	       !strcmp(a->header, b->header);
}

static bool same_kind(const struct conf_check *a, const struct conf_check *b)
{
	return a->kind == b->kind;
}

/*
 * A reply names its check by place and number. A check that changed its place is given up while it
 * runs, and keeps its new number: no reply to a check that had the place before can be its own.
 */
static void carry_check(struct service_check *check, const struct service_check *old, bool moved,
			uint64_t now_ns)
{
	struct health_conf h = check->health.conf;
	uint32_t seq = check->health.seq;

	*check = *old;
	if (moved) {
		check->reply.waits = false;
		check->health.seq = seq;
		if (check->health.running)
			check->health.next_ns = now_ns;
		check->health.running = false;
	}
	health_reconf(&check->health, &h, now_ns);
}

/* Checks of both that are alike, and that were not carried yet: one bit each. */
struct carried {
	unsigned int from, to;
};

static void carry_checks(struct service *svc, const struct service *old, bool moved,
			 bool (*alike)(const struct conf_check *, const struct conf_check *),
			 struct carried *done, uint64_t now_ns)
{
	for (unsigned int i = 0; i < svc->conf->n_checks; i++)
		for (unsigned int o = 0; o < old->conf->n_checks; o++) {
			if ((done->to & (1u << i)) || (done->from & (1u << o)) ||
			    !alike(&svc->conf->checks[i], &old->conf->checks[o]))
				continue;
			done->to |= 1u << i;
			done->from |= 1u << o;
			carry_check(&svc->checks[i], &old->checks[o], moved || i != o, now_ns);
		}
}

/*
 * A check goes on with the health of the one that asks the same. Those that are left are matched by
 * their kind: a path that was corrected is no new check.
 */
static void carry_over(struct service *svc, const struct service *old, bool moved,
		       const struct observe_conf *observe, uint64_t now_ns)
{
	struct carried done = {0, 0};

	svc->health = old->health;
	svc->reason = old->reason;
	svc->since_ns = old->since_ns;
	svc->players = old->players;
	svc->observe = old->observe;
	svc->recent = old->recent;
	svc->recent_ns = old->recent_ns;
	svc->unseen = old->unseen;
	svc->unanswered = old->unanswered;
	svc->answers_end = old->answers_end;
	svc->recover = old->recover;
	observe_reconf(&svc->observe, observe, now_ns);
	carry_checks(svc, old, moved, same_question, &done, now_ns);
	carry_checks(svc, old, moved, same_kind, &done, now_ns);
}

void services_carry_over(struct services *s, const struct services *old,
			 const struct observe_conf *observe, uint64_t now_ns)
{
	s->counted_ns = old->counted_ns;
	for (unsigned int i = 0; i < s->n; i++)
		for (unsigned int o = 0; o < old->n; o++)
			if (old->list[o].tag == s->list[i].tag)
				carry_over(&s->list[i], &old->list[o], i != o, observe, now_ns);
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

void service_doubt(struct service *svc, uint64_t now_ns)
{
	for (unsigned int i = 0; i < svc->conf->n_checks; i++)
		health_doubt(&svc->checks[i].health, now_ns);
}
