/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events: the one reader of the perf event array, joined with the daemon's own transitions into one
 * stream for any number of followers. Keeps the newest EVENTS_KEEP as a ring, for `ctl events`.
 */
#ifndef HOKM_SENSE_EVENTS_H
#define HOKM_SENSE_EVENTS_H

#include <stdint.h>
#include <systemd/sd-event.h>

#include "hokm/names.h"

#define EVENTS_KEEP 1024

enum event_source { EVENT_KERNEL, EVENT_DAEMON };

/* One line of the stream. kernel: record is valid; daemon: what, reason and text are. */
struct event_line {
	uint64_t seq;
	uint64_t now_ns;     /* boot time */
	int64_t realtime_ns; /* wall clock, for people */
	enum event_source source;
	struct hokm_event record;
	const char *what;    /* static: "state", "service", "peer", "hook", "config", "operator" */
	enum hokm_reason reason;
	char text[160];
};

struct events; /* opaque */
typedef void (*event_fn)(const struct event_line *line, void *arg);
typedef void (*event_record_fn)(const struct hokm_event *record, void *arg);

/* events_fd: the map. `record_fn` (may be NULL) lets the daemon act on a kernel record. */
int events_open(sd_event *event, int events_fd, event_record_fn record_fn, void *arg,
		struct events **out);
void events_close(struct events *e);

/* The daemon's own transition. */
void events_add(struct events *e, const char *what, enum hokm_reason reason, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Follower: called for each new line until removed. Returns an id > 0 or -errno. */
int events_follow(struct events *e, event_fn fn, void *arg);
void events_unfollow(struct events *e, int id);
/* Calls fn for the newest `n` kept lines, oldest first. */
void events_recent(struct events *e, unsigned int n, event_fn fn, void *arg);
uint64_t events_lost(const struct events *e);

#endif
