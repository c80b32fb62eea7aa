/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events as JSON, as `ctl events --json` shows them, and the filter by kind.
 *
 * every event seq, time (RFC 3339, UTC, ms), source ("kernel" | "daemon"), kind, text
 * daemon      what (same as kind), and a reason if there is one
 * kernel      client, service and target when known;
 *             of a drop: counter;
 *             of a closed connection: age_ms, bytes_in, bytes_out, side, and close_code for a
 *             WebSocket;
 *             of an upgrade: status and upgrade_us;
 *             of lost synchronization: side (whose frames) and fault
 */
#ifndef HOKM_CTL_EVENT_JSON_H
#define HOKM_CTL_EVENT_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "sense/events.h"

/* New reference; NULL without memory. `names` may be NULL: then slots are shown as numbers. */
json_t *event_line_json(const struct event_line *line, const struct event_names *names);

/* What a filter matches: the kind of a kernel record, "what" of an event of the daemon. */
const char *event_line_kind(const struct event_line *line);

/*
 * `kinds` is an array of kinds, or NULL for all of them; "kernel" and "daemon" stand for every kind
 * of that source.
 */
bool event_line_matches(const struct event_line *line, const json_t *kinds);

/* True for a word that event_line_matches() can ever match. */
bool event_kind_known(const char *word);

/* All such words, separated by ", ". */
void event_kinds_list(char *buf, size_t size);

#endif
