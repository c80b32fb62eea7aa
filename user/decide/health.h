/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The health of one active check: a counter with HAProxy's rise and fall. A pure machine; the
 * caller starts a check when health_start() returns true, and reports its result.
 *
 * The counter `value` runs from 0 to top = rise + fall - 1. The check is UP while value >= rise.
 *
 *   result    value
 *   first     0 after a failure, top after a success: the first result decides alone
 *   failure   value - 1; when that is below rise: 0
 *   success   value + 1; when that is at least rise: top
 *   failure of a doubt's check: value
 *
 * Events: a result of the check, the agent lost the check, traffic looks bad (hurry), clients were
 * turned away, rightly or not (doubt), the passive checks suspect the service or cease to (alert),
 * new settings.
 *
 * Timers, read by health_next_ns()
 *   interval     from the start of a check to the next one, while value is top
 *   downinter    the same, while value is 0
 *   fastinter    the same, while value is between, before the first result, and on alert
 *   none         after a failed check of a doubt, the next one starts at its end
 *   doubt_gap    from the end of a doubt's check that passed to the next one: fastinter, doubled
 *                each time while doubts go on, up to interval
 *   hard limit   timeout + 2 s after the start: the agent lost the check, it counts as failed
 *
 * Invariants
 *   - At most one check is running; the next one is due at its end or later. An alert abandons it.
 *   - Only the result with the number of the running check counts. A result that is late, or of the
 *     time before a reload, has another number.
 *   - UP is not kept without results: a check past its hard limit counts as failed.
 *   - A client can cause doubts. So what a doubt's check finds counts only when it is good. One
 * that failed is repeated in the same way; the check after that counts as every other.
 */
#ifndef HOKM_HEALTH_H
#define HOKM_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "hokm/names.h"

struct health_conf {
	unsigned int rise, fall; /* 0 counts as 1 */
	uint64_t interval_ns, fastinter_ns, downinter_ns;
	uint64_t timeout_ns;
	uint64_t alert_timeout_ns; /* timeout of a check while on alert; 0: timeout_ns */
};

struct health {
	struct health_conf conf;
	bool known;         /* there was a result; false is state INIT */
	unsigned int value; /* 0 .. rise + fall - 1 */
	bool running;       /* a check is running */
	uint32_t seq;       /* number of the running check, or of the last one */
	uint64_t started_ns;
	uint64_t next_ns;        /* when the next check is due */
	enum hokm_reason reason; /* the last result */
	uint64_t changed_ns;     /* time of the last change between UP and DOWN */
	uint64_t last_ns;        /* time of the last result */
	uint64_t took_ns;        /* duration of the last check */
	bool again;              /* hurried while a check ran: the next one starts at its end */
	uint64_t hurried_ns;     /* last time a hurry or a doubt was accepted */
	bool doubt;              /* the next check is that of a doubt */
	bool doubting;           /* the running check is, or the last one was */
	bool repeats;            /* this doubt repeats a check that failed in it */
	uint64_t doubt_gap_ns;   /* the present wait between checks of doubts; 0: none */
	uint64_t doubt_from_ns;  /* no check of a doubt starts before this */
	bool alert;              /* the passive checks suspect the service */
};

/* `spread_ns` delays the first check, so that not all checks of a node run at the same time. */
void health_init(struct health *h, const struct health_conf *conf, uint64_t now_ns,
		 uint64_t spread_ns);
/* New settings. UP stays UP and DOWN stays DOWN; the next check may be due sooner. */
void health_reconf(struct health *h, const struct health_conf *conf, uint64_t now_ns);
bool health_up(const struct health *h);

/*
 * True when the caller must start a check now; h->seq is its number. First, a running check that is
 * past its hard limit is counted as failed with CHECK_AGENT: read health_up() after this call,
 * whatever it returned.
 */
bool health_start(struct health *h, uint64_t now_ns);

/*
 * The result of check `seq`: CHECK_OK or the reason of its failure. Ignored unless this check is
 * running. True when the state (INIT, UP, DOWN) changed.
 */
bool health_result(struct health *h, uint32_t seq, enum hokm_reason result, uint64_t now_ns);

/*
 * The running check was lost by the agent, which says nothing about the service: there is no
 * result, and the next check is due after fastinter. It counts as failed (CHECK_AGENT) only when
 * the last result is older than interval + timeout + 2 s. True when the state changed.
 */
bool health_lost(struct health *h, uint64_t now_ns);

/*
 * Traffic looks bad: the next check is due now or, while one is running, at its end. Accepted once
 * in fastinter.
 */
void health_hurry(struct health *h, uint64_t now_ns);

/*
 * Clients were turned away: is the server ill? The next check is due now, as after a hurry, or
 * after the wait doubt_gap, and has one attempt. Its failure, and that of the repetition, is for
 * the passive checks alone, which put the check on alert.
 */
void health_doubt(struct health *h, uint64_t now_ns);

/*
 * Begins or ends an alert. On alert, a check runs every fastinter whatever the counter says, and
 * its timeout is alert_timeout_ns. At the beginning a check is due at once; a check that is running
 * is abandoned without a result, because it may take its long timeout.
 */
void health_alert(struct health *h, bool on, uint64_t now_ns);
/* Has the running check one attempt? The question is whether the server answers now. */
bool health_single(const struct health *h);
/* The timeout of the running check or, when none is running, of the next one. */
uint64_t health_timeout_ns(const struct health *h);

/* When to call health_start() again: the next check, or the hard limit of the running one. */
uint64_t health_next_ns(const struct health *h);

#endif
