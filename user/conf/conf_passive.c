/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The section passive: when real traffic makes a service suspect. Its subsections `signal NAME` are
 * the list HOKM_SIGNALS; there is no second one here.
 *
 * How far back it looks is bounded by the samples that are kept (OBSERVE_SAMPLES_MAX), and for
 * requests that wait by what map waits remembers (HOKM_WAIT_SLOTS).
 */
#include <string.h>

#include "conf/conf_int.h"
#include "base/units.h"

#define MINUTE      (60 * NS_PER_S)
#define COUNT_MAX   100000
#define SAMPLE_MIN  (10 * NS_PER_MS)
#define SAMPLES_MIN 2
#define AFTER_MAX   (30 * NS_PER_S)

/* Behind the longest `after` several looks still find the request in map waits. */
_Static_assert(AFTER_MAX + 3 * NS_PER_S < (HOKM_WAIT_SLOTS - 1) * HOKM_WAIT_NS, "waits");

static bool has_after(unsigned int signal)
{
	return signal == HOKM_SIGNAL_UPGRADE || signal == HOKM_SIGNAL_PING;
}

static uint64_t farthest_ns(const struct observe_conf *o)
{
	return o->sample_ns * (OBSERVE_SAMPLES_MAX - 1);
}

/* A time that looks back: given, it must fit into the samples; by default it is made to fit. */
static void read_back(const struct conf_sec *s, const char *key, uint64_t max_ns,
		      const struct observe_conf *o, uint64_t *ns)
{
	char text[DURATION_TEXT_MAX];
	uint64_t least_ns = SAMPLES_MIN * o->sample_ns, most_ns = farthest_ns(o);

	if (!conf_given(s, key)) {
		if (*ns < least_ns)
			*ns = least_ns;
		if (*ns > most_ns)
			*ns = most_ns;
		return;
	}
	if (!conf_read_duration(s, key, NS_PER_MS, max_ns, ns))
		return;
	if (*ns > most_ns)
		conf_complain(s, key, "at most %u times passive.sample, that is %s",
			      OBSERVE_SAMPLES_MAX - 1, duration_format(most_ns, text));
	else if (*ns < least_ns)
		conf_complain(s, key, "at least %u times passive.sample, that is %s", SAMPLES_MIN,
			      duration_format(least_ns, text));
}

static void read_signal(const struct conf_sec *s, struct observe_conf *o, unsigned int signal)
{
	struct observe_limit *l = &o->limit[signal];

	conf_read_bool(s, "enabled", &l->on);
	conf_read_number(s, "min", 1, COUNT_MAX, &l->min);
	conf_read_number(s, "percent", 1, 100, &l->percent);
	if (has_after(signal))
		read_back(s, "after", AFTER_MAX, o, &l->after_ns);
	else if (conf_given(s, "after"))
		conf_complain(s, "after", "only for the signals upgrade and ping");
}

static unsigned int signal_of(const char *title)
{
	unsigned int i;

	for (i = 0; i < HOKM_SIGNAL_COUNT; i++)
		if (!strcmp(hokm_signal_name(i), title))
			break;
	return i;
}

static void unknown_signal(const struct conf_sec *s, int line, const char *title)
{
	char known[160] = "";
	size_t at = 0;

	for (unsigned int i = 0; i < HOKM_SIGNAL_COUNT && at < sizeof(known); i++)
		at += (size_t)snprintf(known + at, sizeof(known) - at, "%s%s", i ? ", " : "",
				       hokm_signal_name(i));
	conf_error_at(s->errors, line, "%ssignal \"%.*s\": one of: %s", s->name, CONF_NAME_MAX,
		      title, known);
}

static void read_signals(const struct conf_sec *s, struct observe_conf *o)
{
	bool given[HOKM_SIGNAL_COUNT] = {false};
	struct conf_sec sub;

	for (unsigned int i = 0; conf_nth_section(s, "signal", i, &sub); i++) {
		const char *title = cfg_title(sub.cfg);
		unsigned int signal = signal_of(title);

		if (signal == HOKM_SIGNAL_COUNT) {
			unknown_signal(s, sub.cfg->line, title);
			continue;
		}
		given[signal] = true;
		read_signal(&sub, o, signal);
	}
	/* Those that the file does not name follow a changed sample too. */
	for (unsigned int i = 0; i < HOKM_SIGNAL_COUNT; i++)
		if (!given[i] && has_after(i))
			read_back(s, "after", AFTER_MAX, o, &o->limit[i].after_ns);
}

/* 0 holds nobody back: then there is nothing to observe for. */
static void read_holds(const struct conf_sec *s, struct observe_conf *o)
{
	char text[DURATION_TEXT_MAX];

	conf_read_duration(s, "suspect", 0, 5 * MINUTE, &o->hold_ns);
	if (!o->hold_ns && o->on && conf_given(s, "enabled"))
		conf_complain(s, "suspect",
			      "holds nobody back: give it a time, or set passive.enabled = no");
	if (!o->hold_ns)
		o->on = false;
	if (!conf_read_duration(s, "suspect_max", 0, 60 * MINUTE, &o->hold_max_ns)) {
		if (o->hold_max_ns < o->hold_ns)
			o->hold_max_ns = o->hold_ns;
	} else if (o->hold_max_ns < o->hold_ns) {
		conf_complain(s, "suspect_max", "at least passive.suspect, that is %s",
			      duration_format(o->hold_ns, text));
	}
	conf_read_duration(s, "calm", 0, 60 * MINUTE, &o->calm_ns);
}

void conf_read_passive(const struct conf_sec *root, struct conf *c)
{
	struct observe_conf *o = &c->observe;
	struct conf_sec s;

	if (!conf_one_section(root, "passive", &s))
		return;
	conf_read_bool(&s, "enabled", &o->on);
	read_holds(&s, o);
	conf_read_duration(&s, "sample", SAMPLE_MIN, NS_PER_S, &o->sample_ns);
	read_back(&s, "window", 10 * MINUTE, o, &o->window_ns);
	conf_read_duration(&s, "timeout", SAMPLE_MIN, 10 * MINUTE, &o->timeout_ns);
	read_signals(&s, o);
}
