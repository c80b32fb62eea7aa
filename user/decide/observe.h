/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Passive health (`observe`): reads one service's counters and oldest unanswered requests, a sample
 * every sample_ns, and says when the traffic looks so bad that new players had better go elsewhere
 * until active checks have spoken. It never takes a service down (DESIGN rule 4).
 *
 *            a signal over its limit                 hold over, and nothing wrong any more
 *   CALM ──────────────────────────> SUSPECT ──────────────────────────────────> CALM
 *                                     │    ^  hold over, still wrong; or an active check failed:
 *                                     └────┘  RENEWED
 *
 * Two kinds of signals (hokm/names.h HOKM_SIGNALS):
 *   counted   over the window: wrong = refused SYNs, SYNs without SYN-ACK, 5xx answers, resets,
 * ends without a close frame, closes with 1011-1013; all = those and the ones that went well
 *   waiting   requests (upgrades, pings) that have waited longer than after_ns; all = those and
 * what was answered within the last after_ns
 *
 * The hold doubles with each trip that comes within calm_ns of the last one's end, up to
 * hold_max_ns. The active checks decide while it lasts: one that fails renews it. A trip ends at
 * the latest hold_max_ns after it began or after the last check that failed, whatever the traffic
 * looks like; then what was seen before is forgotten and fresh evidence is needed. While a check
 * says that the service is not UP its state steers, and what is seen is forgotten too: it says
 * nothing about the time after.
 *
 * Pure: all time comes in.
 */
#ifndef HOKM_OBSERVE_H
#define HOKM_OBSERVE_H

#include "decide/observe_conf.h"

/* One look at a service. Counters are cumulative, as map counters has them; they never go back. */
struct observe_sample {
	uint64_t syn;           /* syn_local */
	uint64_t syn_ack;       /* counter of that name */
	uint64_t refused;       /* counter of that name */
	uint64_t answered;      /* switched + upgrade_4xx + upgrade_5xx + upgrade_other */
	uint64_t answer_5xx;    /* upgrade_5xx */
	uint64_t pongs;         /* out_pong */
	uint64_t reset;         /* reset_server */
	uint64_t abnormal;      /* abnormal_server */
	uint64_t close_error;   /* close_1011 + close_1012 + close_1013 */
	uint64_t ended;         /* all of reset_server, abnormal_*, close_server and close_client */
	uint32_t late_upgrades; /* waiting longer than after_ns; see observe_late_range() */
	uint32_t late_pings;
	/* what the packet path set by itself on a refused SYN; 0: nothing */
	uint64_t suspect_until_ns;
};

enum observe_change {
	OBSERVE_SAME,
	OBSERVE_TRIPPED, /* new players go elsewhere until until_ns; active checks start at once */
	OBSERVE_RENEWED, /* until_ns moved */
	OBSERVE_CLEARED, /* over */
};

struct observe_verdict {
	enum observe_change change;
	/* PASSIVE_*: the signal's, of the trip's when a check renewed it; cleared: PASSIVE_CLEAR */
	enum hokm_reason reason;
	enum hokm_signal signal; /* tripped and renewed by traffic: which; else HOKM_SIGNAL_COUNT */
	uint64_t until_ns;       /* tripped, renewed */
	uint64_t wrong, all;     /* what the signal saw */
};

struct observe {
	struct observe_conf conf;
	struct observe_sample ring[OBSERVE_SAMPLES_MAX];
	uint64_t ring_ns[OBSERVE_SAMPLES_MAX];
	unsigned int newest, n;
	bool suspect;
	enum hokm_reason reason; /* of the present or last trip */
	unsigned int level;      /* how often the hold was doubled */
	uint64_t tripped_ns, until_ns, cleared_ns;
	uint64_t failed_ns; /* last failed active check of the present trip */
	uint64_t forget_ns; /* what began before counts no longer */
	uint64_t spent_ns;  /* suspect_until_ns up to here has had its say */
	uint64_t looked_ns; /* last sample; 0: none yet */
	uint64_t trips;     /* since the daemon started */
};

void observe_init(struct observe *o, const struct observe_conf *conf, uint64_t now_ns);
/*
 * New settings: what was seen is forgotten, a running hold stays as it is, even when switched off.
 */
void observe_reconf(struct observe *o, const struct observe_conf *conf, uint64_t now_ns);

/*
 * Requests of this signal that began in [*from_ns, *to_ns) and have no answer yet are late: what
 * the caller counts into the sample. Never longer than map waits remembers. False: nothing to
 * count.
 */
bool observe_late_range(const struct observe *o, enum hokm_signal signal, uint64_t now_ns,
			uint64_t *from_ns, uint64_t *to_ns);

/* One sample. `checks_ok`: every active check says UP now; else a trip would say nothing new. */
void observe_step(struct observe *o, const struct observe_sample *s, bool checks_ok,
		  uint64_t now_ns, struct observe_verdict *out);

/*
 * Result of one active check that was started at started_ns; only those of the present trip count.
 */
void observe_check(struct observe *o, bool ok, uint64_t started_ns, uint64_t now_ns,
		   struct observe_verdict *out);

/*
 * When to look again: every sample_ns; off: at the end of a hold that still runs, 0 when none does.
 */
uint64_t observe_next_ns(const struct observe *o, uint64_t now_ns);

#endif
