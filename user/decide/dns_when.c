/* SPDX-License-Identifier: GPL-2.0-only */
/* See dns_when.h. */
#include <string.h>

#include "decide/dns_when.h"

#define NS_PER_S   1000000000ULL
#define NEVER      UINT64_MAX
#define SHIFT_MAX  16 /* the pause doubles at most this many times */
#define JITTER_PER 4  /* a pause is longer by up to a quarter */

void dns_when_init(struct dns_when *w, const struct dns_when_conf *conf, uint64_t seed)
{
	memset(w, 0, sizeof(*w));
	w->conf = *conf;
	w->seed = seed | 1;
	w->at_ns = NEVER;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void plan_at(struct dns_when *w, bool write, uint64_t at_ns)
{
	w->write = write;
	w->at_ns = at_ns;
}

/* Ends what runs, without a result. */
static bool cut(struct dns_when *w)
{
	bool ran = w->running != DNS_ACT_NONE;

	w->running = DNS_ACT_NONE;
	w->order = w->contest = w->ended = false;
	w->at_ns = NEVER;
	return ran;
}

static bool leave(struct dns_when *w)
{
	w->state = w->stopped ? DNS_STOPPED : DNS_AWAY;
	return cut(w);
}

/* There may be two owners: the record is looked at often for a while. */
static void doubt(struct dns_when *w)
{
	w->pause_ns = w->conf.doubt_ns < w->conf.verify_ns ? w->conf.doubt_ns : w->conf.verify_ns;
}

static void enter(struct dns_when *w, bool serves, bool was_right, uint64_t now_ns)
{
	w->failures = 0;
	w->contest = w->ended = false;
	w->pause_ns = w->conf.verify_ns;
	if (!serves)
		doubt(w);
	if (was_right) {
		w->state = DNS_RIGHT;
		plan_at(w, false, now_ns);
		return;
	}
	w->state = DNS_WAITING;
	plan_at(w, true, now_ns + (serves ? w->conf.failback_ns : w->conf.failover_ns));
}

/* Another node has fallen silent, or is heard again, while this one owns. */
static void note_serves(struct dns_when *w, bool serves, uint64_t now_ns)
{
	bool was = w->serves;

	w->serves = serves;
	/* After a failure the provider says when the next request may come. */
	if (was == serves || w->state != DNS_RIGHT || w->failures)
		return;
	doubt(w);
	/* A node that comes and goes does not make one request each time. */
	if (w->running == DNS_ACT_NONE && !w->write)
		plan_at(w, false,
			later(serves ? now_ns : now_ns + w->pause_ns, w->asked_ns + w->pause_ns));
}

bool dns_when_owner(struct dns_when *w, bool owner, bool serves, bool was_right, uint64_t now_ns)
{
	bool was = w->owner;

	w->owner = owner;
	if (owner && was && !w->stopped)
		note_serves(w, serves, now_ns);
	w->serves = serves;
	if (w->stopped)
		return false;
	if (owner && !was)
		enter(w, serves, was_right, now_ns);
	else if (!owner && was)
		return leave(w);
	else if (owner && w->state == DNS_WAITING && !serves && !w->failures && !w->order &&
		 !w->contest && w->at_ns > now_ns + w->conf.failover_ns)
		/* The node that the record names is gone: no reason to wait for the failback. */
		plan_at(w, true, now_ns + w->conf.failover_ns);
	return false;
}

void dns_when_sole(struct dns_when *w, bool sole, uint64_t now_ns)
{
	if (!sole)
		w->ended = false;
	if (!w->owner || w->stopped || w->running != DNS_ACT_NONE)
		return;
	if (sole && w->state == DNS_CONTESTED && !w->ended) {
		w->state = DNS_WAITING;
		w->contest = w->ended = true;
		plan_at(w, true, now_ns + (w->serves ? w->conf.failback_ns : w->conf.doubt_ns));
	} else if (!sole && w->state == DNS_WAITING && w->contest) {
		w->state = DNS_CONTESTED;
		w->contest = false;
		plan_at(w, false, later(w->at_ns, now_ns + w->conf.verify_ns));
	}
}

bool dns_when_renew(struct dns_when *w, uint64_t now_ns)
{
	bool ran;

	if (!w->owner || w->stopped || w->order)
		return false;
	ran = cut(w);
	enter(w, false, false, now_ns);
	return ran;
}

bool dns_when_order(struct dns_when *w, bool stop, uint64_t now_ns)
{
	bool ran;

	w->stopped = stop;
	ran = leave(w);
	if (stop || !w->owner)
		return ran;
	w->state = DNS_WAITING;
	w->order = true;
	w->failures = 0;
	w->breaker = DNS_CLOSED;
	plan_at(w, true, now_ns);
	return ran;
}

void dns_when_recall(struct dns_when *w, const struct dns_moment *change,
		     const struct dns_moment *now)
{
	uint64_t ago_ns = now->boot_ns;
	int64_t ago_s;

	if (change->wall_s <= 0)
		return;
	ago_s = now->wall_s - change->wall_s;
	if (change->boot_ns)
		ago_ns = now->boot_ns > change->boot_ns ? now->boot_ns - change->boot_ns : 0;
	else if (ago_s > (int64_t)(w->conf.min_interval_ns / NS_PER_S))
		return;
	else if (ago_s > 0)
		ago_ns = later(ago_ns, (uint64_t)ago_s * NS_PER_S);
	if (ago_ns < w->conf.min_interval_ns)
		w->change_ns = now->boot_ns + (w->conf.min_interval_ns - ago_ns);
}

uint64_t dns_when_due_ns(const struct dns_when *w)
{
	uint64_t from_ns = w->at_ns;

	if (w->write && !w->order)
		from_ns = later(from_ns, w->change_ns);
	if (w->breaker == DNS_OPEN)
		from_ns = later(from_ns, w->open_until_ns);
	return from_ns;
}

enum dns_act dns_when_next(struct dns_when *w, uint64_t now_ns)
{
	if (!w->owner || w->stopped || w->running != DNS_ACT_NONE || w->at_ns == NEVER ||
	    now_ns < dns_when_due_ns(w))
		return DNS_ACT_NONE;
	if (w->breaker == DNS_OPEN)
		w->breaker = DNS_HALF_OPEN;
	w->running = w->write ? DNS_ACT_WRITE : DNS_ACT_LOOK;
	if (w->write)
		w->state = DNS_RUNNING;
	return w->running;
}

/*
 * The pause before the next attempt, longer by a random part so that many nodes do not ask at once.
 */
static uint64_t pause_ns(struct dns_when *w)
{
	unsigned int doublings = w->failures - 1 < SHIFT_MAX ? w->failures - 1 : SHIFT_MAX;
	uint64_t pause = w->conf.retry_ns;

	while (doublings-- && pause < w->conf.retry_max_ns)
		pause *= 2;
	if (pause > w->conf.retry_max_ns)
		pause = w->conf.retry_max_ns;
	/* xorshift64 */
	w->seed ^= w->seed << 13;
	w->seed ^= w->seed >> 7;
	w->seed ^= w->seed << 17;
	return pause + w->seed % (pause / JITTER_PER + 1);
}

static void failed(struct dns_when *w, enum dns_result r, uint64_t retry_ns, uint64_t now_ns)
{
	bool was_half_open = w->breaker == DNS_HALF_OPEN;

	w->failures++;
	w->at_ns = now_ns + later(pause_ns(w), retry_ns);
	if (w->write)
		w->state = DNS_WAITING;
	if (r != DNS_DENIED && !was_half_open && w->failures < w->conf.breaker_fall)
		return;
	w->breaker = DNS_OPEN;
	w->open_until_ns = now_ns + later(w->conf.breaker_ns, retry_ns);
}

void dns_when_result(struct dns_when *w, enum dns_result r, uint64_t retry_ns, uint64_t now_ns)
{
	if (w->running == DNS_ACT_NONE)
		return;
	w->running = DNS_ACT_NONE;
	w->asked_ns = now_ns;
	if (r == DNS_FAILED || r == DNS_LIMITED || r == DNS_DENIED) {
		failed(w, r, retry_ns, now_ns);
		return;
	}
	w->failures = 0;
	w->order = w->contest = false;
	w->breaker = DNS_CLOSED;
	if (r == DNS_CHANGED)
		w->change_ns = now_ns + w->conf.min_interval_ns;
	w->state = r == DNS_REFUSED ? DNS_STUCK : r == DNS_OTHER ? DNS_CONTESTED : DNS_RIGHT;
	if (r != DNS_SAME && r != DNS_CHANGED)
		w->pause_ns = w->conf.verify_ns;
	/* What was refused is tried again: the operator may have mended it. */
	plan_at(w, r == DNS_REFUSED, now_ns + w->pause_ns);
	w->pause_ns = w->pause_ns * 2 < w->conf.verify_ns ? w->pause_ns * 2 : w->conf.verify_ns;
}

const char *dns_state_name(enum dns_state s)
{
	static const char *const names[] = {
		[DNS_AWAY] = "not-owner",  [DNS_WAITING] = "waiting", [DNS_RUNNING] = "running",
		[DNS_RIGHT] = "right",     [DNS_STUCK] = "refused",   [DNS_CONTESTED] = "contested",
		[DNS_STOPPED] = "stopped",
	};

	return names[s];
}

const char *dns_breaker_name(enum dns_breaker b)
{
	static const char *const names[] = {
		[DNS_CLOSED] = "closed", [DNS_OPEN] = "open", [DNS_HALF_OPEN] = "half-open"};

	return names[b];
}

const char *dns_result_name(enum dns_result r)
{
	static const char *const names[] = {
		[DNS_SAME] = "same",       [DNS_CHANGED] = "changed", [DNS_OTHER] = "other",
		[DNS_REFUSED] = "refused", [DNS_FAILED] = "failed",   [DNS_LIMITED] = "limited",
		[DNS_DENIED] = "denied",
	};

	return names[r];
}
