/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What all replies are made of: fields of JSON, times, sizes and counts as text, and tables.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/render.h"

json_int_t field_int(const json_t *o, const char *key, json_int_t otherwise)
{
	const json_t *v = json_object_get(o, key);

	return json_is_integer(v) ? json_integer_value(v) : otherwise;
}

const char *field_text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "?";
}

bool field_true(const json_t *o, const char *key)
{
	return json_is_true(json_object_get(o, key));
}

const char *word_age(json_int_t ms, char *buf)
{
	json_int_t s = ms / 1000;

	if (ms < 0)
		snprintf(buf, RENDER_WORD, "never");
	else if (ms < 1000)
		snprintf(buf, RENDER_WORD, "%d ms", (int)ms);
	else if (s < 60)
		snprintf(buf, RENDER_WORD, "%d.%d s", (int)s, (int)(ms % 1000 / 100));
	else if (s < 3600)
		snprintf(buf, RENDER_WORD, "%d min %d s", (int)(s / 60), (int)(s % 60));
	else if (s < 86400)
		snprintf(buf, RENDER_WORD, "%d h %d min", (int)(s / 3600), (int)(s % 3600 / 60));
	else
		snprintf(buf, RENDER_WORD, "%lld d %d h", (long long)(s / 86400),
			 (int)(s % 86400 / 3600));
	return buf;
}

const char *word_field_age(const json_t *o, const char *key, char *buf)
{
	return word_age(field_int(o, key, -1), buf);
}

const char *word_us(json_int_t us, char *buf)
{
	if (us < 0)
		snprintf(buf, RENDER_WORD, "-");
	else if (us < 1000)
		snprintf(buf, RENDER_WORD, "%d us", (int)us);
	else if (us < 10000)
		snprintf(buf, RENDER_WORD, "%.2f ms", (double)us / 1e3);
	else if (us < 1000000)
		snprintf(buf, RENDER_WORD, "%.1f ms", (double)us / 1e3);
	else
		return word_age(us / 1000, buf);
	return buf;
}

json_int_t render_sum(json_t *counts)
{
	json_int_t sum = 0;
	const char *key;
	json_t *v;

	json_object_foreach (counts, key, v)
		sum += json_integer_value(v);
	return sum;
}

unsigned int render_counts(json_t *counts, FILE *out)
{
	unsigned int n = 0;
	const char *key;
	json_t *v;

	json_object_foreach (counts, key, v) {
		if (!json_is_integer(v) || !json_integer_value(v))
			continue;
		fprintf(out, "%s%s %lld", n++ ? ", " : "", key, (long long)json_integer_value(v));
	}
	return n;
}

const char *word_bytes(json_int_t bytes, char *buf)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
	double value = (double)bytes;
	size_t unit = 0;

	if (bytes < 1024) {
		snprintf(buf, RENDER_WORD, "%lld", (long long)bytes);
		return buf;
	}
	for (value /= 1024; value >= 1024 && unit < 3; unit++)
		value /= 1024;
	snprintf(buf, RENDER_WORD, "%.1f %s", value, units[unit]);
	return buf;
}

static int table_grow(struct table *t)
{
	size_t cap = t->cap ? t->cap * 2 : 64;
	char **grown = reallocarray(t->cells, cap, sizeof(*grown));

	if (!grown)
		return -1;
	t->cells = grown;
	t->cap = cap;
	return 0;
}

void table_cell(struct table *t, const char *fmt, ...)
{
	va_list ap;
	char *cell;
	int n;

	if (t->failed)
		return;
	if (t->n == t->cap && table_grow(t)) {
		t->failed = true;
		return;
	}
	va_start(ap, fmt);
	n = vasprintf(&cell, fmt, ap);
	va_end(ap);
	if (n < 0)
		t->failed = true;
	else
		t->cells[t->n++] = cell;
}

static size_t column_width(const struct table *t, size_t columns, size_t column)
{
	size_t width = 0;

	for (size_t i = column; i < t->n; i += columns) {
		size_t len = strlen(t->cells[i]);

		if (len > width)
			width = len;
	}
	return width;
}

void table_print(struct table *t, FILE *out)
{
	size_t columns = strlen(t->align);
	int *width = calloc(columns, sizeof(*width));

	if (!width || t->failed)
		fprintf(out, "  (not shown: out of memory)\n");
	for (size_t c = 0; width && c < columns; c++)
		width[c] = (int)column_width(t, columns, c);
	for (size_t i = 0; width && !t->failed && i < t->n; i++) {
		size_t c = i % columns;
		bool right = t->align[c] == 'r';
		bool last = c == columns - 1;

		fprintf(out, "  %*s%s",
			right  ? width[c]
			: last ? 0
			       : -width[c],
			t->cells[i], last ? "\n" : "");
	}
	for (size_t i = 0; i < t->n; i++)
		free(t->cells[i]);
	free(t->cells);
	free(width);
	memset(t, 0, sizeof(*t));
}
