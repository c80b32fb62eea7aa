/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Passive checks of one service; observe.h has states, signals, timers and invariants.
 *
 * The ring keeps the last OBSERVE_SAMPLES_MAX samples. A counted signal compares the newest sample
 * with the one of window_ns ago, or with the oldest when that is younger. Samples from before
 * forget_ns do not count: the ring starts again there.
 *
 * When a sample comes much too late, this process, and perhaps the whole machine, got no CPU. That
 * requests waited meanwhile may not be the fault of the server: waiting signals ignore that sample.
 */
#include "decide/observe.h"

#define LATE_LOOKS 10 /* a sample is much too late after this many times sample_ns */
#define LEVEL_MAX  63 /* more doublings cannot make a trip longer */
#define EARLY      4  /* an early sample comes at the earliest after this part of sample_ns */

/*
 * Signals from the clearest to the vaguest: the first one over its limit gives the reason. The
 * doubtful one is none of them.
 */
static const enum hokm_signal by_weight[] = {
	HOKM_SIGNAL_REFUSED, HOKM_SIGNAL_UPGRADE, HOKM_SIGNAL_SYN,      HOKM_SIGNAL_STATUS,
	HOKM_SIGNAL_CLOSE,   HOKM_SIGNAL_RESET,   HOKM_SIGNAL_ABNORMAL, HOKM_SIGNAL_PING,
};
#define WEIGHED (sizeof(by_weight) / sizeof(by_weight[0]))
_Static_assert(WEIGHED == HOKM_SIGNAL_COUNT - 1, "all but unserved");

struct ratio {
	uint64_t wrong, all;
};

static uint64_t add(uint64_t a, uint64_t b)
{
	return b > UINT64_MAX - a ? UINT64_MAX : a + b;
}

static uint64_t minus(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Discards the samples, but keeps one of this moment: the next ones are compared with it. */
static void forget(struct observe *o, uint64_t now_ns)
{
	if (o->n)
		o->spent_ns = o->ring[o->newest].suspect_until_ns;
	o->n = o->n && o->ring_ns[o->newest] == now_ns;
	o->forget_ns = now_ns;
	o->doubt.until_ns = 0;
	o->doubt.failed = 0;
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

/* Index in the ring of the sample before `age` others; 0: the newest. */
static unsigned int place(const struct observe *o, unsigned int age)
{
	return (o->newest + OBSERVE_SAMPLES_MAX - age) % OBSERVE_SAMPLES_MAX;
}

/*
 * After a refused SYN the caller may take a sample before sample_ns is over. The next sample
 * replaces that one, so that many refused SYNs do not push the start of the window out of the ring.
 */
static void push(struct observe *o, const struct observe_sample *s, uint64_t now_ns)
{
	bool between = o->n > 1 && minus(now_ns, o->ring_ns[place(o, 1)]) < o->conf.sample_ns;

	if (o->n && !between)
		o->newest = (o->newest + 1) % OBSERVE_SAMPLES_MAX;
	if (o->n < OBSERVE_SAMPLES_MAX && !between)
		o->n++;
	o->ring[o->newest] = *s;
	o->ring_ns[o->newest] = now_ns;
	o->looked_ns = now_ns;
}

/* The sample of `back_ns` ago, or the oldest one. */
static const struct observe_sample *sample_before(const struct observe *o, uint64_t back_ns)
{
	uint64_t now_ns = o->ring_ns[o->newest];
	unsigned int age = 0;

	while (age + 1 < o->n && minus(now_ns, o->ring_ns[place(o, age)]) < back_ns)
		age++;
	return &o->ring[place(o, age)];
}

/* ---- the signals ---- */

static struct ratio of(uint64_t wrong, uint64_t all)
{
	/* A failure may fall into a later window than its request; still it is one of `all`. */
	return (struct ratio){wrong, all > wrong ? all : wrong};
}

/* Ignores the newest SYNs: their answers may fall into the next sample. */
static struct ratio unanswered_syns(const struct observe *o)
{
	const struct observe_sample *now = &o->ring[o->newest];
	const struct observe_sample *last = sample_before(o, o->conf.sample_ns / 2);
	const struct observe_sample *then = sample_before(o, o->conf.window_ns);
	uint64_t syn = minus(last->syn, then->syn);
	uint64_t syn_ack = minus(now->syn_ack, then->syn_ack);
	uint64_t refused = add(minus(now->refused, then->refused),
			       minus(now->filtered, then->filtered));

	return of(now->queue_full ? minus(minus(syn, syn_ack), refused) : 0, syn);
}

bool observe_asks_queue(const struct observe *o, const struct observe_sample *s)
{
	const struct observe_sample *then;

	if (!o->conf.on || !o->conf.limit[HOKM_SIGNAL_SYN].on || !o->n)
		return false;
	then = sample_before(o, o->conf.window_ns);
	return minus(s->syn, then->syn) >
	       add(minus(s->syn_ack, then->syn_ack),
		   add(minus(s->refused, then->refused), minus(s->filtered, then->filtered)));
}

void observe_pace(struct observe *o, uint64_t median_ns)
{
	o->pace_ns = median_ns;
}

uint64_t observe_after_ns(const struct observe *o, enum hokm_signal signal)
{
	uint64_t after_ns = o->conf.limit[signal].after_ns;
	uint64_t most_ns = smaller(
		OBSERVE_PATIENCE * after_ns, (OBSERVE_SAMPLES_MAX - 1) * o->conf.sample_ns);
	uint64_t pace_ns = add(o->pace_ns, o->pace_ns);

	if (signal != HOKM_SIGNAL_UPGRADE || pace_ns <= after_ns || most_ns <= after_ns)
		return after_ns;
	return smaller(pace_ns, most_ns);
}

static struct ratio look(const struct observe *o, enum hokm_signal signal)
{
	const struct observe_sample *now = &o->ring[o->newest];
	const struct observe_sample *then = sample_before(o, o->conf.window_ns);
	const struct observe_sample *since = sample_before(o, observe_after_ns(o, signal));
	uint64_t ended = minus(now->ended, then->ended);

	switch (signal) {
	case HOKM_SIGNAL_REFUSED:
		return of(minus(now->refused, then->refused), minus(now->syn, then->syn));
	case HOKM_SIGNAL_SYN:
		return unanswered_syns(o);
	case HOKM_SIGNAL_UPGRADE:
		return of(now->late_upgrades,
			  add(now->late_upgrades, minus(now->answered, since->answered)));
	case HOKM_SIGNAL_PING:
		return of(now->late_pings, add(now->late_pings, minus(now->pongs, since->pongs)));
	case HOKM_SIGNAL_STATUS:
		return of(minus(now->answer_5xx, then->answer_5xx),
			  minus(now->answered, then->answered));
	case HOKM_SIGNAL_RESET:
		return of(minus(now->reset, then->reset), ended);
	case HOKM_SIGNAL_ABNORMAL:
		return of(minus(now->abnormal, then->abnormal), ended);
	case HOKM_SIGNAL_CLOSE:
		return of(minus(now->close_error, then->close_error), ended);
	case HOKM_SIGNAL_UNSERVED:
		return of(minus(now->unserved, then->unserved),
			  minus(now->established, then->established));
	case HOKM_SIGNAL_COUNT:
		break;
	}
	return of(0, 0);
}

static bool over(const struct observe_limit *l, const struct ratio *r)
{
	return l->on && r->wrong && r->wrong >= l->min &&
	       (unsigned __int128)r->wrong * 100 >= (unsigned __int128)r->all * l->percent;
}

static bool is_waiting(enum hokm_signal signal)
{
	return signal == HOKM_SIGNAL_UPGRADE || signal == HOKM_SIGNAL_PING;
}

/* The packet path itself has begun to avoid the service after a refused SYN, since spent_ns. */
static bool refused_now(const struct observe *o, uint64_t now_ns)
{
	uint64_t until_ns = o->ring[o->newest].suspect_until_ns;

	return o->conf.limit[HOKM_SIGNAL_REFUSED].on && until_ns > now_ns && until_ns > o->spent_ns;
}

/* The clearest signal that is over its limit, with its ratio; HOKM_SIGNAL_COUNT: none. */
static enum hokm_signal wrong_signal(const struct observe *o, bool skip_waiting, uint64_t now_ns,
				     struct ratio *r)
{
	for (unsigned int i = 0; i < WEIGHED; i++) {
		enum hokm_signal signal = by_weight[i];

		if (skip_waiting && is_waiting(signal))
			continue;
		*r = look(o, signal);
		if (over(&o->conf.limit[signal], r))
			return signal;
		if (signal == HOKM_SIGNAL_REFUSED && refused_now(o, now_ns)) {
			*r = of(r->wrong ? r->wrong : 1, r->all);
			return signal;
		}
	}
	return HOKM_SIGNAL_COUNT;
}

bool observe_late_range(const struct observe *o, enum hokm_signal signal, uint64_t now_ns,
			uint64_t *from_ns, uint64_t *to_ns)
{
	if (!o->conf.on || !is_waiting(signal) || !o->conf.limit[signal].on)
		return false;
	/*
	 * The slots of the map waits wrap around: a longer range would count a slot twice, once as
	 * older than it is.
	 */
	*from_ns = minus(now_ns, (HOKM_WAIT_SLOTS - 1) * HOKM_WAIT_NS);
	if (*from_ns < o->forget_ns)
		*from_ns = o->forget_ns;
	*to_ns = minus(now_ns, observe_after_ns(o, signal));
	return *from_ns < *to_ns;
}

/* ---- the machine ---- */

static uint64_t hold_ns(const struct observe *o)
{
	uint64_t hold = o->conf.hold_ns;

	for (unsigned int i = 0; i < o->level && hold < o->conf.hold_max_ns; i++)
		hold = add(hold, hold);
	return smaller(hold, o->conf.hold_max_ns);
}

static void same(struct observe_verdict *out)
{
	*out = (struct observe_verdict){.change = OBSERVE_SAME, .signal = HOKM_SIGNAL_COUNT};
}

static void trip(struct observe *o, enum hokm_signal signal, const struct ratio *r, uint64_t now_ns,
		 struct observe_verdict *out)
{
	bool again = o->trips && now_ns < add(o->cleared_ns, o->conf.calm_ns);

	if (!again)
		o->level = 0;
	else if (hold_ns(o) < o->conf.hold_max_ns && o->level < LEVEL_MAX)
		o->level++;
	o->trips++;
	o->suspect = true;
	o->reason = hokm_signal_reason(signal);
	o->tripped_ns = now_ns;
	o->failed_ns = 0;
	o->until_ns = add(now_ns, hold_ns(o));
	*out = (struct observe_verdict){
		OBSERVE_TRIPPED, o->reason, signal, o->until_ns, r->wrong, r->all,
	};
}

static void clear(struct observe *o, uint64_t now_ns, struct observe_verdict *out)
{
	o->suspect = false;
	o->cleared_ns = now_ns;
	forget(o, now_ns);
	out->change = OBSERVE_CLEARED;
	out->reason = HOKM_R_PASSIVE_CLEAR;
}

/* until_ns has come: ends the trip, or renews it up to the bound that observe.h gives. */
static void hold_over(struct observe *o, enum hokm_signal signal, const struct ratio *r,
		      uint64_t now_ns, struct observe_verdict *out)
{
	uint64_t base_ns = o->failed_ns > o->tripped_ns ? o->failed_ns : o->tripped_ns;
	uint64_t last_ns = add(base_ns, o->conf.hold_max_ns);
	uint64_t until_ns = smaller(add(now_ns, hold_ns(o)), last_ns);

	if (signal == HOKM_SIGNAL_COUNT || until_ns <= now_ns) {
		clear(o, now_ns, out);
		return;
	}
	o->until_ns = until_ns;
	*out = (struct observe_verdict){
		OBSERVE_RENEWED, hokm_signal_reason(signal), signal, until_ns, r->wrong, r->all,
	};
}

/* ---- doubts ---- */

/*
 * The signal by which more clients were turned away than by the sample before, with its ratio. Of a
 * 5xx answer one is enough.
 */
static enum hokm_signal turned_away_by(const struct observe *o, const struct observe_sample *s,
				       struct ratio *r)
{
	const struct observe_limit *l = o->conf.limit;

	*r = look(o, HOKM_SIGNAL_STATUS);
	if (l[HOKM_SIGNAL_STATUS].on && r->wrong && s->answer_5xx != o->doubt.answer_5xx)
		return HOKM_SIGNAL_STATUS;
	*r = look(o, HOKM_SIGNAL_UNSERVED);
	if (over(&l[HOKM_SIGNAL_UNSERVED], r) && s->unserved != o->doubt.unserved)
		return HOKM_SIGNAL_UNSERVED;
	return HOKM_SIGNAL_COUNT;
}

/* Begins or renews a doubt when the newest sample has more clients that were turned away. */
static void doubt(struct observe *o, uint64_t now_ns, struct observe_verdict *out)
{
	const struct observe_sample *s = &o->ring[o->newest];
	struct observe_doubt *d = &o->doubt;
	struct ratio r;
	enum hokm_signal signal = turned_away_by(o, s, &r);

	d->unserved = s->unserved;
	d->answer_5xx = s->answer_5xx;
	if (signal == HOKM_SIGNAL_COUNT)
		return;
	if (now_ns >= d->until_ns)
		d->began_ns = now_ns;
	d->until_ns = add(now_ns, o->conf.hold_ns);
	d->signal = signal;
	d->wrong = r.wrong;
	d->all = r.all;
	*out = (struct observe_verdict){
		OBSERVE_DOUBTED, hokm_signal_reason(signal), signal, 0, r.wrong, r.all,
	};
}

bool observe_asks(const struct observe *o, enum hokm_signal signal, uint64_t now_ns)
{
	return o->conf.on && o->conf.limit[signal].on && !o->suspect &&
	       now_ns >= o->doubt.until_ns &&
	       now_ns >= add(o->looked_ns, o->conf.sample_ns / EARLY);
}

/*
 * A check failed. After the first failure in a doubt, the next result of that check decides. One
 * that the doubt had run belongs to it, although it may have ended, or another one may have begun,
 * before the check began or ended.
 */
static void decide_doubt(struct observe *o, const struct observe_result *of, uint64_t now_ns,
			 struct observe_verdict *out)
{
	struct observe_doubt *d = &o->doubt;
	const struct ratio r = {d->wrong, d->all};

	if (!d->began_ns)
		return;
	if (!(d->failed & 1u << of->check)) {
		if (of->doubting || (of->started_ns < d->until_ns && of->started_ns >= d->began_ns))
			d->failed |= 1u << of->check;
		return;
	}
	d->failed = 0;
	trip(o, d->signal, &r, now_ns, out);
	o->failed_ns = now_ns;
}

void observe_step(struct observe *o, const struct observe_sample *s, bool checks_ok,
		  uint64_t now_ns, struct observe_verdict *out)
{
	enum hokm_signal signal;
	struct ratio r = {0};
	bool late;

	same(out);
	if (!o->conf.on) {
		if (o->suspect && now_ns >= o->until_ns)
			clear(o, now_ns, out);
		return;
	}
	late = o->looked_ns && minus(now_ns, o->looked_ns) / LATE_LOOKS > o->conf.sample_ns;
	push(o, s, now_ns);
	if (!checks_ok) {
		forget(o, now_ns);
		return;
	}
	/* A late sample must not end a trip: during a trip, waiting signals count. */
	signal = wrong_signal(o, late && !o->suspect, now_ns, &r);
	if (!o->suspect && signal != HOKM_SIGNAL_COUNT)
		trip(o, signal, &r, now_ns, out);
	else if (!o->suspect)
		doubt(o, now_ns, out);
	else if (now_ns >= o->until_ns)
		hold_over(o, signal, &r, now_ns, out);
}

void observe_check(struct observe *o, const struct observe_result *r, uint64_t now_ns,
		   struct observe_verdict *out)
{
	uint64_t until_ns = add(now_ns, hold_ns(o));

	same(out);
	/* A check that passed does not end a trip; observe.h says why. */
	if (r->ok)
		o->doubt.failed &= ~(1u << r->check);
	if (r->ok || !o->conf.on)
		return;
	if (!o->suspect) {
		decide_doubt(o, r, now_ns, out);
		return;
	}
	if (r->started_ns < o->tripped_ns)
		return;
	o->failed_ns = now_ns;
	if (until_ns <= o->until_ns)
		return;
	o->until_ns = until_ns;
	out->change = OBSERVE_RENEWED;
	out->reason = o->reason;
	out->until_ns = until_ns;
}

uint64_t observe_next_ns(const struct observe *o, uint64_t now_ns)
{
	if (!o->conf.on)
		return o->suspect ? o->until_ns : 0;
	return o->looked_ns ? add(o->looked_ns, o->conf.sample_ns) : now_ns;
}
