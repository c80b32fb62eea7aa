/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The documents made from the schema: every key is in each of them, the sample can be used as it
 * is and with every comment removed, and the files in the tree are what the program writes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "conf_rig.h"

/* What a function writes; the caller frees it. */
static char *written_by(int (*write)(FILE *f))
{
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	assert_int_equal(write(f), 0);
	assert_int_equal(fclose(f), 0);
	return text;
}

static char *read_whole(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = calloc(1, 1 << 20);

	assert_non_null(f);
	assert_non_null(text);
	assert_true(fread(text, 1, (1 << 20) - 1, f) > 0);
	fclose(f);
	return text;
}

/* `make docs-generated` brings them up to date. */
static void files_are_current(void **state)
{
	static const struct {
		const char *path;
		int (*write)(FILE *f);
	} files[] = {
		{"tools/packaging/hokm-xdp.conf", conf_docs_sample},
		{"docs/configuration.md", conf_docs_markdown},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char *file = read_whole(files[i].path), *text = written_by(files[i].write);

		if (strcmp(file, text) != 0)
			fail_msg("%s is not what the schema gives: run make docs-generated",
				 files[i].path);
		free(file);
		free(text);
	}
}

/* The part of a document between two headings; the caller frees it. */
static char *part(const char *text, const struct rig_row *r, const char *mark)
{
	char heading[128], *copy, *end;
	const struct conf_section *up = r->up && r->up->name[0] ? r->up : NULL;
	const char *at;

	if (!r->up)
		snprintf(heading, sizeof(heading), "%s", mark);
	else
		snprintf(heading, sizeof(heading), "%s%s", mark, up ? up->name : r->sec->name);
	at = strstr(text, heading);
	while (at && up) {
		const char *line_end = strchr(at + 1, '\n');
		char inner[64];

		snprintf(inner, sizeof(inner), "{ %s", r->sec->name);
		if (strstr(at, inner) && strstr(at, inner) < line_end)
			break;
		at = strstr(at + 1, heading);
	}
	if (!at)
		fail_msg("%s: no heading %s", r->key->path, heading);
	copy = strdup(at + 1);
	assert_non_null(copy);
	end = strstr(copy, mark);
	if (end)
		*end = '\0';
	return copy;
}

struct document {
	const char *text, *mark, *key; /* what begins a section, and a key */
	const char *after_key;
};

static void in_document(const struct rig_row *r, void *arg)
{
	const struct document *d = arg;
	char *section = part(d->text, r, d->mark), key[80];
	const char *at;

	snprintf(key, sizeof(key), "%s%s%s", d->key, conf_key_name(r->key), d->after_key);
	at = strstr(section, key);
	if (!at)
		fail_msg("%s is missing", r->key->path);
	if (strstr(at + 1, key))
		fail_msg("%s is there twice", r->key->path);
	free(section);
}

static void every_key_in_man_and_markdown(void **state)
{
	char *man = written_by(conf_docs_man), *markdown = written_by(conf_docs_markdown);
	struct document documents[] = {
		{man, "\n.SH ", "\n.B ", "\n"},
		{markdown, "\n## ", "\n| `", "` |"},
	};

	(void)state;
	/* In man the first sections are not those of the file. */
	documents[0].text = strstr(man, "\n.SH KEYS OUTSIDE");
	assert_non_null(documents[0].text);
	/* A code span begins the headings of sections in markdown. */
	for (char *p = markdown; (p = strstr(p, "\n## `")) != NULL; p++)
		memmove(p + 4, p + 5, strlen(p + 5) + 1);
	for (size_t i = 0; i < 2; i++)
		rig_each(in_document, &documents[i]);
	free(man);
	free(markdown);
}

/* The default of a key is in its row of the table, as it is written in the schema. */
static void default_in_row(const struct rig_row *r, void *arg)
{
	const struct document *d = arg;
	char *section = part(d->text, r, d->mark), key[80], *row, *end;

	snprintf(key, sizeof(key), "\n| `%s` |", conf_key_name(r->key));
	row = strstr(section, key);
	assert_non_null(row);
	end = strchr(row + 1, '\n');
	if (end)
		*end = '\0';
	for (int p = CONF_PROFILE_STANDARD; p <= CONF_PROFILE_FAST; p++) {
		const char *text = conf_key_default(r->key, (enum conf_profile)p, r->title);

		if (text && !strstr(row, text))
			fail_msg("%s: its default %s is not in %s", r->key->path, text, row);
	}
	free(section);
}

static void defaults_in_markdown(void **state)
{
	char *markdown = written_by(conf_docs_markdown);
	struct document d = {markdown, "\n## ", "", ""};

	(void)state;
	for (char *p = markdown; (p = strstr(p, "\n## `")) != NULL; p++)
		memmove(p + 4, p + 5, strlen(p + 5) + 1);
	rig_each(default_in_row, &d);
	free(markdown);
}

/*
 * The sample with its defaults as settings: "#key" becomes "key". With `examples` also
 * "# Example: key", apart from secret_file, which excludes secret. The caller frees it.
 */
static char *uncomment(bool examples)
{
	char *sample = written_by(conf_docs_sample), *text, *save = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	for (char *line = strtok_r(sample, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *example = strstr(line, "# Example: ");

		if (example && examples && !strstr(line, "secret_file"))
			fprintf(f, "%s\n", example + strlen("# Example: "));
		else if (line[0] == '#' && line[1] != ' ')
			fprintf(f, "%s\n", line + 1);
		else
			fprintf(f, "%s\n", line);
	}
	assert_int_equal(fclose(f), 0);
	free(sample);
	return text;
}

static struct conf *load_good(const char *text)
{
	char *errors, *copy = strdup(text);
	char *secret = copy ? strstr(copy, "\"put the output") : NULL;
	struct conf *c;

	/* The example itself is refused. */
	assert_non_null(secret);
	secret[1] = 'P';
	c = rig_load(copy, &errors);
	if (!c)
		fail_msg("%s\n%s", errors, text);
	free(copy);
	free(errors);
	return c;
}

struct pair {
	struct conf *a, *b;
	unsigned int compared;
};

static void same_field(const struct rig_row *r, void *arg)
{
	struct pair *p = arg;
	void *a = rig_item(r, p->a), *b = rig_item(r, p->b);

	if (r->key->flags & KEY_BY_RULE || !a)
		return;
	assert_non_null(b);
	if (!rig_same(r->key, a, b))
		fail_msg("%s: the sample has another default", r->key->path);
	p->compared++;
}

/* Nothing changes when the comments are removed from the defaults. */
static void sample_has_the_defaults(void **state)
{
	char *sample = written_by(conf_docs_sample), *text = uncomment(false);
	struct pair p = {load_good(sample), load_good(text), 0};

	(void)state;
	rig_each(same_field, &p);
	assert_true(p.compared > 90);
	assert_int_equal(p.a->n_vips, p.b->n_vips);
	assert_int_equal(p.a->vips[0].s_addr, p.b->vips[0].s_addr);
	assert_int_equal(p.a->services[0].n_checks, p.b->services[0].n_checks);
	assert_int_equal(p.a->vrrp_password_given, p.b->vrrp_password_given);
	conf_free(p.a);
	conf_free(p.b);
	free(sample);
	free(text);
}

static void sample_loads_without_any_comment(void **state)
{
	char *text = uncomment(true);
	struct conf *c = load_good(text);

	(void)state;
	assert_int_equal(c->services[0].n_checks, CHECK_EXEC + 1);
	assert_string_equal(c->interface, "eth0");
	conf_free(c);
	free(text);
}

/* key = {}: a list without values. */
static bool is_empty_list(const struct conf_sec *s, const struct conf_key *k)
{
	const cfg_opt_t *opt = s->cfg ? cfg_getopt(s->cfg, conf_key_name(k)) : NULL;

	return k->flags & KEY_LIST && opt && opt->flags & CFGF_MODIFIED;
}

/* Marks the keys of a parsed file. */
static bool is_given(const struct conf_sec *s, const struct rig_row *r)
{
	struct conf_sec sub;

	if (s->schema == r->sec &&
	    (conf_given(s, conf_key_name(r->key)) || is_empty_list(s, r->key)))
		return true;
	for (const struct conf_section *sec = s->schema->sections; sec && sec->name; sec++)
		for (unsigned int i = 0; conf_nth_section(s, sec, i, &sub); i++)
			if (is_given(&sub, r))
				return true;
	return false;
}

static void in_sample(const struct rig_row *r, void *arg)
{
	/* The one example that cannot be used together with the rest. */
	if (strcmp(r->key->path, "secret_file") != 0 && !is_given(arg, r))
		fail_msg("%s is not in the sample", r->key->path);
}

static void every_key_in_sample(void **state)
{
	char *text = uncomment(true), *sample = written_by(conf_docs_sample);
	struct conf_errors e = {.n = 0};
	struct conf_sec root = {.errors = &e, .schema = &conf_schema};

	(void)state;
	assert_non_null(strstr(sample, "\n# Example: secret_file = "));
	assert_true(conf_scan(text, strlen(text), &e));
	root.cfg = conf_parse(text, strlen(text), &e);
	assert_true(root.cfg && e.whole);
	rig_each(in_sample, &root);
	cfg_free(root.cfg);
	free(sample);
	free(text);
}

static void sample_fits_the_page(void **state)
{
	char *sample = written_by(conf_docs_sample), *save = NULL;

	(void)state;
	for (char *line = strtok_r(sample, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		size_t columns = 0;

		for (const char *p = line; *p; p++)
			columns = *p == '\t' ? (columns / 8 + 1) * 8 : columns + 1;
		if (columns > 100 || isspace((unsigned char)line[strlen(line) - 1]))
			fail_msg("too long, or a space at the end: %s", line);
	}
	free(sample);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_current),
		cmocka_unit_test(every_key_in_man_and_markdown),
		cmocka_unit_test(defaults_in_markdown),
		cmocka_unit_test(sample_has_the_defaults),
		cmocka_unit_test(sample_loads_without_any_comment),
		cmocka_unit_test(every_key_in_sample),
		cmocka_unit_test(sample_fits_the_page),
	};

	return cmocka_run_group_tests_name("conf_docs", tests, NULL, NULL);
}
