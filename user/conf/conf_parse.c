/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The file as sections and texts, by libconfuse. Its grammar is made from the schema.
 *
 * Every key is a user-defined value: the callback keeps the text with the line it stands on, which
 * libconfuse itself forgets, and checks nothing. libconfuse gives its error function no argument of
 * ours. So the message is kept in the `comment` of the section where the parser stopped; the field
 * is free for that, because comments are blanked before.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf_int.h"
#include "conf/schema.h"

/* A flag of ours in cfg_opt_t.flags, above all of libconfuse's: the key was seen before. */
#define SEEN (1 << 30)

static int keep_text(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	const size_t size = strlen(value) + 1;
	struct conf_text *t = malloc(sizeof(*t) + size);

	if (!t) {
		cfg_error(cfg, "out of memory");
		return -1;
	}
	t->line = cfg->line;
	/* A list that is given again begins anew. */
	t->again = (opt->flags & SEEN) && (!(opt->flags & CFGF_LIST) || opt->nvalues == 1);
	t->good = false;
	t->size = size;
	memcpy(t->s, value, size);
	opt->flags |= SEEN;
	*(void **)result = t;
	return 0;
}

static void free_text(void *value)
{
	struct conf_text *t = value;

	explicit_bzero(t->s, t->size);
	free(t);
}

static size_t count_rows(const struct conf_section *sec)
{
	size_t n = 0;

	for (const struct conf_key *k = sec->keys; k->path; k++)
		n++;
	for (const struct conf_section *sub = sec->sections; sub && sub->name; sub++)
		n++;
	return n;
}

static void free_grammar(cfg_opt_t *opts)
{
	for (cfg_opt_t *o = opts; o && o->name; o++)
		free_grammar(o->subopts);
	free(opts);
}

/*
 * The options of a section and of those inside it; NULL when there is no memory. Sections without a
 * title are CFGF_MULTI too: otherwise libconfuse would add one that is not in the file, and merge
 * two into one.
 */
static cfg_opt_t *make_grammar(const struct conf_section *sec)
{
	cfg_opt_t *opts = calloc(count_rows(sec) + 1, sizeof(*opts)), *o = opts;

	if (!opts)
		return NULL;
	for (const struct conf_key *k = sec->keys; k->path; k++)
		*o++ = (cfg_opt_t)CFG_PTR_CB(conf_key_name(k), NULL,
					     CFGF_NODEFAULT | (k->flags & KEY_LIST ? CFGF_LIST : 0),
					     keep_text, free_text);
	for (const struct conf_section *sub = sec->sections; sub && sub->name; sub++) {
		cfg_opt_t *inside = make_grammar(sub);

		if (!inside) {
			free_grammar(opts);
			return NULL;
		}
		*o++ = (cfg_opt_t)CFG_SEC(
			sub->name, inside,
			CFGF_MULTI | (sub->title_key ? CFGF_TITLE | CFGF_NO_TITLE_DUPES : 0));
	}
	return opts;
}

/* cfg_init() copies the grammar. */
static cfg_t *parser_init(void)
{
	cfg_opt_t *opts = make_grammar(&conf_schema);
	cfg_t *cfg = opts ? cfg_init(opts, CFGF_NONE) : NULL;

	free_grammar(opts);
	return cfg;
}

__attribute__((format(printf, 2, 0))) static void keep_error(cfg_t *cfg, const char *fmt,
							     va_list ap)
{
	char *text;

	if (cfg->comment || vasprintf(&text, fmt, ap) < 0)
		return;
	cfg->comment = text;
}

static void list_keys(const cfg_t *cfg, char *dst, size_t size)
{
	size_t at = 0;

	dst[0] = '\0';
	for (const cfg_opt_t *o = cfg->opts; o->name && at < size; o++) {
		int n = snprintf(dst + at, size - at, "%s%s", at ? ", " : "", o->name);

		if (n < 0)
			return;
		at += (size_t)n;
	}
}

static bool begins(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

/* Replaces the messages of libconfuse that do not say what to write instead. */
static void report(const struct conf_sec *s)
{
	const char *words = s->cfg->comment;
	const char *quoted = strchr(words, '\'');
	const int line = s->cfg->line;
	char name[72] = "", keys[224];

	if (quoted)
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(quoted + 1, "'"), quoted + 1);
	if (begins(words, "no such option") || begins(words, "no sub-section")) {
		list_keys(s->cfg, keys, sizeof(keys));
		conf_error_at(s->errors, line, "%s%s: there is no such key here; known are: %s",
			      s->name, name, keys);
	} else if (begins(words, "found duplicate title")) {
		conf_error_at(s->errors, line,
			      "%s\"%s\" is there already: each name may stand once", s->name, name);
	} else if (begins(words, "missing equal sign")) {
		conf_error_at(s->errors, line, "%s%s: no '=' behind the key: write %s = value",
			      s->name, name, name);
	} else if (begins(words, "missing title")) {
		conf_error_at(s->errors, line, "%s%s: no name: write %s NAME { ... }", s->name,
			      name, name);
	} else if (begins(words, "premature end")) {
		conf_error_at(s->errors, line,
			      "the file ends too early: a value or a } is missing");
	} else if (begins(words, "attempt to append")) {
		conf_error_at(s->errors, line,
			      "%s%s takes one value: write = instead of +=", s->name, name);
	} else if (begins(words, "unexpected token")) {
		conf_error_at(s->errors, line, "%s\"%s\" cannot stand here", s->name, name);
	} else {
		conf_error_at(s->errors, line, "%s%s", s->name, words);
	}
}

/* Finds the section that has the message. The schema bounds the depth. */
static bool report_from(const struct conf_sec *s)
{
	struct conf_sec sub;

	if (s->cfg->comment) {
		report(s);
		return true;
	}
	for (const struct conf_section *sec = s->schema->sections; sec && sec->name; sec++)
		for (unsigned int i = 0; conf_nth_section(s, sec, i, &sub); i++)
			if (report_from(&sub))
				return true;
	return false;
}

struct conf_text *conf_text_of(const struct conf_sec *s, const char *key)
{
	cfg_opt_t *opt = s->cfg ? cfg_getopt(s->cfg, key) : NULL;

	return opt && cfg_opt_size(opt) ? cfg_opt_getnptr(opt, 0) : NULL;
}

bool conf_nth_section(const struct conf_sec *up, const struct conf_section *schema, unsigned int i,
		      struct conf_sec *out)
{
	cfg_opt_t *opt = up->cfg ? cfg_getopt(up->cfg, schema->name) : NULL;
	cfg_t *cfg = opt && i < cfg_opt_size(opt) ? cfg_opt_getnsec(opt, i) : NULL;
	const char *title;
	int n;

	if (!cfg)
		return false;
	*out = (struct conf_sec){
		.errors = up->errors, .schema = schema, .cfg = cfg, .up = up, .item = up->item};
	title = cfg_title(cfg);
	n = snprintf(out->name, sizeof(out->name), "%s%s%s%.*s.", up->name, schema->name,
		     title ? " " : "", CONF_NAME_MAX, title ? title : "");
	return n > 0;
}

cfg_t *conf_parse(char *buf, size_t len, struct conf_errors *e)
{
	cfg_t *cfg = parser_init();
	struct conf_sec root = {.errors = e, .schema = &conf_schema, .cfg = cfg};
	FILE *f = NULL;

	e->whole = false;
	if (!cfg)
		return NULL;
	cfg_set_error_function(cfg, keep_error);
	f = len ? fmemopen(buf, len, "r") : NULL;
	if (len && !f) {
		cfg_free(cfg);
		return NULL;
	}
	/* No second copy of the secret in a stdio buffer. */
	if (f)
		setvbuf(f, NULL, _IONBF, 0);
	e->whole = !f || cfg_parse_fp(cfg, f) == CFG_SUCCESS;
	if (f)
		fclose(f);
	if (!e->whole && !report_from(&root))
		conf_error_at(e, cfg->line, "the file cannot be parsed beyond this line");
	return cfg;
}
