/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events: the one reader of the perf event array, joined with the daemon's own transitions into one
 * stream for any number of followers. Keeps the newest EVENTS_KEEP of each source, for `ctl
 * events`.
 */
#ifndef HOKM_SENSE_EVENTS_H
#define HOKM_SENSE_EVENTS_H

#include <stdint.h>
#include <systemd/sd-event.h>

#include "hokm/names.h"

#define EVENTS_KEEP 1024

#define EVENTS_FOLLOWERS_MAX 64

enum event_source { EVENT_KERNEL, EVENT_DAEMON };

/*
 * What the daemon's own lines are about; "lost" is this file's: kernel records that did not
 * arrive.
 */
#define EVENT_WHATS                                                                           \
	"state", "service", "passive", "stale", "peer", "hook", "config", "operator", "link", \
		"agent", "lost"

/* One line of the stream. kernel: record is valid; daemon: what, reason and text are. */
struct event_line {
	uint64_t seq;
	uint64_t now_ns;     /* boot time */
	int64_t realtime_ns; /* wall clock, for people */
	enum event_source source;
	struct hokm_event record;
	const char *what; /* static: one of EVENT_WHATS */
	enum hokm_reason reason;
	char text[160];
};

struct events; /* opaque */
typedef void (*event_fn)(const struct event_line *line, void *arg);
typedef void (*event_record_fn)(const struct hokm_event *record, void *arg);

/*
 * Who is behind the slots of a record: only the daemon knows. Both may give NULL for a slot that
 * nobody has. What they return lives at least until the call after next.
 */
struct event_names {
	const char *(*service)(unsigned int slot, void *arg);
	const char *(*peer)(unsigned int slot, void *arg);
	void *arg;
};

/*
 * events_fd: the map, not taken over; negative for none (there are only the daemon's own events
 * then). `record_fn` (may be NULL) lets the daemon act on a kernel record. 0 or -errno, logged.
 */
int events_open(sd_event *event, int events_fd, event_record_fn record_fn, void *arg,
		struct events **out);
void events_close(struct events *e);

/* One raw record, and `n` records that did not fit: what the perf buffer calls; open to tests. */
void events_take_record(struct events *e, const void *data, uint32_t size);
void events_take_lost(struct events *e, uint64_t n);

/* The daemon's own transition. */
void events_add(struct events *e, const char *what, enum hokm_reason reason, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/*
 * Follower: called for each new line until removed, which it may be from inside a call. Returns an
 * id > 0 or -EUSERS.
 */
int events_follow(struct events *e, event_fn fn, void *arg);
void events_unfollow(struct events *e, int id);
/* Calls fn for the newest `n` kept lines of each source, in their common order, oldest first. */
void events_recent(struct events *e, unsigned int n, event_fn fn, void *arg);
/* Kernel records that the buffer could not take; each loss is also a line of the stream. */
uint64_t events_lost(const struct events *e);

#endif
