/* SPDX-License-Identifier: GPL-2.0-only */
/* The keys of section passive, and of the section of each signal in it. See schema.c. */
#include "conf/schema_passive.h"
#include "conf/conf_int.h"
#include "conf/schema_rows.h"

#define SIGNAL_WORD(prefix, id, word, text) [prefix##_##id] = (word),
static const char *const signals[] = {
	HOKM_SIGNALS(SIGNAL_WORD, HOKM_SIGNAL)[HOKM_SIGNAL_COUNT] = NULL};

static const struct conf_preset signal_min[] = {
	[HOKM_SIGNAL_REFUSED] = {"1", NULL},  [HOKM_SIGNAL_SYN] = {"3", NULL},
	[HOKM_SIGNAL_UPGRADE] = {"3", NULL},  [HOKM_SIGNAL_STATUS] = {"3", NULL},
	[HOKM_SIGNAL_PING] = {"3", NULL},     [HOKM_SIGNAL_RESET] = {"5", NULL},
	[HOKM_SIGNAL_ABNORMAL] = {"5", NULL}, [HOKM_SIGNAL_CLOSE] = {"3", NULL},
	[HOKM_SIGNAL_UNSERVED] = {"1", NULL},
};
static const struct conf_preset signal_percent[] = {
	[HOKM_SIGNAL_REFUSED] = {"50", NULL},  [HOKM_SIGNAL_SYN] = {"50", NULL},
	[HOKM_SIGNAL_UPGRADE] = {"50", NULL},  [HOKM_SIGNAL_STATUS] = {"50", NULL},
	[HOKM_SIGNAL_PING] = {"50", NULL},     [HOKM_SIGNAL_RESET] = {"50", NULL},
	[HOKM_SIGNAL_ABNORMAL] = {"50", NULL}, [HOKM_SIGNAL_CLOSE] = {"50", NULL},
	[HOKM_SIGNAL_UNSERVED] = {"1", NULL},
};
static const struct conf_preset signal_after[] = {
	[HOKM_SIGNAL_UPGRADE] = {"500ms", "150ms"},
	[HOKM_SIGNAL_PING] = {"2s", "500ms"},
};

static const struct conf_key signal_keys[] = {
	KEY("passive.signal.enabled", BOOL, FIELD(observe_limit, on), RELOAD, "yes", NULL,
	    "Take this signal into account."),
	KEY("passive.signal.min", NUMBER(1, 100000), FIELD(observe_limit, min), RELOAD, NULL, NULL,
	    "The least number of failures within window.", .by_title = signal_min),
	KEY("passive.signal.percent", NUMBER(1, 100), FIELD(observe_limit, percent), RELOAD, NULL,
	    NULL, "The least share of failures among all that were counted within window.",
	    .by_title = signal_percent),
	KEY("passive.signal.after", DURATION(MS(20), PASSIVE_AFTER_MAX),
	    FIELD(observe_limit, after_ns), RELOAD, NULL, NULL,
	    "A request without an answer for this long is a failure. "
	    "For an upgrade it is twice the median of the last minute, if that is longer, "
	    "but at most 10 times this. From 2 to 127 times sample.",
	    .titles = FOR(HOKM_SIGNAL_UPGRADE) | FOR(HOKM_SIGNAL_PING), .by_title = signal_after),
	END_OF_KEYS,
};

const struct conf_section conf_passive_sections[] = {
	{
		.name = "signal",
		.path = "passive.signal",
		.meaning =
			"The limits of one signal. The service becomes suspect when there are at "
			"least min failures and they are at least percent of all. refused: SYNs "
			"answered with RST; syn: SYNs without SYN-ACK; upgrade: upgrade requests "
			"without an answer; status: upgrade requests answered with 5xx; ping: "
			"pings of clients without a pong; reset: connections reset by the server; "
			"abnormal: connections closed by the server without a close frame; close: "
			"connections closed by the server with code 1011, 1012 or 1013; unserved: "
			"connections that the server ended without an answer. unserved alone makes "
			"no service suspect: past its limit checks run at once, and one that fails "
			"twice does, because a server may end connections of clients that it bans.",
		.keys = signal_keys,
		.rule = rule_signal,
		.title_key = "name",
		.titles = signals,
		.titles_are = "the signals",
		.without = signals,
		.items = {offsetof(struct conf, observe.limit), sizeof(struct observe_limit)},
		.most = HOKM_SIGNAL_COUNT,
	},
	END_OF_SECTIONS,
};

const struct conf_key conf_passive_keys[] = {
	KEY("passive.enabled", BOOL, FIELD(conf, observe.on), RELOAD, "yes", NULL,
	    "Use the signals. With no, a refused SYN still makes the service suspect; suspect = "
	    "0s turns that off too."),
	KEY("passive.suspect", DURATION(0, MIN(5)), FIELD(conf, observe.hold_ns), RELOAD, "3s",
	    "1s",
	    "How long the service is suspect for the first time. 0s turns the passive checks off."),
	KEY("passive.suspect_max", DURATION(0, HOURS(1)), FIELD(conf, observe.hold_max_ns), RELOAD,
	    "60s", "30s",
	    "The service is suspect for twice as long each further time, but never for longer "
	    "than this. At least suspect."),
	KEY("passive.calm", DURATION(0, HOURS(1)), FIELD(conf, observe.calm_ns), RELOAD, "60s",
	    "30s",
	    "After this long without a signal past its limit the time starts again at suspect."),
	KEY("passive.sample", DURATION(MS(10), S(1)), FIELD(conf, observe.sample_ns), RELOAD,
	    "100ms", "20ms", "Time between two looks at the counters."),
	KEY("passive.window", DURATION(MS(20), S(127)), FIELD(conf, observe.window_ns), RELOAD,
	    "2s", "500ms", "How far back failures are counted. From 2 to 127 times sample."),
	KEY("passive.timeout", DURATION(MS(10), MIN(10)), FIELD(conf, observe.timeout_ns), RELOAD,
	    "1s", "250ms",
	    "The timeout of active checks while the service is suspect. It must be longer than a "
	    "check of a healthy service takes."),
	END_OF_KEYS,
};
