/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rules for the passive checks. How far back they look is bounded by the samples that are kept
 * (OBSERVE_SAMPLES_MAX), and for unanswered requests by what map waits remembers
 * (HOKM_WAIT_SLOTS).
 */
#include <string.h>

#include "base/units.h"
#include "conf/conf_int.h"
#include "conf/schema.h"

#define SAMPLES_MIN 2

/* Several samples after the longest `after` the request is still found in map waits. */
_Static_assert(PASSIVE_AFTER_MAX + 3 * NS_PER_S < (HOKM_WAIT_SLOTS - 1) * HOKM_WAIT_NS, "waits");

/* A time that looks back fits into the samples: a default is made to fit, a value must. */
static void fit_samples(const struct conf_sec *s, const char *key, const struct observe_conf *o,
			uint64_t *ns)
{
	const uint64_t least_ns = SAMPLES_MIN * o->sample_ns;
	const uint64_t most_ns = (OBSERVE_SAMPLES_MAX - 1) * o->sample_ns;
	char text[DURATION_TEXT_MAX];

	if (*ns > most_ns) {
		if (conf_good(s, key))
			conf_complain(s, key, "at most %u times passive.sample, that is %s",
				      OBSERVE_SAMPLES_MAX - 1, duration_format(most_ns, text));
		*ns = most_ns;
	} else if (*ns < least_ns) {
		if (conf_good(s, key))
			conf_complain(s, key, "at least %u times passive.sample, that is %s",
				      SAMPLES_MIN, duration_format(least_ns, text));
		*ns = least_ns;
	}
}

/* A time of 0 makes no service suspect: then there is nothing to observe for. */
static void check_suspect(const struct conf_sec *s, struct observe_conf *o)
{
	char text[DURATION_TEXT_MAX];

	if (!o->hold_ns && o->on && conf_given(s, "enabled"))
		conf_complain(s, "suspect",
			      "no service would become suspect: give it a time, "
			      "or set passive.enabled = no");
	if (!o->hold_ns)
		o->on = false;
	if (o->hold_max_ns >= o->hold_ns)
		return;
	if (conf_good(s, "suspect_max"))
		conf_complain(s, "suspect_max", "at least passive.suspect, that is %s",
			      duration_format(o->hold_ns, text));
	o->hold_max_ns = o->hold_ns;
}

void rule_passive(const struct conf_sec *s, struct conf *c)
{
	check_suspect(s, &c->observe);
	fit_samples(s, "window", &c->observe, &c->observe.window_ns);
}

void rule_signal(const struct conf_sec *s, struct conf *c)
{
	struct observe_limit *limit = s->item;

	if (s->title == HOKM_SIGNAL_UPGRADE || s->title == HOKM_SIGNAL_PING)
		fit_samples(s, "after", &c->observe, &limit->after_ns);
}
