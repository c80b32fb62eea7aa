/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Replies of the daemon as text: plain, aligned, without colours, and the same in a terminal, a
 * pipe and a log.
 *
 *   render_status.c   status              render_conns.c    conns
 *   render_lists.c    counters, texts     render_summary.c  conns --summary
 *   render_dns.c      dns                 render_timeline.c  timeline
 *   render_events.c   events              drain.c           drain
 *   render_gone.c     status, when no daemon answers
 *   render_table.c    times, sizes, counts, and tables with columns
 *
 * The daemon may be of another version than the client: a field that is missing shows as "?" or
 * "-", and an unknown one is ignored.
 */
#ifndef HOKM_CTL_RENDER_H
#define HOKM_CTL_RENDER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "hokm/names.h"

/*
 * Asks the daemon one more question. Returns a new reference to the data of the reply, or NULL
 * after it has reported why there is none.
 */
typedef json_t *(*ctl_ask_fn)(void *ctl, const char *verb);

/* The members `render` and `judge` of the commands; see struct ctl_command. */
void render_status(const json_t *data, const json_t *options, FILE *out);
/* The same from the facts of gone.h, when no daemon answers. */
void render_gone(const json_t *data, const json_t *options, FILE *out);
int judge_status(const json_t *data, const json_t *options, FILE *err);
/* The first line of status: whether this node is the owner. */
void render_headline(const json_t *data, FILE *out);
/* The one frame of `conns --summary`. */
void render_summary(const json_t *data, const json_t *options, FILE *out);
void render_counters(const json_t *data, const json_t *options, FILE *out);
int judge_counters(const json_t *data, const json_t *options, FILE *err);
/* A reply that is one sentence. */
void render_text(const json_t *data, const json_t *options, FILE *out);
void render_drain(const json_t *data, const json_t *options, FILE *out);
/* With --wait or --timeout: returns when the node is empty. The exit code. */
int follow_drain(const json_t *options, ctl_ask_fn ask, void *ctl, FILE *out);
/* Of upgrade and reload: what is done now. With --json only what it comes to is shown. */
void render_order(const json_t *data, const json_t *options, FILE *out);
/* Returns when the new daemon has taken its place, or the upgrade was refused. The exit code. */
int follow_upgrade(const json_t *options, ctl_ask_fn ask, void *ctl, FILE *out);
/* Returns when the new configuration is in use, or was refused. The exit code. */
int follow_reload(const json_t *options, ctl_ask_fn ask, void *ctl, FILE *out);
void render_dns(const json_t *data, const json_t *options, FILE *out);
/* For status: what needs attention, that is troubles and TTLs that are too long, and a line. */
void render_dns_warnings(const json_t *dns, FILE *out);
void render_dns_troubles(const json_t *dns, FILE *out);
void render_dns_ttl(const json_t *dns, FILE *out);
void render_dns_line(const json_t *dns, FILE *out);
/* For status: what needs attention, a line each. */
void render_warnings(const json_t *data, FILE *out);
/* For status: the paths of the pulses beside the segment, and those not in use. */
void render_paths(const json_t *data, FILE *out);
void render_path_warnings(const json_t *data, FILE *out);
/* For status: the other interfaces of the machine. */
void render_fences(const json_t *data, FILE *out);
/* For status: the settings and secrets that must agree. "agree", "DIFFER" or "unknown". */
void render_agree_warnings(const json_t *data, FILE *out);
const char *word_agree(const json_t *peer);
/* For status: the lines of services that have a command recover. */
void render_recover(const json_t *services, FILE *out);
/* For status: the permission to become owner, the lease and the successor. */
void render_ownership(const json_t *data, FILE *out);
/* One frame of the event stream as one line. */
void render_event(const json_t *event, FILE *out);
#define RENDER_TIME 32 /* bytes of the buffer that word_time() writes to */
/* A moment of the wall clock, in the local time zone: "2026-11-22 21:30:01.123". */
const char *word_time(int64_t us, char *buf);

/* A field of an object; when it is missing: `otherwise`, "?" and false. */
json_int_t field_int(const json_t *o, const char *key, json_int_t otherwise);
const char *field_text(const json_t *o, const char *key);
bool field_true(const json_t *o, const char *key);

#define RENDER_WORD 40 /* bytes of the buffer that word_*() write to */
/* "3 ms", "1.2 s", "3 min 12 s", "2 h 5 min", "3 d 4 h"; "never" for a negative value. */
const char *word_age(json_int_t ms, char *buf);
/* The same for a field in ms; "never" when it is null or missing. */
const char *word_field_age(const json_t *o, const char *key, char *buf);
/* "350 us", "1.25 ms", "12.3 ms", "1.2 s"; "-" for a negative value. */
const char *word_us(json_int_t us, char *buf);
/* "512", "1.5 KiB", "3.0 MiB" */
const char *word_bytes(json_int_t bytes, char *buf);
/* Prints "name 3, other 1" for the counts that are not zero. Returns how many these are. */
unsigned int render_counts(json_t *counts, FILE *out);
/* The sum of them. */
json_int_t render_sum(json_t *counts);

/*
 * A table. Cells are added row by row, and the first row is the heading. A column is as wide as its
 * widest cell. `align` has one character for each column: 'r' aligns right, 'l' left.
 */
struct table {
	const char *align;
	size_t n, cap;
	char **cells;
	bool failed; /* memory ran out: table_print() reports it instead of the rows */
};
void table_cell(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Prints the table and frees its cells. */
void table_print(struct table *t, FILE *out);

#endif
