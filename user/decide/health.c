/* SPDX-License-Identifier: GPL-2.0-only */
/* The health of one active check; health.h has the counter, the timers and the invariants. */
#include "decide/health.h"

/* Beyond its timeout, a check may take this long for the work of the agent. */
#define AGENT_GRACE_NS 2000000000ULL

static uint64_t add_ns(uint64_t a, uint64_t b)
{
	return b > UINT64_MAX - a ? UINT64_MAX : a + b;
}

static unsigned int top(const struct health *h)
{
	return h->conf.rise + h->conf.fall - 1;
}

static uint64_t gap_ns(const struct health *h)
{
	if (!h->known || h->alert)
		return h->conf.fastinter_ns;
	if (h->value == top(h))
		return h->conf.interval_ns;
	return h->value == 0 ? h->conf.downinter_ns : h->conf.fastinter_ns;
}

static uint64_t limit_ns(const struct health *h)
{
	return add_ns(h->started_ns, add_ns(health_timeout_ns(h), AGENT_GRACE_NS));
}

/* With rise or fall 0 the counter would have no UP or no DOWN: both are at least 1. */
static void set_conf(struct health *h, const struct health_conf *conf)
{
	h->conf = *conf;
	if (!h->conf.rise)
		h->conf.rise = 1;
	if (!h->conf.fall)
		h->conf.fall = 1;
}

void health_init(struct health *h, const struct health_conf *conf, uint64_t now_ns,
		 uint64_t spread_ns)
{
	*h = (struct health){0};
	set_conf(h, conf);
	/* Not from 0: a late result of a check before a reload must not match one of these. */
	h->seq = (uint32_t)(now_ns / 1000);
	h->next_ns = add_ns(now_ns, spread_ns);
	h->changed_ns = now_ns;
}

void health_reconf(struct health *h, const struct health_conf *conf, uint64_t now_ns)
{
	bool up = health_up(h);
	bool same = conf->rise == h->conf.rise && conf->fall == h->conf.fall;
	uint64_t next_ns;

	set_conf(h, conf);
	if (!same)
		h->value = up ? top(h) : 0;
	next_ns = add_ns(now_ns, gap_ns(h));
	if (next_ns < h->next_ns)
		h->next_ns = next_ns;
}

bool health_up(const struct health *h)
{
	return h->known && h->value >= h->conf.rise;
}

static void count(struct health *h, bool good)
{
	if (!h->known) {
		h->value = good ? top(h) : 0;
	} else if (good) {
		h->value += h->value < top(h);
		if (h->value >= h->conf.rise)
			h->value = top(h);
	} else {
		h->value -= h->value > 0;
		if (h->value < h->conf.rise)
			h->value = 0;
	}
	h->known = true;
}

/*
 * The next doubt waits after a doubt's check that passed, twice as long each time, up to interval:
 * clients cause doubts, and a check may take longer than fastinter.
 */
static void space_doubts(struct health *h, enum hokm_reason result, uint64_t now_ns)
{
	uint64_t gap_ns = add_ns(h->doubt_gap_ns, h->doubt_gap_ns);

	if (!h->doubting || result != HOKM_R_CHECK_OK)
		return;
	if (gap_ns > h->conf.interval_ns)
		gap_ns = h->conf.interval_ns;
	if (gap_ns < h->conf.fastinter_ns)
		gap_ns = h->conf.fastinter_ns;
	h->doubt_gap_ns = gap_ns;
	h->doubt_from_ns = add_ns(now_ns, gap_ns);
}

/* After the first failure in a doubt the next check is that of the doubt, too. */
static bool doubt_goes_on(struct health *h, bool counts, enum hokm_reason result)
{
	h->repeats = !counts && !h->repeats;
	return counts ? h->doubt && result == HOKM_R_CHECK_OK : h->repeats;
}

/* No check runs: that of the doubt is due now, or after the wait. */
static void doubt_is_due(struct health *h, uint64_t now_ns)
{
	uint64_t at_ns = now_ns > h->doubt_from_ns ? now_ns : h->doubt_from_ns;

	h->doubt = true;
	if (at_ns < h->next_ns)
		h->next_ns = at_ns;
}

static bool finish(struct health *h, enum hokm_reason result, uint64_t now_ns)
{
	bool counts = !h->doubting || result == HOKM_R_CHECK_OK;
	bool was_known = h->known;
	bool was_up = health_up(h);

	h->running = false;
	h->reason = result;
	h->last_ns = now_ns;
	h->took_ns = now_ns > h->started_ns ? now_ns - h->started_ns : 0;
	if (counts)
		count(h, result == HOKM_R_CHECK_OK);
	h->next_ns = add_ns(h->started_ns, gap_ns(h));
	if (h->again || !counts || (h->doubt && result != HOKM_R_CHECK_OK))
		h->next_ns = now_ns;
	h->again = false;
	h->doubt = doubt_goes_on(h, counts, result);
	space_doubts(h, result, now_ns);
	if (h->doubt && counts)
		doubt_is_due(h, now_ns);
	if (h->next_ns < now_ns)
		h->next_ns = now_ns;
	if (was_known && was_up == health_up(h))
		return false;
	h->changed_ns = now_ns;
	return true;
}

bool health_start(struct health *h, uint64_t now_ns)
{
	if (h->running && now_ns >= limit_ns(h))
		finish(h, HOKM_R_CHECK_AGENT, now_ns);
	if (h->running || now_ns < h->next_ns)
		return false;
	h->running = true;
	h->doubting = h->doubt;
	h->doubt = false;
	h->seq++;
	h->started_ns = now_ns;
	return true;
}

bool health_result(struct health *h, uint32_t seq, enum hokm_reason result, uint64_t now_ns)
{
	if (!h->running || seq != h->seq)
		return false;
	return finish(h, result, now_ns);
}

bool health_lost(struct health *h, uint64_t now_ns)
{
	uint64_t since_ns = h->known ? h->last_ns : h->changed_ns;
	uint64_t patience_ns = add_ns(h->conf.interval_ns, h->conf.timeout_ns);

	if (!h->running)
		return false;
	if (now_ns >= add_ns(since_ns, add_ns(patience_ns, AGENT_GRACE_NS)))
		return finish(h, HOKM_R_CHECK_AGENT, now_ns);
	h->running = false;
	h->next_ns = add_ns(now_ns, h->conf.fastinter_ns);
	return false;
}

void health_hurry(struct health *h, uint64_t now_ns)
{
	/* Many signals come at once; one check in fastinter answers all of them. */
	if (h->hurried_ns && now_ns < add_ns(h->hurried_ns, h->conf.fastinter_ns))
		return;
	h->hurried_ns = now_ns;
	if (h->running)
		h->again = true;
	else if (now_ns < h->next_ns)
		h->next_ns = now_ns;
}

void health_doubt(struct health *h, uint64_t now_ns)
{
	/* After a failure the next result must count, whatever clients do. */
	if (h->alert || h->reason != HOKM_R_CHECK_OK) {
		health_hurry(h, now_ns);
		return;
	}
	if (h->hurried_ns && now_ns < add_ns(h->hurried_ns, h->conf.fastinter_ns))
		return;
	/* Nobody was turned away for a while: the next wait is short again. */
	if (!h->running && now_ns >= add_ns(h->doubt_from_ns, h->doubt_gap_ns))
		h->doubt_gap_ns = 0;
	if (now_ns >= h->doubt_from_ns)
		h->hurried_ns = now_ns;
	if (h->running)
		h->doubt = true;
	else
		doubt_is_due(h, now_ns);
}

bool health_single(const struct health *h)
{
	return h->alert || h->doubting;
}

uint64_t health_timeout_ns(const struct health *h)
{
	uint64_t alert_ns = h->conf.alert_timeout_ns;

	return h->alert && alert_ns && alert_ns < h->conf.timeout_ns
		       ? alert_ns
		       : h->conf.timeout_ns;
}

void health_alert(struct health *h, bool on, uint64_t now_ns)
{
	bool begins = on && !h->alert;

	h->alert = on;
	if (!begins)
		return;
	/* The running check, if any, is abandoned: a result is ignored while none is running. */
	h->running = false;
	h->again = false;
	h->doubt = false;
	h->repeats = false;
	h->next_ns = now_ns;
}

uint64_t health_next_ns(const struct health *h)
{
	return h->running ? limit_ns(h) : h->next_ns;
}
