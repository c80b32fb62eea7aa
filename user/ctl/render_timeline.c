/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `ctl timeline`: reads the records of the other nodes, and shows failovers as tables or as JSON.
 * Rows of the packet path that follow each other are one line for each node and kind.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/ascii.h"
#include "base/ctl_proto.h"
#include "base/units.h"
#include "ctl/commands.h"
#include "ctl/render.h"
#include "ctl/timeline.h"

#define FAILOVERS_MAX 64
#define LINE_TEXT     160

struct view {
	const json_t *options;
	FILE *out, *err;
	json_t *records[TIMELINE_RECORDS_MAX];
	unsigned int n;
	int code;
};

/* ---- records ---- */

static void refuse(struct view *v, const char *file, const char *why)
{
	fprintf(v->err, "hokm-xdp ctl: %s cannot be merged: %s\n", file, why);
	v->code = CTL_EXIT_FAILED;
}

static bool is_record(const json_t *o)
{
	return json_is_string(json_object_get(o, "node")) &&
	       json_is_array(json_object_get(o, "events")) &&
	       json_is_integer(json_object_get(o, "now_us"));
}

static bool known_node(const struct view *v, const char *node)
{
	for (unsigned int i = 0; i < v->n; i++)
		if (!strcmp(field_text(v->records[i], "node"), node))
			return true;
	return false;
}

static void read_record(struct view *v, const char *file)
{
	FILE *in = strcmp(file, "-") != 0 ? fopen(file, "re") : stdin;
	json_error_t error;
	json_t *o;

	if (!in) {
		refuse(v, file, strerror(errno));
		return;
	}
	o = json_loadf(in, 0, &error);
	if (in != stdin)
		fclose(in);
	if (!o)
		refuse(v, file, error.text);
	else if (!is_record(o))
		refuse(v, file, "it is no record of `hokm-xdp ctl timeline --record`");
	else if (known_node(v, field_text(o, "node")))
		refuse(v, file, "it is the record of a node that is there already");
	else if (v->n == TIMELINE_RECORDS_MAX)
		refuse(v, file, "too many records");
	else
		v->records[v->n++] = json_incref(o);
	json_decref(o);
}

/* ---- times ---- */

/* The wall clock of the asked node minus its boot clock. */
static int64_t wall_us(const struct view *v)
{
	return field_int(v->records[0], "time_us", 0) - field_int(v->records[0], "now_us", 0);
}

static bool read_time(const char *text, int64_t *us)
{
	static const char *const forms[] = {
		"%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct tm tm = {.tm_isdst = -1};
		const char *rest = strptime(text, forms[i], &tm);

		if (rest && !*rest) {
			*us = (int64_t)mktime(&tm) * 1000000;
			return true;
		}
	}
	return false;
}

/* Since when, by the boot clock of the asked node. */
static int64_t since_us(struct view *v)
{
	const char *text = json_string_value(json_object_get(v->options, "since"));
	int64_t at_us = 0;
	uint64_t age_ns;

	if (!text)
		return INT64_MIN;
	if (!duration_parse(text, &age_ns))
		return field_int(v->records[0], "now_us", 0) - (int64_t)(age_ns / 1000);
	if (read_time(text, &at_us))
		return at_us - wall_us(v);
	fprintf(v->err, "hokm-xdp ctl: --since takes an age such as 90s, "
			"or a local time such as \"2026-11-22 20:30\"\n");
	v->code = CTL_EXIT_USAGE;
	return 0;
}

/* ---- lines ---- */

/* A row, or several of one node and kind that stand for one line. */
struct line {
	size_t row, last;
	unsigned int n;
};

static bool same_line(const struct timeline *t, size_t a, size_t b)
{
	const struct timeline_row *x = &t->rows[a], *y = &t->rows[b];

	return x->record == y->record && timeline_kernel(x) && timeline_kernel(y) &&
	       !strcmp(timeline_text(x, "kind"), timeline_text(y, "kind"));
}

/* The line that begins with row `i`, among rows of the packet path; n is 0: it is part of one. */
static struct line line_at(const struct timeline *t, const struct failover *f, size_t i)
{
	struct line l = {.row = i, .last = i, .n = 1};
	size_t k;

	if (!timeline_kernel(&t->rows[i]))
		return l;
	for (k = i; l.n && k > f->begin && timeline_kernel(&t->rows[k - 1]); k--)
		if (same_line(t, i, k - 1))
			l.n = 0;
	for (k = i + 1; l.n && k < f->end && timeline_kernel(&t->rows[k]); k++) {
		if (!same_line(t, i, k))
			continue;
		l.n++;
		l.last = k;
	}
	return l;
}

static double offset_ms(const struct timeline *t, const struct failover *f, size_t row)
{
	return (double)(t->rows[row].at_us - t->rows[f->begin].at_us) / 1e3;
}

/* A name of a record from elsewhere, which must not steer the terminal. */
static const char *shown(const char *name)
{
	for (const char *c = name; *c; c++)
		if (*c < ' ' || *c > '~')
			return "?";
	return name;
}

/* What an event says, as harmless as a name. */
static void line_text(const struct timeline *t, const struct failover *f, const struct line *l,
		      char *buf, size_t size)
{
	const struct timeline_row *row = &t->rows[l->row];
	const char *reason = timeline_text(row, "reason");

	if (l->n > 1)
		snprintf(buf, size, "%u of them, the last one at %.1f ms", l->n,
			 offset_ms(t, f, l->last));
	else
		snprintf(buf, size, "%.100s%s%.40s%s", timeline_text(row, "text"),
			 *reason ? " (" : "", reason, *reason ? ")" : "");
	ascii_only(buf);
}

/* ---- text ---- */

static void show_clock(const struct timeline_clock *c, FILE *out)
{
	static const char *const how[] = {
		[TIMELINE_BOTH] = "compared by probes of both directions, to",
		[TIMELINE_ONE] = "compared by a probe of one direction, to about",
		[TIMELINE_WALL] = "NOT COMPARED by probes, taken from its wall clock",
		[TIMELINE_BOOTED] = "NOT COMPARED, a node has booted since: its wall clock",
	};

	fprintf(out, "clock of %.32s: %s", shown(c->node), how[c->by]);
	if (c->error_us >= 0)
		fprintf(out, " %.1f ms", (double)(c->error_us + 99) / 1e3);
	fprintf(out, "\n");
}

static void show_head(const struct view *v, const struct timeline *t, const struct failover *f)
{
	char when[RENDER_TIME];

	fprintf(v->out, "%s  %.32s -> %.32s\n",
		word_time(t->rows[f->begin].at_us + wall_us(v), when),
		f->from ? shown(f->from) : "(not known)",
		shown(t->clocks[t->rows[f->owned].record].node));
	fprintf(v->out, "  first signal to decision %.1f ms, to VIP owned %.1f ms, ",
		offset_ms(t, f, f->decision), offset_ms(t, f, f->owned));
	if (f->last == TIMELINE_NO)
		fprintf(v->out, "no connection came\n");
	else
		fprintf(v->out, "to the last reconnect %.1f ms; connections that came: %u%s\n",
			offset_ms(t, f, f->last), f->came, f->cut ? ", and more came later" : "");
}

static void show_failover(const struct view *v, const struct timeline *t, const struct failover *f)
{
	struct table table = {.align = "rllll"};

	show_head(v, t, f);
	table_cell(&table, "MS");
	table_cell(&table, "NODE");
	table_cell(&table, "MEANS");
	table_cell(&table, "KIND");
	table_cell(&table, "WHAT");
	for (size_t i = f->begin; i < f->end; i++) {
		struct line l = line_at(t, f, i);
		char text[LINE_TEXT];

		if (!l.n)
			continue;
		line_text(t, f, &l, text, sizeof(text));
		table_cell(&table, "%.1f", offset_ms(t, f, i));
		table_cell(&table, "%.32s", shown(t->clocks[t->rows[i].record].node));
		table_cell(&table, "%s", timeline_mark(t, f, i));
		table_cell(&table, "%.20s", shown(timeline_text(&t->rows[i], "kind")));
		table_cell(&table, "%s", text);
	}
	table_print(&table, v->out);
}

static void show_peers_missing(const struct view *v, const struct timeline *t)
{
	const json_t *clock;
	size_t i;

	json_array_foreach (json_object_get(v->records[0], "clocks"), i, clock)
		if (!known_node(v, field_text(clock, "peer")))
			fprintf(v->out,
				"events of %.32s are missing: "
				"--with reads what `hokm-xdp ctl timeline --record` prints there\n",
				field_text(clock, "peer"));
	for (unsigned int r = 0; r < v->n; r++)
		if (field_int(v->records[r], "lost", 0))
			fprintf(v->out, "%lld events of the packet path of %.32s were lost\n",
				(long long)field_int(v->records[r], "lost", 0),
				shown(t->clocks[r].node));
}

static void show_text(const struct view *v, const struct timeline *t, const struct failover *list,
		      size_t n)
{
	for (unsigned int r = 1; r < t->n_clocks; r++)
		show_clock(&t->clocks[r], v->out);
	show_peers_missing(v, t);
	for (size_t i = 0; i < n; i++)
		show_failover(v, t, &list[i]);
	if (!n)
		fprintf(v->out, "no failover in the %zu events that are kept%s\n", t->n,
			json_object_get(v->options, "since") ? " since then" : "");
}

/* ---- JSON ---- */

static const char *by_word(enum timeline_by by)
{
	static const char *const words[] = {
		[TIMELINE_OWN] = "own",   [TIMELINE_BOTH] = "probes",   [TIMELINE_ONE] = "probe",
		[TIMELINE_WALL] = "wall", [TIMELINE_BOOTED] = "booted",
	};

	return words[by];
}

static json_t *clocks_json(const struct timeline *t)
{
	json_t *list = json_array();

	for (unsigned int r = 0; r < t->n_clocks; r++) {
		const struct timeline_clock *c = &t->clocks[r];

		(void)json_array_append_new(
			list, json_pack("{s:s, s:s, s:I, s:I}", "node", c->node, "by",
					by_word(c->by), "shift_us", (json_int_t)c->shift_us,
					"error_us", (json_int_t)c->error_us));
	}
	return list;
}

static json_t *rows_json(const struct timeline *t, const struct failover *f)
{
	json_t *list = json_array();

	for (size_t i = f->begin; i < f->end; i++) {
		const struct timeline_row *row = &t->rows[i];
		const char *reason = timeline_text(row, "reason");

		(void)json_array_append_new(
			list, json_pack("{s:f, s:s, s:s, s:s, s:s*, s:s}", "ms", offset_ms(t, f, i),
					"node", t->clocks[row->record].node, "means",
					timeline_mark(t, f, i), "kind", timeline_text(row, "kind"),
					"reason", *reason ? reason : NULL, "text",
					timeline_text(row, "text")));
	}
	return list;
}

static json_t *failover_json(const struct view *v, const struct timeline *t,
			     const struct failover *f)
{
	json_t *last = f->last == TIMELINE_NO ? json_null() : json_real(offset_ms(t, f, f->last));
	char when[RENDER_TIME];

	return json_pack("{s:s, s:s?, s:s, s:f, s:f, s:o, s:i, s:b, s:o}", "time",
			 word_time(t->rows[f->begin].at_us + wall_us(v), when), "from", f->from,
			 "to", t->clocks[t->rows[f->owned].record].node, "decision_ms",
			 offset_ms(t, f, f->decision), "owned_ms", offset_ms(t, f, f->owned),
			 "last_reconnect_ms", last, "came", (int)f->came, "more_came", f->cut,
			 "rows", rows_json(t, f));
}

static void show_json(const struct view *v, const struct timeline *t, const struct failover *list,
		      size_t n)
{
	json_t *failovers = json_array(), *o;

	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(failovers, failover_json(v, t, &list[i]));
	o = json_pack("{s:o, s:o}", "clocks", clocks_json(t), "failovers", failovers);
	if (o && !json_dumpf(o, v->out, JSON_INDENT(2) | JSON_REAL_PRECISION(10)))
		fputc('\n', v->out);
	json_decref(o);
}

/* ---- the command ---- */

static int timeline_prepare(const json_t *options, json_t *args)
{
	(void)options;
	(void)args;
	return 0;
}

static void *timeline_open(const json_t *options, FILE *out, FILE *err)
{
	struct view *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	*v = (struct view){.options = options, .out = out, .err = err, .code = CTL_EXIT_OK};
	return v;
}

static void show(struct view *v)
{
	bool only_last = field_true(v->options, "last") || !json_object_get(v->options, "since");
	struct failover list[FAILOVERS_MAX];
	struct timeline t;
	int64_t from_us = since_us(v);
	size_t n;

	if (v->code)
		return;
	if (timeline_merge((const json_t *const *)v->records, v->n, &t)) {
		fprintf(v->err, "hokm-xdp ctl: out of memory\n");
		v->code = CTL_EXIT_FAILED;
		return;
	}
	n = timeline_find(&t, from_us, list, only_last ? 1 : FAILOVERS_MAX);
	if (field_true(v->options, "json"))
		show_json(v, &t, list, n);
	else
		show_text(v, &t, list, n);
	timeline_free(&t);
}

static void timeline_frame(void *view, json_t *data)
{
	struct view *v = view;
	const json_t *file;
	size_t i;

	if (field_true(v->options, "record")) {
		if (!json_dumpf(data, v->out, JSON_COMPACT))
			fputc('\n', v->out);
		return;
	}
	if (!is_record(data)) {
		refuse(v, "the answer of the daemon", "it is no record");
		return;
	}
	v->records[v->n++] = json_incref(data);
	json_array_foreach (json_object_get(v->options, "with"), i, file)
		if (!v->code)
			read_record(v, json_string_value(file));
	if (!v->code)
		show(v);
}

static int timeline_close(void *view)
{
	struct view *v = view;
	int code = v->code;

	for (unsigned int i = 0; i < v->n; i++)
		json_decref(v->records[i]);
	free(v);
	return code;
}

const struct ctl_view timeline_view = {
	.prepare = timeline_prepare,
	.open = timeline_open,
	.frame = timeline_frame,
	.close = timeline_close,
};
