/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The errors of a file: collected while it is read, printed in the order of the lines. The value of
 * a secret key is never shown.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "conf/conf_int.h"
#include "conf/schema.h"

#define SHOWN_MAX 80 /* bytes of a value in an error */

void conf_error_at(struct conf_errors *e, int line, const char *fmt, ...)
{
	struct conf_error *err;
	char text[sizeof(err->text)];
	va_list ap;

	e->n++;
	if (e->n > CONF_ERRORS_MAX)
		return;
	err = &e->list[e->n - 1];
	err->line = line;
	err->seq = e->n;
	va_start(ap, fmt);
	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		text[0] = '\0';
	va_end(ap);
	text_show(text, err->text, sizeof(err->text));
}

static bool is_secret(const struct conf_sec *s, const char *key)
{
	for (const struct conf_key *k = s->schema->keys; k->path; k++)
		if (!strcmp(conf_key_name(k), key))
			return k->flags & KEY_SECRET;
	return false;
}

void conf_complain(const struct conf_sec *s, const char *key, const char *fmt, ...)
{
	const struct conf_text *t = conf_text_of(s, key);
	char words[256], shown[SHOWN_MAX];
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(words, sizeof(words), fmt, ap) < 0)
		words[0] = '\0';
	va_end(ap);
	if (!t)
		conf_error_at(s->errors, s->up && s->cfg ? s->cfg->line : 0, "%s%s: %s", s->name,
			      key, words);
	else if (is_secret(s, key))
		conf_error_at(s->errors, t->line, "%s%s (value not shown): %s", s->name, key,
			      words);
	else
		conf_error_at(s->errors, t->line, "%s%s = \"%s\": %s", s->name, key,
			      text_show(t->s, shown, sizeof(shown)), words);
}

static int by_line(const void *a, const void *b)
{
	const struct conf_error *x = a, *y = b;

	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return x->seq < y->seq ? -1 : 1;
}

void conf_errors_print(struct conf_errors *e, const char *file, FILE *to)
{
	const unsigned int kept = e->n < CONF_ERRORS_MAX ? e->n : CONF_ERRORS_MAX;

	qsort(e->list, kept, sizeof(e->list[0]), by_line);
	for (unsigned int i = 0; i < kept; i++) {
		if (e->list[i].line)
			fprintf(to, "%s:%d: %s\n", file, e->list[i].line, e->list[i].text);
		else
			fprintf(to, "%s: %s\n", file, e->list[i].text);
	}
	if (e->n > kept)
		fprintf(to, "%s: and %u more errors\n", file, e->n - kept);
}
