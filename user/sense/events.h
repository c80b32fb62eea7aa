/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The event stream of a node. It has two sources: records of the packet path, which arrive through
 * a perf event array, and the transitions of the daemon itself. Both become lines of one sequence
 * with increasing numbers.
 *
 * A struct events is the only reader of the perf event array. It keeps the newest EVENTS_KEEP lines
 * of each source for `ctl events`, and calls any number of followers for each new line. It is used
 * by the thread of the event loop only.
 */
#ifndef HOKM_SENSE_EVENTS_H
#define HOKM_SENSE_EVENTS_H

#include <stdint.h>
#include <systemd/sd-event.h>

#include "hokm/names.h"

/* Lines that are kept of each source. */
#define EVENTS_KEEP 1024

#define EVENTS_FOLLOWERS_MAX 64

enum event_source { EVENT_KERNEL, EVENT_DAEMON };

/*
 * The subjects of the daemon's own lines. The subject "lost" is used here, when kernel records were
 * lost.
 */
#define EVENT_WHATS                                                                           \
	"state", "service", "passive", "stale", "peer", "hook", "config", "operator", "link", \
		"agent", "upkeep", "dns", "drill", "lost"

/* One line of the stream. */
struct event_line {
	uint64_t seq;
	uint64_t now_ns;     /* since boot */
	int64_t realtime_ns; /* wall-clock time, for display */
	enum event_source source;
	struct hokm_event record; /* valid for EVENT_KERNEL */
	/* Valid for EVENT_DAEMON. */
	const char *what; /* one of EVENT_WHATS; static */
	enum hokm_reason reason;
	char text[160];
};

struct events; /* opaque */

/* Receives a line. The line is valid during the call. */
typedef void (*event_fn)(const struct event_line *line, void *arg);

/* Receives a kernel record. The record is valid during the call. */
typedef void (*event_record_fn)(const struct hokm_event *record, void *arg);

/*
 * Names for the slots of a record, which only the daemon knows. A function returns NULL for a slot
 * that is not in use. A returned name stays valid at least until the call after the next one.
 */
struct event_names {
	const char *(*service)(unsigned int slot, void *arg);
	const char *(*peer)(unsigned int slot, void *arg);
	void *arg;
};

/*
 * Opens the stream. `events_fd` is the map events and stays the caller's; a negative one means that
 * there are only the daemon's own lines. `record_fn` (may be NULL) is called for each kernel record
 * after the followers. Returns 0 or -errno, logged. The caller closes *out with events_close().
 */
int events_open(sd_event *event, int events_fd, event_record_fn record_fn, void *arg,
		struct events **out);
void events_close(struct events *e);

/*
 * The caller has waited for the descriptor of the event loop. Linux announces new records to one
 * who asks once, however deep the descriptors lie in each other, so the event loop may not learn of
 * them: those that wait are read in this turn or the next ones. 0 or -errno.
 */
int events_look(struct events *e);

/* Takes one raw record. The perf buffer calls this; tests call it too. */
void events_take_record(struct events *e, const void *data, uint32_t size);

/*
 * Takes the number of kernel records that were lost. The perf buffer calls this; tests call it too.
 */
void events_take_lost(struct events *e, uint64_t n);

/* Adds a line of the daemon. `what` is one of EVENT_WHATS; a text that does not fit is cut. */
void events_add(struct events *e, const char *what, enum hokm_reason reason, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* How many lines there were so far. */
uint64_t events_lines(const struct events *e);

/*
 * Calls `fn` for each new line from now on. Returns an id greater than 0, or -EUSERS when there are
 * EVENTS_FOLLOWERS_MAX followers already.
 */
int events_follow(struct events *e, event_fn fn, void *arg);

/* Removes a follower. A follower may remove itself or another one during its call. */
void events_unfollow(struct events *e, int id);

/* Calls `fn` for the newest `n` kept lines of each source, in their common order, oldest first. */
void events_recent(struct events *e, unsigned int n, event_fn fn, void *arg);

/* Returns how many kernel records were lost. Each loss is also a line of the stream. */
uint64_t events_lost(const struct events *e);

#endif
