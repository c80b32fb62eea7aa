/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Recovery of a service: when the operator's command is run for a service that went DOWN, and when
 * it is run again. Pure.
 *
 *   idle      the service is UP, or has not been UP since this daemon started
 *   waits     DOWN: the next attempt is due at next_ns
 *   runs      the command of the newest attempt runs
 *   held      DOWN, and the operator keeps the node from it: no attempt begins
 *   limited   DOWN: as many attempts as an hour may have were made within the last hour
 *   spent     DOWN, and all attempts were made
 *
 * The first attempt begins when the service goes DOWN. After the end of attempt n the service has
 * backoff * 2^(n-1) to come UP, at most RECOVER_PAUSE_MAX_NS. Attempts are counted anew when the
 * service was UP. The limit of an hour counts those of earlier failures too: a service that fails
 * again and again is not restarted without limit.
 *
 * A service that was never UP may be one that still starts, so it is left alone.
 */
#ifndef HOKM_RECOVER_H
#define HOKM_RECOVER_H

#include <stdbool.h>
#include <stdint.h>

#define RECOVER_LIMIT_MAX    60 /* attempts of an hour */
#define RECOVER_PAUSE_MAX_NS (3600 * 1000000000ULL)
#define RECOVER_HOUR_NS      (3600 * 1000000000ULL)

struct recover_conf {
	bool on; /* there is a command */
	unsigned int attempts, limit;
	uint64_t backoff_ns;
};

enum recover_state {
	RECOVER_IDLE,
	RECOVER_WAITS,
	RECOVER_RUNS,
	RECOVER_HELD,
	RECOVER_LIMITED,
	RECOVER_SPENT,
};

/* What is known of the service now. INIT is neither. */
struct recover_view {
	bool up, down;
	bool held; /* maintenance, drain, stop; or the checks pause, or their process is to blame */
	bool busy; /* the command of another service runs */
};

struct recover {
	enum recover_state state;
	bool was_up;
	unsigned int attempts; /* since the service was UP */
	uint64_t next_ns;
	bool limit_told;                       /* since the service was UP */
	uint64_t starts_ns[RECOVER_LIMIT_MAX]; /* of the newest attempts; 0: none */
	unsigned int newest;                   /* index of the last one */
};

enum recover_do {
	RECOVER_NOTHING,
	RECOVER_RUN,        /* run the command; then call recover_ended() */
	RECOVER_GIVE_UP,    /* report: all attempts were made, and the service is still DOWN */
	RECOVER_TELL_LIMIT, /* report: the limit of an hour is reached */
	RECOVER_TELL_UP,    /* report: the service is UP again, after r->attempts attempts */
};

/* What is to be done now. RECOVER_TELL_UP leaves r->attempts until the next call. */
enum recover_do recover_step(struct recover *r, const struct recover_conf *c,
			     const struct recover_view *v, uint64_t now_ns);
/* The command of the newest attempt has ended, or could not be started. */
void recover_ended(struct recover *r, const struct recover_conf *c, uint64_t now_ns);

/* The attempts of the last hour. */
unsigned int recover_within_hour(const struct recover *r, uint64_t now_ns);
const char *recover_state_name(enum recover_state s);

#endif
