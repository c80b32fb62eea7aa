/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fills struct conf by the schema: an item gets its defaults, then the values of the file, then its
 * section's rule is called, then the sections inside it are read.
 *
 * A value that is wrong is an error and leaves the default in place, so that reading continues and
 * finds the next error.
 */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "conf/conf_int.h"
#include "conf/schema.h"

#define TITLES_MAX 32 /* a row has them as bits of an unsigned int */

/* ------------------------------------------------------------------------------------- one key */
bool conf_given(const struct conf_sec *s, const char *key)
{
	return conf_text_of(s, key) != NULL;
}

bool conf_good(const struct conf_sec *s, const char *key)
{
	const struct conf_text *t = conf_text_of(s, key);

	return t && t->good;
}

struct conf_text *conf_value(const struct conf_sec *s, const char *key)
{
	struct conf_text *t = conf_text_of(s, key);

	return t && t->again ? NULL : t;
}

/* Here, and not where a value is read: keys of rules and lists lose their first value too. */
static void refuse_again(const struct conf_sec *s, const struct conf_key *k)
{
	const struct conf_text *t = conf_text_of(s, conf_key_name(k));

	if (t && t->again)
		conf_complain(s, conf_key_name(k), "given twice in the same section: keep one");
}

bool conf_read_key(const struct conf_sec *s, const struct conf_key *k, void *item)
{
	const char *key = conf_key_name(k);
	struct conf_text *t = conf_value(s, key);
	char problem[CONF_PROBLEM_MAX];

	if (!t)
		return false;
	t->good = conf_key_parse(k, t->s, item, problem);
	if (!t->good)
		conf_complain(s, key, "%s", problem);
	return t->good;
}

static void read_key(const struct conf_sec *s, const struct conf_key *k)
{
	const char *key = conf_key_name(k);
	char titles[128];

	if (!conf_key_applies(k, s->title)) {
		if (conf_given(s, key))
			conf_complain(
				s, key, "only for %s %s", s->schema->titles_are,
				conf_title_words(s->schema, k->titles, titles, sizeof(titles)));
		return;
	}
	conf_read_key(s, k, s->item);
	if (k->flags & KEY_REQUIRED && s->errors->whole && !conf_given(s, key))
		conf_complain(s, key, "missing: write %s = \"%s\"", key, k->example);
}

/* --------------------------------------------------------------------------------- one section */
static void set_defaults(const struct conf_section *sec, enum conf_profile profile,
			 unsigned int title, void *item)
{
	char problem[CONF_PROBLEM_MAX];

	for (const struct conf_key *k = sec->keys; k->path; k++) {
		const char *text = conf_key_default(k, profile, title);

		if (text && !(k->flags & KEY_BY_RULE))
			conf_key_parse(k, text, item, problem);
	}
}

static void read_inside(const struct conf_sec *up, const struct conf_section *sec, struct conf *c);

static void read_item(const struct conf_sec *s, struct conf *c)
{
	set_defaults(s->schema, c->profile, s->title, s->item);
	for (const struct conf_key *k = s->schema->keys; k->path; k++) {
		refuse_again(s, k);
		if (!(k->flags & KEY_BY_RULE))
			read_key(s, k);
	}
	if (s->schema->rule)
		s->schema->rule(s, c);
	for (const struct conf_section *sub = s->schema->sections; sub && sub->name; sub++)
		read_inside(s, sub, c);
}

/* A section without a title: its fields are those of the item around it. */
static void read_single(const struct conf_sec *up, const struct conf_section *sec, struct conf *c)
{
	struct conf_sec s = {.errors = up->errors, .schema = sec, .up = up, .item = up->item};
	struct conf_sec second;

	if (conf_nth_section(up, sec, 1, &second))
		conf_error_at(up->errors, second.cfg->line,
			      "%s { }: a second section of this name ends here: keep one",
			      sec->name);
	else
		conf_nth_section(up, sec, 0, &s);
	read_item(&s, c);
}

/* ------------------------------------------------------------------------ sections with titles */
static unsigned int *count_of(const struct conf_section *sec, void *item)
{
	return (unsigned int *)(void *)((char *)item + sec->count);
}

/* False, with an error, when the title is none of those that the section can have. */
static bool is_known_title(struct conf_sec *s, const char *title)
{
	const struct conf_section *sec = s->schema;
	char known[160] = "";
	size_t at = 0;

	if (conf_title_find(sec, title, &s->title))
		return true;
	for (unsigned int i = 0; sec->titles[i] && at < sizeof(known); i++)
		at += (size_t)snprintf(known + at, sizeof(known) - at, "%s%s", i ? ", " : "",
				       sec->titles[i]);
	conf_error_at(s->errors, s->cfg->line, "%s%s \"%.*s\": one of: %s", s->up->name, sec->name,
		      CONF_NAME_MAX, title, known);
	return false;
}

/* False, with an error, when the title is no name. */
static bool is_name(const struct conf_sec *s, const char *title)
{
	const struct conf_section *sec = s->schema;

	/* No dots: a node's name becomes a folder in bpffs, which refuses them. */
	if (name_valid(title) && strlen(title) < sec->title.size)
		return true;
	conf_error_at(s->errors, s->cfg->line,
		      "%s%s \"%.*s\": a name of 1 to %zu letters, digits, '-' and '_'", s->up->name,
		      sec->name, CONF_NAME_MAX, title, sec->title.size - 1);
	return false;
}

/* Reads a section with a good title into its item of the array. */
static void read_titled(struct conf_sec *s, const char *title, struct conf *c)
{
	const struct conf_section *sec = s->schema;
	unsigned int *count = sec->count ? count_of(sec, s->up->item) : &s->title;
	char *item = (char *)s->up->item + sec->items.offset + *count * sec->items.size;

	s->item = item;
	memset(item, 0, sec->items.size);
	if (sec->title.size && sec->titles)
		*(unsigned int *)(void *)(item + sec->title.offset) = s->title;
	else if (sec->title.size)
		snprintf(item + sec->title.offset, sec->title.size, "%s", title);
	read_item(s, c);
	if (sec->count)
		++*count;
}

/* Items that the file does not have: those of `without`, all or the ones that are missing. */
static void add_absent(const struct conf_sec *up, const struct conf_section *sec, struct conf *c,
		       const bool *given)
{
	for (const char *const *title = sec->without; title && *title; title++) {
		struct conf_sec s = {.errors = up->errors, .schema = sec, .up = up};

		if (sec->titles && !conf_title_find(sec, *title, &s.title))
			continue;
		if (!sec->titles || !given[s.title])
			read_titled(&s, *title, c);
	}
}

static void read_several(const struct conf_sec *up, const struct conf_section *sec, struct conf *c)
{
	bool given[TITLES_MAX] = {false};
	const char *title;
	struct conf_sec s;
	unsigned int i;

	for (i = 0; conf_nth_section(up, sec, i, &s); i++) {
		if (sec->count && *count_of(sec, up->item) == sec->most) {
			conf_error_at(up->errors, s.cfg->line, "%s%s: at most %u of them", up->name,
				      sec->name, sec->most);
			return;
		}
		title = cfg_title(s.cfg);
		if (!(sec->titles ? is_known_title(&s, title) : is_name(&s, title)))
			continue;
		given[s.title] = true;
		read_titled(&s, title, c);
	}
	if (!i || !sec->count)
		add_absent(up, sec, c, given);
	if (i < sec->least && up->errors->whole)
		conf_error_at(up->errors, 0, "%s: %s", sec->name, sec->too_few);
}

static void read_inside(const struct conf_sec *up, const struct conf_section *sec, struct conf *c)
{
	if (sec->title_key)
		read_several(up, sec, c);
	else
		read_single(up, sec, c);
}

/* ------------------------------------------------------------------------------ the whole file */
void conf_read(const struct conf_sec *root, struct conf *c)
{
	/* Read first: the defaults of all other keys depend on it. */
	conf_read_key(root, conf_key_find("profile"), c);
	read_item(root, c);
}

/* The same as reading an empty file in which nothing is missed. */
void conf_default(struct conf *c, enum conf_profile profile)
{
	struct conf_errors none = {.whole = false};
	struct conf_sec root = {.errors = &none, .schema = &conf_schema, .item = c};

	memset(c, 0, sizeof(*c));
	c->profile = profile;
	read_item(&root, c);
}

/* -------------------------------------------------------------------------------------- reload */
static bool differs(const struct conf_key *k, const void *a, const void *b)
{
	const char *x = conf_key_field_const(k, a), *y = conf_key_field_const(k, b);

	switch (k->type.kind) {
	case CONF_NAME:
	case CONF_TEXT:
	case CONF_PATH:
		return strcmp(x, y) != 0;
	default:
		return memcmp(x, y, k->place.size) != 0;
	}
}

/* The first restart-only key that differs between two items of a section. */
static const char *first_difference(const struct conf_section *sec, const void *a, const void *b)
{
	for (const struct conf_key *k = sec->keys; k->path; k++)
		if (k->flags & KEY_RESTART && differs(k, a, b))
			return k->path;
	for (const struct conf_section *sub = sec->sections; sub && sub->name; sub++) {
		const char *path = sub->title_key ? NULL : first_difference(sub, a, b);

		if (path)
			return path;
	}
	return NULL;
}

const char *conf_needs_restart(const struct conf *running, const struct conf *wanted)
{
	const struct conf_node *a = &running->nodes[running->self];
	const struct conf_node *b = &wanted->nodes[wanted->self];

	if (strcmp(a->name, b->name))
		return "node (this node's name)";
	/* Of the sections with titles only this node's own has keys that need a restart. */
	if (differs(conf_key_find("node.address"), a, b))
		return "node.address";
	return first_difference(&conf_schema, running, wanted);
}
