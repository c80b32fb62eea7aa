/* SPDX-License-Identifier: GPL-2.0-only */
#include "observe_rig.h"

void look_conf(struct observe_conf *conf)
{
	*conf = (struct observe_conf){
		.on = true,
		.sample_ns = 100 * MS,
		.window_ns = 2 * SEC,
		.hold_ns = 3 * SEC,
		.hold_max_ns = 60 * SEC,
		.calm_ns = 60 * SEC,
		.timeout_ns = SEC,
	};
	for (unsigned int i = 0; i < HOKM_SIGNAL_COUNT; i++)
		conf->limit[i] = (struct observe_limit){.on = true, .min = 3, .percent = 50};
	conf->limit[HOKM_SIGNAL_UPGRADE].after_ns = 500 * MS;
	conf->limit[HOKM_SIGNAL_PING].after_ns = 500 * MS;
}

static enum observe_change look(struct observe_rig *r)
{
	observe_step(&r->o, &r->s, r->checks_ok, r->now_ns, &r->v);
	if (r->v.change != OBSERVE_DOUBTED)
		return r->v.change;
	if (r->v.signal != HOKM_SIGNAL_UNSERVED)
		return look_check(r, true, 0);
	look_check(r, false, 0);
	return look_check(r, false, 0);
}

void look_init(struct observe_rig *r, const struct observe_conf *conf)
{
	*r = (struct observe_rig){.now_ns = RIG_T0, .checks_ok = true};
	r->s.syn = r->s.syn_ack = r->s.refused = 100000;
	r->s.answered = r->s.answer_5xx = r->s.pongs = 100000;
	r->s.reset = r->s.abnormal = r->s.close_error = r->s.ended = 100000;
	r->s.unserved = r->s.established = 100000;
	observe_init(&r->o, conf, r->now_ns);
	look(r);
}

enum observe_change look_once(struct observe_rig *r)
{
	r->now_ns += r->o.conf.sample_ns;
	return look(r);
}

enum observe_change look_run(struct observe_rig *r, uint64_t ns)
{
	uint64_t end_ns = r->now_ns + ns;

	while (r->now_ns < end_ns)
		if (look_once(r) != OBSERVE_SAME)
			return r->v.change;
	return OBSERVE_SAME;
}

enum observe_change look_check(struct observe_rig *r, bool ok, uint64_t ago_ns)
{
	const struct observe_result of = {.ok = ok, .started_ns = r->now_ns - ago_ns};

	observe_check(&r->o, &of, r->now_ns, &r->v);
	return r->v.change;
}

void look_wrong(struct observe_sample *s, enum hokm_signal signal, unsigned int n)
{
	switch (signal) {
	case HOKM_SIGNAL_REFUSED:
		s->syn += n;
		s->refused += n;
		break;
	case HOKM_SIGNAL_SYN:
		s->syn += n;
		s->queue_full = true;
		break;
	case HOKM_SIGNAL_UPGRADE:
		s->late_upgrades += n;
		break;
	case HOKM_SIGNAL_PING:
		s->late_pings += n;
		break;
	case HOKM_SIGNAL_STATUS:
		s->answered += n;
		s->answer_5xx += n;
		break;
	case HOKM_SIGNAL_RESET:
		s->ended += n;
		s->reset += n;
		break;
	case HOKM_SIGNAL_ABNORMAL:
		s->ended += n;
		s->abnormal += n;
		break;
	case HOKM_SIGNAL_CLOSE:
		s->ended += n;
		s->close_error += n;
		break;
	case HOKM_SIGNAL_UNSERVED:
		s->established += n;
		s->unserved += n;
		break;
	case HOKM_SIGNAL_COUNT:
		break;
	}
}

void look_good(struct observe_sample *s, enum hokm_signal signal, unsigned int n)
{
	switch (signal) {
	case HOKM_SIGNAL_REFUSED:
	case HOKM_SIGNAL_SYN:
		s->syn += n;
		s->syn_ack += n;
		break;
	case HOKM_SIGNAL_UPGRADE:
	case HOKM_SIGNAL_STATUS:
		s->answered += n;
		break;
	case HOKM_SIGNAL_UNSERVED:
		s->established += n;
		break;
	case HOKM_SIGNAL_PING:
		s->pongs += n;
		break;
	case HOKM_SIGNAL_RESET:
	case HOKM_SIGNAL_ABNORMAL:
	case HOKM_SIGNAL_CLOSE:
		s->ended += n;
		break;
	case HOKM_SIGNAL_COUNT:
		break;
	}
}
