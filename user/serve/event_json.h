/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lines of the event stream as JSON, as `ctl events` has them, and the filter over their kinds.
 *
 * every line  seq, time (RFC 3339, UTC, ms), source ("kernel" | "daemon"), kind, text
 * daemon      what (same as kind), reason when there is one
 * kernel      client, service, target when known; counter of a drop; age_ms, bytes_in, bytes_out,
 * side and, for a WebSocket, close_code of a closed connection; status and upgrade_us of an
 *             upgrade; side (whose frames) and fault of lost sync
 */
#ifndef HOKM_CTL_EVENT_JSON_H
#define HOKM_CTL_EVENT_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "sense/events.h"

/* New reference; NULL without memory. `names` may be NULL: slots are shown as numbers then. */
json_t *event_line_json(const struct event_line *line, const struct event_names *names);

/* The word a filter goes by: kind of a kernel record, what of the daemon's line. */
const char *event_line_kind(const struct event_line *line);

/*
 * `kinds` is an array of words, or NULL for all: kinds, or "kernel" and "daemon" for all of theirs.
 */
bool event_line_matches(const struct event_line *line, const json_t *kinds);

/* True for a word that event_line_matches() can ever match. */
bool event_kind_known(const char *word);

/* All those words, separated by ", ". */
void event_kinds_list(char *buf, size_t size);

#endif
