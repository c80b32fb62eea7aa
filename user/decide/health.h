/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Health of one check: HAProxy's counter. `health` runs from 0 to rise + fall - 1, UP while it is
 * at least `rise`. A failure takes one off and, once below rise, snaps to 0; a success adds one
 * and, once at or above rise, snaps to the top. In INIT the first result decides alone.
 *
 * Pure. The caller runs a check when health_next_ns() comes and reports the result.
 */
#ifndef HOKM_HEALTH_H
#define HOKM_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "hokm/names.h"

struct health_conf {
	unsigned int rise, fall;
	uint64_t interval_ns, fastinter_ns, downinter_ns;
	uint64_t timeout_ns;
	uint64_t alert_timeout_ns; /* of a check while on alert; 0: timeout_ns */
};

struct health {
	struct health_conf conf;
	bool known;         /* a result came in */
	unsigned int value; /* 0 .. rise + fall - 1 */
	bool running;       /* a check is out */
	uint32_t seq;       /* of the check that is out or was last */
	uint64_t started_ns;
	uint64_t next_ns;        /* when the next check is due */
	enum hokm_reason reason; /* of the last result */
	uint64_t changed_ns;     /* last change between UP and DOWN */
	uint64_t last_ns;        /* last result */
	uint64_t took_ns;        /* of the last check */
	bool again;              /* hurried while one ran: check again right after it */
	uint64_t hurried_ns;     /* last time a hurry was heeded */
	bool alert;              /* passive checks suspect the service */
};

/* `spread_ns` delays the first check, so that many do not run at once. */
void health_init(struct health *h, const struct health_conf *conf, uint64_t now_ns,
		 uint64_t spread_ns);
void health_reconf(struct health *h, const struct health_conf *conf, uint64_t now_ns);
bool health_up(const struct health *h);

/*
 * True when a check is due: marks it running, gives it a sequence number (h->seq). A running check
 * past its hard limit (timeout + 2 s) is first counted as failed, reason CHECK_AGENT: look at
 * health_up() afterwards, whatever this returns.
 */
bool health_start(struct health *h, uint64_t now_ns);

/*
 * Result of check `seq` (CHECK_OK or a failure). A result that is not of the running check is
 * ignored. Returns true when UP/DOWN (or known) changed.
 */
bool health_result(struct health *h, uint32_t seq, enum hokm_reason result, uint64_t now_ns);

/*
 * The check that is out was lost, the agent's doing and not the service's: it counts for nothing
 * and another is due after fastinter. Only when no result came for longer than an interval and a
 * whole check is it a failure (CHECK_AGENT). Returns as health_result().
 */
bool health_lost(struct health *h, uint64_t now_ns);

/*
 * Something was seen in real traffic: check now. A running check is left to end, then one more runs
 * at once. Heeded once per fastinter.
 */
void health_hurry(struct health *h, uint64_t now_ns);

/*
 * On alert checks run every fastinter, each bounded by alert_timeout_ns, whatever the counter says.
 * Going on alert starts one at once: a check that is out, and might take its long timeout, is given
 * up without a result, so that its late answer is ignored.
 */
void health_alert(struct health *h, bool on, uint64_t now_ns);
/* How long the check that is out, or the next one, may take. */
uint64_t health_timeout_ns(const struct health *h);

/* When the caller must look again: the next check, or the running check's hard limit. */
uint64_t health_next_ns(const struct health *h);

#endif
