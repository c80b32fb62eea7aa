/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Passive checks of one service (`passive { … }`): judges samples of the packet path's counters and
 * of its oldest unanswered requests. While traffic looks bad, new players are steered to a peer and
 * active checks decide about the state. A passive check never takes a service down (rule 4,
 * docs/architecture.md). A pure machine; time comes in with each event.
 *
 *   state     event                                          next      verdict
 *   CALM      a signal is over its limit                     SUSPECT   TRIPPED
 *   CALM      clients were turned away                       CALM      DOUBTED
 *   CALM      an active check of a doubt fails twice        SUSPECT   TRIPPED
 *   SUSPECT   an active check fails                          SUSPECT   RENEWED, new end
 *   SUSPECT   until_ns, a signal is still over its limit     SUSPECT   RENEWED, new end
 *   SUSPECT   until_ns, no signal is over its limit          CALM      CLEARED
 *   SUSPECT   hold_max_ns since trip and last failed check   CALM      CLEARED
 *
 * Signals (HOKM_SIGNALS in hokm/names.h) compare the requests that failed with all requests:
 *   counted   over window_ns; failed: refused SYNs, SYNs without SYN-ACK, 5xx answers, resets,
 *             ends without a close frame, closes with 1011 to 1013. SYNs without SYN-ACK count only
 *             while a queue of the server is full. Anybody can send SYNs that get no answer, and a
 *             packet filter discards those of clients that it bans (rule 4).
 *   waiting   upgrades and pings; failed: unanswered for longer than after_ns; all: these and what
 *             was answered within the last after_ns
 *   doubtful  over window_ns; failed: connections that the server ended without an answer; all:
 *             those whose handshake is complete, also of TLS and plain HTTP
 *
 * A doubtful signal alone never trips. A proxy whose game is dead ends connections without an
 * answer, and so does a server that bans a client: anybody who is banned could raise the signal
 * (rule 4). The active checks tell the two apart. A check that begins in a doubt and fails is
 * repeated at once, and trips when it fails again. Clients set how often checks run in a doubt, so
 * one failure alone, as in a short stall, is no proof. A hold after the last client was turned away
 * the doubt is over. A 5xx answer begins a doubt too, long before the signal `status` is over its
 * limit.
 *
 * Honest slowness is no illness: an upgrade is late after twice the service's own median
 * (observe_pace()) when that is longer than after_ns, and at the latest after OBSERVE_PATIENCE
 * times after_ns.
 *
 * Timers, read by observe_next_ns()
 *   sample_ns   between two samples; at least a quarter of it before an early one
 *   until_ns    end of a trip: hold_ns after its beginning, doubled with each trip that begins
 *               within calm_ns of the end of the last one, at most hold_max_ns
 *
 * Invariants
 *   - A trip ends at the latest hold_max_ns after its beginning or after the last active check that
 *     failed in it, whatever the traffic looks like. Few new players come meanwhile, so that the
 *     same old requests could renew it without limit.
 *   - A check that passes does not end a trip: players would move back and forth with each check.
 *   - The end of a trip, and a service that is not UP, discard all samples: they say nothing about
 *     the time after.
 */
#ifndef HOKM_OBSERVE_H
#define HOKM_OBSERVE_H

#include "decide/observe_conf.h"

/* What the packet path says of one service now. Counters only grow, as in the map counters. */
struct observe_sample {
	uint64_t syn;           /* syn_local */
	uint64_t syn_ack;       /* counter of that name */
	uint64_t established;   /* counter of that name */
	uint64_t refused;       /* counter of that name */
	uint64_t filtered;      /* rst_filter, rst_join: a RST that says nothing bad */
	uint64_t answered;      /* switched + upgrade_4xx + upgrade_5xx + upgrade_other */
	uint64_t answer_5xx;    /* upgrade_5xx */
	uint64_t pongs;         /* out_pong */
	uint64_t reset;         /* reset_server */
	uint64_t abnormal;      /* abnormal_server */
	uint64_t close_error;   /* close_1011 + close_1012 + close_1013 */
	uint64_t ended;         /* reset_server + abnormal_* + close_server + close_client */
	uint64_t unserved;      /* counter of that name */
	uint32_t late_upgrades; /* unanswered for longer than after_ns: observe_late_range() */
	uint32_t late_pings;
	bool queue_full; /* of a socket that listens for the service; observe_asks_queue() */
	/*
	 * until when the packet path itself avoids the service after a refused SYN; 0: it does not
	 */
	uint64_t suspect_until_ns;
};

enum observe_change {
	OBSERVE_SAME,
	OBSERVE_TRIPPED, /* new players go to a peer until until_ns; active checks start at once */
	OBSERVE_RENEWED, /* until_ns is later than before */
	OBSERVE_CLEARED, /* the trip is over */
	OBSERVE_DOUBTED, /* active checks start at once; nothing else happens */
};

struct observe_verdict {
	enum observe_change change;
	/* PASSIVE_* of the signal; renewed by a check: of the trip; cleared: PASSIVE_CLEAR */
	enum hokm_reason reason;
	/* tripped, doubted, or renewed by traffic; else HOKM_SIGNAL_COUNT */
	enum hokm_signal signal;
	uint64_t until_ns;   /* tripped, renewed */
	uint64_t wrong, all; /* requests that failed, and all requests, of the signal */
};

/* What an active check has to decide. */
struct observe_doubt {
	enum hokm_signal signal;
	uint64_t wrong, all;
	uint64_t unserved, answer_5xx; /* of the last sample: more of them begin or renew it */
	uint64_t began_ns;             /* checks that began earlier decide nothing */
	uint64_t until_ns;             /* 0: there is no doubt */
	uint32_t failed; /* checks whose last result was a failure in a doubt: one bit each */
};

#define OBSERVE_PATIENCE 10

struct observe {
	struct observe_conf conf;
	uint64_t pace_ns; /* how long an upgrade takes at this service; 0: not known */
	struct observe_sample ring[OBSERVE_SAMPLES_MAX]; /* the last n samples */
	uint64_t ring_ns[OBSERVE_SAMPLES_MAX];
	unsigned int newest, n; /* index of the newest sample; how many there are */
	bool suspect;
	enum hokm_reason reason; /* of the present or last trip */
	unsigned int level;      /* how many times hold_ns is doubled */
	uint64_t tripped_ns, until_ns, cleared_ns;
	uint64_t failed_ns; /* last failed active check of the present trip; 0: none */
	uint64_t forget_ns; /* requests that began earlier do not count */
	uint64_t spent_ns;  /* values of suspect_until_ns up to this one do not count */
	struct observe_doubt doubt;
	uint64_t looked_ns; /* time of the last sample; 0: none yet */
	uint64_t trips;     /* since the daemon started */
};

void observe_init(struct observe *o, const struct observe_conf *conf, uint64_t now_ns);
/* New settings. All samples are discarded; a trip lasts as before, even when `on` is now false. */
void observe_reconf(struct observe *o, const struct observe_conf *conf, uint64_t now_ns);

/* How long an upgrade takes at this service: the median; UINT64_MAX: not known, be patient. */
void observe_pace(struct observe *o, uint64_t median_ns);
/* After how long a request of this signal, UPGRADE or PING, is late. */
uint64_t observe_after_ns(const struct observe *o, enum hokm_signal signal);

/*
 * Unanswered requests of this signal that began in [*from_ns, *to_ns) are late: the caller counts
 * them into the sample. The range never exceeds what the map waits remembers. False: there is
 * nothing to count.
 */
bool observe_late_range(const struct observe *o, enum hokm_signal signal, uint64_t now_ns,
			uint64_t *from_ns, uint64_t *to_ns);

/*
 * Did SYNs of the window stay without an answer? Then the sample must say whether a queue is full.
 */
bool observe_asks_queue(const struct observe *o, const struct observe_sample *s);

/*
 * The server may have turned a client away, by this signal: is a sample to come early? It is not
 * while there is a doubt or a trip, and not within a quarter of sample_ns after the last sample.
 */
bool observe_asks(const struct observe *o, enum hokm_signal signal, uint64_t now_ns);

/* Adds a sample. checks_ok: every active check is UP; otherwise no trip can begin. */
void observe_step(struct observe *o, const struct observe_sample *s, bool checks_ok,
		  uint64_t now_ns, struct observe_verdict *out);

/* The result of an active check, by its place in the service. */
struct observe_result {
	unsigned int check;
	bool ok;
	bool doubting; /* a doubt had it run (struct health) */
	uint64_t started_ns;
};

/* It counts if a trip or a doubt had begun when the check did. */
void observe_check(struct observe *o, const struct observe_result *r, uint64_t now_ns,
		   struct observe_verdict *out);

/*
 * When to call observe_step() again: sample_ns after the last sample. With `on` false: at
 * the end of a trip that still lasts; 0 when there is none.
 */
uint64_t observe_next_ns(const struct observe *o, uint64_t now_ns);

#endif
