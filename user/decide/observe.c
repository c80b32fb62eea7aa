/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The passive checks' judgement; observe.h has the picture.
 *
 * The ring keeps the samples of the last OBSERVE_SAMPLES_MAX looks; a counted signal compares the newest
 * with the one a window ago. What was seen before forget_ns counts no more: the ring restarts there.
 *
 * A look that comes much later than it should was not taken because this process, and perhaps the whole
 * machine, got no CPU: what waited meanwhile may not be the server's fault. Waiting signals skip it.
 */
#include "decide/observe.h"

#include <string.h>

#define LATE_LOOKS 10 /* a look so many samples late says nothing about what waits */

/* The signals by how much they tell: the first one over its limit gives the reason. */
static const enum hokm_signal by_weight[HOKM_SIGNAL_COUNT] = {
	HOKM_SIGNAL_REFUSED, HOKM_SIGNAL_UPGRADE, HOKM_SIGNAL_SYN,      HOKM_SIGNAL_STATUS,
	HOKM_SIGNAL_CLOSE,   HOKM_SIGNAL_RESET,   HOKM_SIGNAL_ABNORMAL, HOKM_SIGNAL_PING,
};

struct ratio {
	uint64_t wrong, all;
};

static uint64_t add_ns(uint64_t a, uint64_t b)
{
	return b > UINT64_MAX - a ? UINT64_MAX : a + b;
}

static uint64_t minus(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static void forget(struct observe *o, uint64_t now_ns)
{
	o->n = 0;
	o->newest = 0;
	o->forget_ns = now_ns;
}

void observe_init(struct observe *o, const struct observe_conf *conf, uint64_t now_ns)
{
	*o = (struct observe){.conf = *conf};
	forget(o, now_ns);
}

void observe_reconf(struct observe *o, const struct observe_conf *conf, uint64_t now_ns)
{
	o->conf = *conf;
	forget(o, now_ns);
}

/* ---- the ring ---- */

/* Age 0 is the newest. */
static unsigned int place(const struct observe *o, unsigned int age)
{
	return (o->newest + OBSERVE_SAMPLES_MAX - age) % OBSERVE_SAMPLES_MAX;
}

static void push(struct observe *o, const struct observe_sample *s, uint64_t now_ns)
{
	if (o->n)
		o->newest = (o->newest + 1) % OBSERVE_SAMPLES_MAX;
	if (o->n < OBSERVE_SAMPLES_MAX)
		o->n++;
	o->ring[o->newest] = *s;
	o->ring_ns[o->newest] = now_ns;
}

/* The sample of `back_ns` ago, or the oldest there is. */
static const struct observe_sample *sample_before(const struct observe *o, uint64_t back_ns)
{
	uint64_t now_ns = o->ring_ns[o->newest];
	unsigned int age = 0;

	while (age + 1 < o->n && minus(now_ns, o->ring_ns[place(o, age)]) < back_ns)
		age++;
	return &o->ring[place(o, age)];
}

/* ---- the signals ---- */

/* Leaves the newest SYNs out: their answers may fall into the next sample. */
static struct ratio unanswered_syns(const struct observe *o)
{
	const struct observe_sample *now = &o->ring[o->newest];
	const struct observe_sample *last = &o->ring[place(o, o->n > 1 ? 1 : 0)];
	const struct observe_sample *then = sample_before(o, o->conf.window_ns);
	uint64_t syn = minus(last->syn, then->syn);
	uint64_t answered = minus(now->syn_ack, then->syn_ack) + minus(now->refused, then->refused);

	return (struct ratio){minus(syn, answered), syn};
}

static struct ratio look(const struct observe *o, enum hokm_signal signal)
{
	const struct observe_sample *now = &o->ring[o->newest];
	const struct observe_sample *then = sample_before(o, o->conf.window_ns);
	const struct observe_sample *since = sample_before(o, o->conf.limit[signal].after_ns);
	uint64_t ended = minus(now->ended, then->ended);

	switch (signal) {
	case HOKM_SIGNAL_REFUSED:
		return (struct ratio){minus(now->refused, then->refused),
				      minus(now->syn, then->syn)};
	case HOKM_SIGNAL_SYN:
		return unanswered_syns(o);
	case HOKM_SIGNAL_UPGRADE:
		return (struct ratio){now->late_upgrades,
				      now->late_upgrades + minus(now->answered, since->answered)};
	case HOKM_SIGNAL_PING:
		return (struct ratio){now->late_pings,
				      now->late_pings + minus(now->pongs, since->pongs)};
	case HOKM_SIGNAL_STATUS:
		return (struct ratio){minus(now->answer_5xx, then->answer_5xx),
				      minus(now->answered, then->answered)};
	case HOKM_SIGNAL_RESET:
		return (struct ratio){minus(now->reset, then->reset), ended};
	case HOKM_SIGNAL_ABNORMAL:
		return (struct ratio){minus(now->abnormal, then->abnormal), ended};
	case HOKM_SIGNAL_CLOSE:
		return (struct ratio){minus(now->close_error, then->close_error), ended};
	case HOKM_SIGNAL_COUNT:
		break;
	}
	return (struct ratio){0, 0};
}

static bool over(const struct observe_limit *l, const struct ratio *r)
{
	/* What has no whole to be a part of, as wrong ones of a former window, is all of it. */
	uint64_t all = r->all > r->wrong ? r->all : r->wrong;

	return l->on && l->min && r->wrong >= l->min && r->wrong * 100 >= all * l->percent;
}

static bool is_waiting(enum hokm_signal signal)
{
	return signal == HOKM_SIGNAL_UPGRADE || signal == HOKM_SIGNAL_PING;
}

/* The packet path has acted by itself on a refused SYN. */
static bool refused_now(const struct observe *o, uint64_t now_ns)
{
	return o->conf.limit[HOKM_SIGNAL_REFUSED].on &&
	       o->ring[o->newest].suspect_until_ns > now_ns;
}

/* The signal that is wrong and tells most; HOKM_SIGNAL_COUNT: none. */
static enum hokm_signal wrong_signal(const struct observe *o, bool late, uint64_t now_ns,
				     struct ratio *r)
{
	for (unsigned int i = 0; i < HOKM_SIGNAL_COUNT; i++) {
		enum hokm_signal signal = by_weight[i];

		if (late && is_waiting(signal))
			continue;
		*r = look(o, signal);
		if (over(&o->conf.limit[signal], r))
			return signal;
		if (signal == HOKM_SIGNAL_REFUSED && refused_now(o, now_ns)) {
			r->wrong = r->wrong ? r->wrong : 1;
			r->all = r->all > r->wrong ? r->all : r->wrong;
			return signal;
		}
	}
	*r = (struct ratio){0, 0};
	return HOKM_SIGNAL_COUNT;
}

bool observe_late_range(const struct observe *o, enum hokm_signal signal, uint64_t now_ns,
			uint64_t *from_ns, uint64_t *to_ns)
{
	if (!o->conf.on || !is_waiting(signal) || !o->conf.limit[signal].on)
		return false;
	*from_ns = o->forget_ns;
	*to_ns = minus(now_ns, o->conf.limit[signal].after_ns);
	return *from_ns < *to_ns;
}

/* ---- the machine ---- */

static uint64_t hold_ns(const struct observe *o)
{
	uint64_t hold = o->conf.hold_ns;

	for (unsigned int i = 0; i < o->level && hold < o->conf.hold_max_ns; i++)
		hold = add_ns(hold, hold);
	return hold < o->conf.hold_max_ns ? hold : o->conf.hold_max_ns;
}

static void trip(struct observe *o, enum hokm_signal signal, uint64_t now_ns,
		 struct observe_verdict *out)
{
	bool again = o->trips && now_ns < add_ns(o->cleared_ns, o->conf.calm_ns);

	o->level = again ? o->level + 1 : 0;
	o->trips++;
	o->suspect = true;
	o->reason = hokm_signal_reason(signal);
	o->tripped_ns = now_ns;
	o->failed_ns = 0;
	o->until_ns = add_ns(now_ns, hold_ns(o));
	out->change = OBSERVE_TRIPPED;
	out->signal = signal;
	out->reason = o->reason;
	out->until_ns = o->until_ns;
}

static void clear(struct observe *o, uint64_t now_ns, struct observe_verdict *out)
{
	o->suspect = false;
	o->cleared_ns = now_ns;
	forget(o, now_ns);
	out->change = OBSERVE_CLEARED;
	out->reason = HOKM_R_PASSIVE_CLEAR;
}

static void renew(struct observe *o, uint64_t until_ns, struct observe_verdict *out)
{
	if (until_ns <= o->until_ns)
		return;
	o->until_ns = until_ns;
	out->change = OBSERVE_RENEWED;
	out->reason = o->reason;
	out->until_ns = until_ns;
}

/* A hold has run out. Traffic alone renews it only so far; then the server is tried again. */
static void hold_over(struct observe *o, enum hokm_signal signal, uint64_t now_ns,
		      struct observe_verdict *out)
{
	uint64_t last_ns = add_ns(o->tripped_ns, o->conf.hold_max_ns);
	uint64_t until_ns = add_ns(now_ns, hold_ns(o));

	if (o->failed_ns)
		last_ns = UINT64_MAX;
	if (until_ns > last_ns)
		until_ns = last_ns;
	if (signal == HOKM_SIGNAL_COUNT || until_ns <= now_ns)
		clear(o, now_ns, out);
	else
		renew(o, until_ns, out);
}

void observe_step(struct observe *o, const struct observe_sample *s, bool checks_ok,
		  uint64_t now_ns, struct observe_verdict *out)
{
	enum hokm_signal signal;
	struct ratio r;
	bool late;

	memset(out, 0, sizeof(*out));
	if (!o->conf.on)
		return;
	late = o->n && minus(now_ns, o->ring_ns[o->newest]) > LATE_LOOKS * o->conf.sample_ns;
	push(o, s, now_ns);
	signal = wrong_signal(o, late, now_ns, &r);
	out->signal = signal;
	out->wrong = r.wrong;
	out->all = r.all;
	if (!o->suspect) {
		if (checks_ok && signal != HOKM_SIGNAL_COUNT)
			trip(o, signal, now_ns, out);
		return;
	}
	/* While the checks say DOWN the state steers; the trip ends when they have spoken again. */
	if (checks_ok && now_ns >= o->until_ns)
		hold_over(o, signal, now_ns, out);
}

void observe_check(struct observe *o, bool ok, uint64_t started_ns, uint64_t now_ns,
		   struct observe_verdict *out)
{
	memset(out, 0, sizeof(*out));
	out->signal = HOKM_SIGNAL_COUNT;
	if (!o->conf.on || !o->suspect || started_ns < o->tripped_ns || ok)
		return;
	o->failed_ns = now_ns;
	renew(o, add_ns(now_ns, hold_ns(o)), out);
}

uint64_t observe_next_ns(const struct observe *o, uint64_t now_ns)
{
	if (!o->conf.on)
		return 0;
	return o->n ? add_ns(o->ring_ns[o->newest], o->conf.sample_ns) : now_ns;
}
