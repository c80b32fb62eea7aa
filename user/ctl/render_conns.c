/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `ctl conns`: a listing of any length, printed frame by frame as it arrives. As text it is a
 * table; the first frame with rows determines the widths of the columns. As JSON it is one document
 * with one row a line. serve/conns.h describes the frames.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctl_proto.h"
#include "ctl/commands.h"
#include "ctl/render.h"

#define CELL_MAX 80 /* at least RENDER_WORD */

enum kind { TEXT, AGE, US, COUNT, BYTES, FLAGS, WAITS };

/* A column shows the field `key`; WAITS shows the field `also` too. */
static const struct column {
	const char *head;
	enum kind kind;
	const char *key;
	const char *also;
	/* shown only when this option is given, with this value unless NULL; NULL: always */
	const char *option, *word;
	enum { HERE, THERE, BOTH } of; /* connections of this node; of peers (--peer); both */
} columns[] = {
	{"CLIENT", TEXT, "client", NULL, NULL, NULL, BOTH},
	{"SERVICE", TEXT, "service", NULL, NULL, NULL, BOTH},
	{"HOLDER", TEXT, "holder", NULL, NULL, NULL, THERE},
	{"STATE", TEXT, "state", NULL, NULL, NULL, HERE},
	{"WS", TEXT, "ws", NULL, NULL, NULL, HERE},
	{"TARGET", TEXT, "target", NULL, NULL, NULL, HERE},
	{"AGE", AGE, "age_ms", NULL, NULL, NULL, BOTH},
	{"REPLICATED", AGE, "told_ms", NULL, NULL, NULL, THERE},
	{"SEQ", COUNT, "seq_next", NULL, NULL, NULL, THERE},
	{"ACK", COUNT, "ack_next", NULL, NULL, NULL, THERE},
	{"ANSWERED", AGE, "answered_ms", NULL, NULL, NULL, THERE},
	{"IDLE-IN", AGE, "idle_in_ms", NULL, NULL, NULL, HERE},
	{"IDLE-OUT", AGE, "idle_out_ms", NULL, NULL, NULL, HERE},
	{"FRAMES-IN", COUNT, "frames_in", NULL, NULL, NULL, HERE},
	{"FRAMES-OUT", COUNT, "frames_out", NULL, NULL, NULL, HERE},
	{"RTT", US, "rtt_us", NULL, NULL, NULL, HERE},
	{"RTT-CLIENT", US, "rtt_client_us", NULL, "sort", "rtt-client", HERE},
	{"RTT-CLIENT", US, "rtt_client_us", NULL, "top", "rtt-client", HERE},
	{"UPGRADE", US, "upgrade_us", NULL, "sort", "upgrade", HERE},
	{"UPGRADE", US, "upgrade_us", NULL, "top", "upgrade", HERE},
	{"BYTES-IN", BYTES, "bytes_in", NULL, NULL, NULL, HERE},
	{"BYTES-OUT", BYTES, "bytes_out", NULL, NULL, NULL, HERE},
	{"WAITS", WAITS, "stale_ms", "stale_reason", "stale", NULL, HERE},
	{"WAITS", WAITS, "stale_ms", "stale_reason", "sort", "stale", HERE},
	{"WAITS", WAITS, "stale_ms", "stale_reason", "top", "stale", HERE},
	{"FLAGS", FLAGS, "flags", NULL, NULL, NULL, HERE},
};
_Static_assert(CELL_MAX >= RENDER_WORD, "words fit");
#define N_COLUMNS (sizeof(columns) / sizeof(columns[0]))

struct view {
	const json_t *options;
	FILE *out;
	bool json;
	json_t *keys;            /* names of the values of a row, as sent by the daemon */
	json_int_t rows;         /* printed so far */
	size_t at[N_COLUMNS];    /* index in a row of the column's value */
	size_t also[N_COLUMNS];  /* index of its second value */
	size_t width[N_COLUMNS]; /* below CELL_MAX */
	bool used[N_COLUMNS];
};

/* ---- the request ---- */

/* --stale and --sort stale ask for the same column: only the first one is shown. */
static bool seen_before(const json_t *options, size_t column);

static bool wanted(const json_t *options, size_t column)
{
	const struct column *c = &columns[column];
	const char *given;

	if (c->of != BOTH && (c->of == THERE) != (json_object_get(options, "peer") != NULL))
		return false;
	if (!c->option)
		return true;
	given = json_string_value(json_object_get(options, c->option));
	if (!given || (c->word && strcmp(given, c->word) != 0))
		return false;
	return !seen_before(options, column);
}

static bool seen_before(const json_t *options, size_t column)
{
	for (size_t i = 0; i < column; i++)
		if (!strcmp(columns[i].key, columns[column].key) && wanted(options, i))
			return true;
	return false;
}

static int conns_prepare(const json_t *options, json_t *args)
{
	json_t *keys;
	int failed = 0;

	/* JSON has all keys; a summary and `kill` have no rows. */
	if (field_true(options, "json") || field_true(options, "summary") ||
	    json_object_get(options, "action"))
		return 0;
	keys = json_array();
	if (!keys)
		return -ENOMEM;
	for (size_t i = 0; i < N_COLUMNS && !failed; i++) {
		if (!wanted(options, i))
			continue;
		failed = json_array_append_new(keys, json_string(columns[i].key));
		if (!failed && columns[i].also)
			failed = json_array_append_new(keys, json_string(columns[i].also));
	}
	if (failed) {
		json_decref(keys);
		return -ENOMEM;
	}
	return json_object_set_new(args, "keys", keys) ? -ENOMEM : 0;
}

/* ---- a table ---- */

static void flags_cell(const json_t *flags, char *cell)
{
	size_t i, used = 0;
	json_t *f;

	snprintf(cell, CELL_MAX, "-");
	json_array_foreach (flags, i, f) {
		const char *word = json_string_value(f);

		if (used < CELL_MAX)
			used += (size_t)snprintf(cell + used, CELL_MAX - used, "%s%s", i ? "," : "",
						 word ? word : "?");
	}
}

/* 5200 and "stale-upgrade" become "upgrade 5.2 s". */
static void waits_cell(json_int_t ms, const json_t *reason, char *cell)
{
	const char *why = json_string_value(reason);
	char age[RENDER_WORD];

	if (why && !strncmp(why, "stale-", 6))
		why += 6;
	if (ms < 0)
		snprintf(cell, CELL_MAX, "-");
	else
		snprintf(cell, CELL_MAX, "%s %s", why ? why : "?", word_age(ms, age));
}

static void make_cell(const struct view *v, size_t column, const json_t *row, char *cell)
{
	const json_t *value = json_array_get(row, v->at[column]);
	json_int_t n = json_is_integer(value) ? json_integer_value(value) : -1;
	const char *text = json_string_value(value);

	switch (columns[column].kind) {
	case TEXT:
		snprintf(cell, CELL_MAX, "%s", text ? text : "?");
		break;
	case AGE:
		word_age(n, cell);
		break;
	case US:
		word_us(n, cell);
		break;
	case COUNT:
		snprintf(cell, CELL_MAX, "%lld", (long long)n);
		break;
	case BYTES:
		word_bytes(n, cell);
		break;
	case FLAGS:
		flags_cell(value, cell);
		break;
	case WAITS:
		waits_cell(n, json_array_get(row, v->also[column]), cell);
		break;
	}
}

static size_t find_key(const json_t *keys, const char *key)
{
	size_t i;
	json_t *k;

	json_array_foreach (keys, i, k) {
		const char *word = json_string_value(k);

		if (key && word && !strcmp(word, key))
			return i;
	}
	return json_array_size(keys); /* beyond the end of every row: shows as unknown */
}

static void take_keys(struct view *v, json_t *keys)
{
	json_decref(v->keys);
	v->keys = json_incref(keys);
	for (size_t i = 0; i < N_COLUMNS; i++) {
		v->used[i] = wanted(v->options, i);
		v->at[i] = find_key(keys, columns[i].key);
		v->also[i] = find_key(keys, columns[i].also);
	}
}

/* Appends a cell and its padding to the line; the last column has no padding. */
static size_t put_cell(const struct view *v, size_t column, const char *cell, char *line)
{
	size_t len = strlen(cell), wide = v->width[column] > len ? v->width[column] - len : 0;
	bool left = columns[column].kind == TEXT;
	char *to = line;

	if (column == N_COLUMNS - 1)
		wide = 0;
	memset(to, ' ', 2 + wide);
	to += 2 + (left ? 0 : wide);
	memcpy(to, cell, len);
	to += len;
	if (left)
		memset(to, ' ', wide);
	return 2 + wide + len;
}

/*
 * Prints a row; NULL: the heading. The line is assembled first: one call of stdio for each cell
 * would take most of the time.
 */
static void print_row(const struct view *v, const json_t *row)
{
	char line[N_COLUMNS * (CELL_MAX + 2) + 1], cell[CELL_MAX];
	size_t len = 0;

	for (size_t c = 0; c < N_COLUMNS; c++) {
		if (!v->used[c])
			continue;
		if (row)
			make_cell(v, c, row, cell);
		len += put_cell(v, c, row ? cell : columns[c].head, line + len);
	}
	line[len++] = '\n';
	/* ctl_run() checks the stream for failed writes at the end. */
	(void)fwrite(line, 1, len, v->out);
}

static void measure(struct view *v, const json_t *rows)
{
	char cell[CELL_MAX];
	size_t i;
	json_t *row;

	for (size_t c = 0; c < N_COLUMNS; c++) {
		size_t width = strlen(columns[c].head);

		json_array_foreach (rows, i, row) {
			make_cell(v, c, row, cell);
			if (strlen(cell) > width)
				width = strlen(cell);
		}
		v->width[c] = width;
	}
}

static void table_rows(struct view *v, const json_t *rows)
{
	size_t i;
	json_t *row;

	if (!v->rows) {
		measure(v, rows);
		print_row(v, NULL);
	}
	json_array_foreach (rows, i, row)
		print_row(v, row);
}

static void table_end(const struct view *v, const json_t *data)
{
	json_int_t total = field_int(data, "total", v->rows);
	json_int_t seen = field_int(data, "seen", total);

	if (seen != total)
		fprintf(v->out, "%lld of ", (long long)total);
	fprintf(v->out, "%lld %sconnection%s", (long long)seen,
		field_true(v->options, "half_open") ? "half-open " : "", seen == 1 ? "" : "s");
	if (v->rows < total)
		fprintf(v->out, ", %lld shown; --limit N shows more", (long long)v->rows);
	fprintf(v->out, "\n");
}

/* ---- JSON ---- */

static void print_value(const json_t *value, FILE *out)
{
	if (!value || json_is_null(value))
		fputs("null", out);
	else if (json_dumpf(value, out, JSON_COMPACT | JSON_ENCODE_ANY))
		fputs("null", out);
}

static void json_row(const struct view *v, const json_t *row)
{
	size_t i;
	json_t *key;

	fputs("  {", v->out);
	json_array_foreach (v->keys, i, key) {
		const char *word = json_string_value(key), *comma = i ? ", " : "";
		const json_t *value = json_array_get(row, i);

		if (json_is_integer(value)) {
			fprintf(v->out, "%s\"%s\": %lld", comma, word ? word : "?",
				(long long)json_integer_value(value));
		} else {
			fprintf(v->out, "%s\"%s\": ", comma, word ? word : "?");
			print_value(value, v->out);
		}
	}
	fputs("}", v->out);
}

static void json_rows(const struct view *v, const json_t *rows)
{
	size_t i;
	json_t *row;

	json_array_foreach (rows, i, row) {
		if (v->rows || i)
			fputs(",\n", v->out);
		json_row(v, row);
	}
}

static void json_end(const struct view *v, json_t *data)
{
	const char *key;
	json_t *value;

	fputs(v->rows ? "\n]" : "]", v->out);
	json_object_foreach (data, key, value) {
		fprintf(v->out, ", \"%s\": ", key);
		print_value(value, v->out);
	}
	fputs("}\n", v->out);
}

/* ---- frames ---- */

static void *conns_open(const json_t *options, FILE *out, FILE *err)
{
	struct view *v = calloc(1, sizeof(*v));

	(void)err;
	if (!v)
		return NULL;
	v->options = options;
	v->out = out;
	v->json = field_true(options, "json");
	return v;
}

static int conns_close(void *view)
{
	struct view *v = view;

	json_decref(v->keys);
	free(v);
	return CTL_EXIT_OK;
}

static void show_summary(const struct view *v, const json_t *data)
{
	if (!v->json)
		render_summary(data, v->options, v->out);
	else if (!json_dumpf(data, v->out, JSON_INDENT(2)))
		fputc('\n', v->out);
}

static void show_kill(const struct view *v, json_t *data, const json_t *kill)
{
	const json_t *elsewhere = json_object_get(kill, "elsewhere");
	bool dry = field_true(v->options, "dry_run");

	if (v->json) {
		if (!json_dumpf(data, v->out, JSON_INDENT(2)))
			fputc('\n', v->out);
		return;
	}
	fprintf(v->out, "%lld connections match, ", (long long)field_int(kill, "matched", 0));
	if (dry)
		fprintf(v->out, "none terminated (dry run)\n");
	else
		fprintf(v->out, "%lld terminated\n", (long long)field_int(kill, "ended", 0));
	if (json_object_size(elsewhere)) {
		fprintf(v->out, "held by other nodes, to be terminated there: ");
		render_counts(json_object_get(kill, "elsewhere"), v->out);
		fprintf(v->out, "\n");
	}
}

static void conns_frame(void *view, json_t *data)
{
	json_t *keys = json_object_get(data, "keys");
	json_t *rows = json_object_get(data, "rows");
	struct view *v = view;

	if (json_object_get(data, "summary")) {
		show_summary(v, data);
		return;
	}
	if (json_object_get(data, "kill")) {
		show_kill(v, data, json_object_get(data, "kill"));
		return;
	}
	if (keys) {
		take_keys(v, keys);
		if (v->json)
			fputs("{\"conns\": [\n", v->out);
	}
	if (json_array_size(rows)) {
		if (v->json)
			json_rows(v, rows);
		else
			table_rows(v, rows);
		v->rows += (json_int_t)json_array_size(rows);
	}
	if (!json_object_get(data, "total"))
		return;
	if (v->json)
		json_end(v, data);
	else
		table_end(v, data);
}

const struct ctl_view conns_view = {
	.prepare = conns_prepare,
	.open = conns_open,
	.frame = conns_frame,
	.close = conns_close,
};
