/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Replies as text for people: plain, aligned, without colours, the same in a terminal, a pipe and a
 * log. Every function takes data as it may come from another version of the daemon: what is missing
 * shows as "?" or "-".
 */
#ifndef HOKM_CTL_RENDER_H
#define HOKM_CTL_RENDER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "hokm/names.h"

/* The commands' own (ctl_command.render, .judge). */
void render_status(const json_t *data, const json_t *options, FILE *out);
int judge_status(const json_t *data, const json_t *options, FILE *err);
/* The one frame of `conns --summary`. */
void render_summary(const json_t *data, const json_t *options, FILE *out);
void render_counters(const json_t *data, const json_t *options, FILE *out);
int judge_counters(const json_t *data, const json_t *options, FILE *err);
void render_text(const json_t *data, const json_t *options, FILE *out);
void render_drain(const json_t *data, const json_t *options, FILE *out);
/* drain.c: until the node is empty. Exit code. */
int follow_drain(const json_t *options, json_t *(*ask)(void *ctl, const char *verb), void *ctl,
		 FILE *out);
/* One frame of the event stream as one line. */
void render_event(const json_t *event, FILE *out);

/* Parts of data: what is not there gives the default. */
json_int_t field_int(const json_t *o, const char *key, json_int_t otherwise);
const char *field_text(const json_t *o, const char *key);
bool field_true(const json_t *o, const char *key);

#define RENDER_WORD 40
/*
 * "3 ms", "1.2 s", "3 min 12 s", "2 h 5 min", "3 d 4 h"; "never" for a negative. buf:
 * RENDER_WORD.
 */
const char *word_age(json_int_t ms, char *buf);
/* The age of a field, "never" when null or missing. */
const char *word_field_age(const json_t *o, const char *key, char *buf);
/* "350 us", "1.25 ms", "12.3 ms", "1.2 s"; "-" for a negative. */
const char *word_us(json_int_t us, char *buf);
/* "name 3, other 1" of those that are not zero; nothing otherwise. Returns how many. */
unsigned int render_counts(json_t *counts, FILE *out);
/* "512", "1.5 KiB", "3.0 MiB" */
const char *word_bytes(json_int_t bytes, char *buf);

/*
 * A table: cells are added row by row, the first row is the heading; columns are as wide as their
 * widest cell, those in `right` (one character a column, 'r' or 'l') are set to the right.
 */
struct table {
	const char *align;
	size_t n, cap;
	char **cells;
	bool failed; /* without memory: the table says so instead of its rows */
};
void table_cell(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Prints and frees. */
void table_print(struct table *t, FILE *out);

#endif
