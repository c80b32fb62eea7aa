/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All channels of notifications at work: the rules of each (decide/notify.h), one delivery at a
 * time, retries with a back-off, and a circuit.
 *
 *   closed     the last attempt succeeded, or fewer than ENGINE_OPEN_AFTER failed in a row
 *   open       more failed: nothing is sent until `try_ns`
 *   half-open  that moment has come: the next attempt decides
 *
 * Channels know nothing of each other, so that one that is down delays no other. No function waits
 * for the network but engine_wait(). Moments are of clock_now_ns().
 */
#ifndef HOKM_AGENT_NOTIFY_ENGINE_H
#define HOKM_AGENT_NOTIFY_ENGINE_H

#include "agent/notify_deliver.h"

#define ENGINE_OPEN_AFTER 3

struct channel {
	struct conf_notify conf;
	struct notify_state state;
	struct delivery *delivery; /* NULL: none runs */
	unsigned int failures;     /* in a row */
	uint64_t try_ns;           /* not before; 0: at once */
	uint64_t delivered, failed, refused;
	int64_t delivered_s;             /* wall clock of the last one; 0: never */
	char detail[DELIVER_DETAIL_MAX]; /* of the last attempt */
};

/* A delivery has ended; the message is still in c->state.out. */
typedef void (*engine_end_fn)(const struct channel *c, const struct delivery *d, void *arg);

struct engine {
	CURLM *multi;
	struct notify_who who;
	unsigned int n;
	struct channel *channels; /* CONF_NOTIFY_MAX of them */
	bool changed;             /* since the caller has set it to false */
	engine_end_fn fn;
	void *arg;
};

int engine_open(struct engine *e, engine_end_fn fn, void *arg);
void engine_close(struct engine *e);

/* Other channels from now on. One that had the same name before keeps what waits. */
void engine_configure(struct engine *e, const struct notify_who *who,
		      const struct conf_notify *list, unsigned int n);
/* The configuration names this, and nothing else. */
void engine_know(struct engine *e, const struct notify_known *known, uint64_t now_ns);
void engine_take(struct engine *e, const struct notify_event *ev, uint64_t now_ns);
/* So many events did not come here: each channel reports that with its next message. */
void engine_lost(struct engine *e, uint32_t n);
/*
 * What waited on disk could not be read. Nobody knows how much it was, and whether it was critical:
 * each channel reports it, as one event at least that was dropped.
 */
void engine_unread(struct engine *e);
/* Starts what may start, and ends what has ended. */
void engine_run(struct engine *e, uint64_t now_ns);
/* Waits until `fd` (-1: none) is readable or there is work, at most `most_ms`. */
void engine_wait(struct engine *e, int fd, int most_ms, uint64_t now_ns);

/* Now, by both clocks. */
struct notify_time engine_now(uint64_t now_ns);

/* "closed", "open", "half-open" or "no-credential". */
const char *engine_circuit(const struct channel *c, uint64_t now_ns);

#endif
