/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading keepalived.conf; see kl_file.h.
 *
 * A line is a list of words. '#' and '!' begin a comment wherever a word may begin. "..." and '...'
 * keep blanks, and a backslash in them keeps the next character. `{` ends the words of a line and
 * opens its block, also when it stands alone on the next line; `}` closes one. `include` reads
 * other files, relative to the folder of the file that names them. `$NAME=VALUE` defines what $NAME
 * and ${NAME} stand for from there on.
 *
 * Not followed, and refused by line: lines for one configuration identity only (@id), definitions
 * over several lines, loops (~SEQ), and the holes of a template.
 */
#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "import/kl_file.h"

#define NAMES_MAX   64 /* definitions */
#define KL_NAME_MAX 64
#define FILES_MAX   64

struct name {
	char name[KL_NAME_MAX], value[KL_LINE_MAX];
};

struct kl_tree {
	FILE *errors;
	struct kl_line *first;
	/* of each open block: where its next line goes, and its last one, NULL for none yet */
	struct kl_line **end[KL_DEPTH_MAX], *last[KL_DEPTH_MAX];
	unsigned int depth, n_lines, n_files, n_names, n_errors;
	char *files[FILES_MAX];
	struct name names[NAMES_MAX];
};

/* One file that is being read. */
struct reading {
	struct kl_tree *t;
	const char *file;
	unsigned int number, nested;
};

static int read_file(struct kl_tree *t, const char *path, unsigned int nested);

static int wrong(const struct reading *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int wrong(const struct reading *r, const char *fmt, ...)
{
	va_list ap;

	fprintf(r->t->errors, "%s:%u: ", r->file, r->number);
	va_start(ap, fmt);
	vfprintf(r->t->errors, fmt, ap);
	va_end(ap);
	fputc('\n', r->t->errors);
	r->t->n_errors++;
	return -EINVAL;
}

void kl_say(struct kl_line *l, enum kl_verdict v, const char *fmt, ...)
{
	va_list ap;

	l->verdict = v;
	va_start(ap, fmt);
	vsnprintf(l->why, sizeof(l->why), fmt, ap);
	va_end(ap);
}

/* ---- definitions ---- */

static const char *value_of(const struct kl_tree *t, const char *name, size_t len)
{
	for (unsigned int i = t->n_names; i-- > 0;)
		if (strlen(t->names[i].name) == len && !memcmp(t->names[i].name, name, len))
			return t->names[i].value;
	return NULL;
}

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* The name after a '$' at `s`, with braces or without; returns where the text goes on. */
static const char *name_at(const char *s, const char **name, size_t *len)
{
	bool braces = s[1] == '{';
	const char *end;

	*name = s + 1 + braces;
	for (end = *name; is_name(*end); end++)
		;
	*len = (size_t)(end - *name);
	if (braces && *end != '}')
		*len = 0;
	return braces && *end == '}' ? end + 1 : end;
}

/*
 * Replaces the definitions in a line. What looks like one and is none stays as it is for a shell to
 * replace; in quotes that is common.
 */
static int expand(const struct reading *r, const char *in, char *out)
{
	size_t n = 0;

	while (*in && n < KL_LINE_MAX - 1) {
		const char *name, *value = NULL, *rest = in;
		size_t len = 0;

		if (*in == '$')
			rest = name_at(in, &name, &len);
		if (len)
			value = value_of(r->t, name, len);
		if (!value) {
			out[n++] = *in++;
			continue;
		}
		if (n + strlen(value) >= KL_LINE_MAX - 1)
			return wrong(r, "with %.*s the line is longer than %d characters", (int)len,
				     name, KL_LINE_MAX);
		memcpy(out + n, value, strlen(value));
		n += strlen(value);
		in = rest;
	}
	if (*in)
		return wrong(r, "the line is longer than %d characters", KL_LINE_MAX);
	out[n] = '\0';
	return 0;
}

/* $NAME=VALUE. Returns 1 when the line is a definition, 0 when it is none, or -errno. */
static int define(const struct reading *r, const char *line)
{
	struct kl_tree *t = r->t;
	struct name *d = &t->names[t->n_names];
	const char *end = line + 1;
	size_t len;

	while (line[0] == '$' && is_name(*end))
		end++;
	len = (size_t)(end - line) - 1;
	if (line[0] != '$' || !len || *end != '=')
		return 0;
	if (t->n_names == NAMES_MAX || len >= KL_NAME_MAX)
		return wrong(r, "more than %d definitions, or a longer name than %d characters",
			     NAMES_MAX, KL_NAME_MAX - 1);
	memcpy(d->name, line + 1, len);
	d->name[len] = '\0';
	snprintf(d->value, sizeof(d->value), "%s", end + 1);
	len = strlen(d->value);
	if (len && d->value[len - 1] == '\\')
		return wrong(r, "a definition over several lines: write out what $%s stands for",
			     d->name);
	t->n_names++;
	return 1;
}

/* ---- lines ---- */

/* $NAME or ${NAME} and nothing else: nothing defined it. */
static bool is_undefined(const char *word)
{
	const char *name;
	size_t len;

	return *word == '$' && !*name_at(word, &name, &len) && len;
}

/* What a template engine would have replaced. A word with blanks is text, such as a script. */
static bool is_hole(const char *word)
{
	size_t len = strlen(word);

	if (strstr(word, "{{") || strstr(word, "{%") || strstr(word, "<%"))
		return true;
	if (strpbrk(word, " \t"))
		return false;
	return (len > 2 && word[0] == '<' && word[len - 1] == '>') ||
	       (len > 4 && !strncmp(word, "__", 2) && !strcmp(word + len - 2, "__")) ||
	       (len > 2 && word[0] == '%' && word[len - 1] == '%') ||
	       (len > 2 && word[0] == '@' && word[len - 1] == '@') || is_undefined(word);
}

static struct kl_line *new_line(const struct reading *r)
{
	struct kl_tree *t = r->t;
	struct kl_line *l;

	if (t->n_lines == KL_LINES_MAX) {
		(void)wrong(r, "more than %d lines", KL_LINES_MAX);
		return NULL;
	}
	l = calloc(1, sizeof(*l));
	if (!l) {
		(void)wrong(r, "out of memory");
		return NULL;
	}
	t->n_lines++;
	l->file = r->file;
	l->number = r->number;
	*t->end[t->depth] = l;
	t->end[t->depth] = &l->next;
	t->last[t->depth] = l;
	return l;
}

/* Copies one word to l->text; returns where the text goes on, or NULL for a quote left open. */
static const char *one_word(struct kl_line *l, const char *s, size_t *used)
{
	char quote = *s == '"' || *s == '\'' ? *s : '\0';

	l->word[l->n++] = l->text + *used;
	if (quote)
		s++;
	while (*s && (quote ? *s != quote : !isspace((unsigned char)*s) && !strchr("{}", *s))) {
		if (quote && *s == '\\' && s[1])
			s++;
		l->text[(*used)++] = *s++;
	}
	l->text[(*used)++] = '\0';
	if (quote && *s != quote)
		return NULL;
	return quote ? s + 1 : s;
}

static int open_block(const struct reading *r, struct kl_line *l)
{
	struct kl_tree *t = r->t;

	if (!l || l->opens)
		return wrong(r, "a { without a name before it");
	if (t->depth + 1 == KL_DEPTH_MAX)
		return wrong(r, "more than %d blocks in each other", KL_DEPTH_MAX);
	l->opens = true;
	t->end[++t->depth] = &l->block;
	t->last[t->depth] = NULL;
	return 0;
}

static int close_block(const struct reading *r)
{
	if (!r->t->depth)
		return wrong(r, "a } without its {");
	r->t->depth--;
	return 0;
}

/* Splits what is left of a line into words, and stops at a brace or a comment. */
static int words(const struct reading *r, struct kl_line *l, const char **at, size_t *used)
{
	const char *s = *at;

	while (isspace((unsigned char)*s))
		s++;
	while (*s && !strchr("{}#!", *s)) {
		if (l->n == KL_WORDS_MAX)
			return wrong(r, "more than %d words", KL_WORDS_MAX);
		s = one_word(l, s, used);
		if (!s)
			return wrong(r, "a quote is not closed");
		while (isspace((unsigned char)*s))
			s++;
	}
	*at = s;
	return 0;
}

/* A password may look like a name that nothing defined, and is not shown. */
static int check_holes(const struct reading *r, const struct kl_line *l)
{
	const bool secret = !strcmp(l->word[0], "auth_pass");

	for (unsigned int i = 0; i < l->n; i++)
		if (is_hole(l->word[i]) && !(secret && l->word[i][0] == '$'))
			return wrong(r, "`%s` is the hole of a template: fill it in first",
				     secret ? l->word[0] : l->word[i]);
	return 0;
}

static int include(const struct reading *r, const char *pattern)
{
	char folder[PATH_MAX], path[PATH_MAX];
	glob_t g;
	int err;

	if (r->nested + 1 == KL_DEPTH_MAX)
		return wrong(r, "more than %d files that include each other", KL_DEPTH_MAX);
	snprintf(folder, sizeof(folder), "%s", r->file);
	if (snprintf(path, sizeof(path), "%s%s%s", *pattern == '/' ? "" : dirname(folder),
		     *pattern == '/' ? "" : "/", pattern) >= (int)sizeof(path))
		return wrong(r, "include: the path is too long");
	err = glob(path, GLOB_BRACE, NULL, &g);
	if (err == GLOB_NOMATCH)
		return wrong(r, "include: there is no file %s", path);
	if (err)
		return wrong(r, "include: could not look for %s", path);
	for (size_t i = 0; !err && i < g.gl_pathc; i++)
		err = read_file(r->t, g.gl_pathv[i], r->nested + 1);
	globfree(&g);
	return err;
}

/* A line whose words are complete, unless it was a brace only. */
static int finish_line(const struct reading *r, struct kl_line *l)
{
	int err = check_holes(r, l);

	if (err || strncmp(l->word[0], "include", strlen("include")) != 0)
		return err;
	if (l->n != 2)
		return wrong(r, "include takes one file");
	kl_say(l, KL_KEPT, "the file is read here");
	return include(r, l->word[1]);
}

static bool has_words(const char *s)
{
	while (isspace((unsigned char)*s))
		s++;
	return *s && !strchr("{}#!", *s);
}

/* Words, braces and more words of one line. */
static int take_parts(const struct reading *r, const char *s)
{
	struct kl_line *l = NULL;
	int err = 0;

	while (!err) {
		while (isspace((unsigned char)*s))
			s++;
		if (has_words(s)) {
			size_t used = 0;

			l = new_line(r);
			err = l ? words(r, l, &s, &used) : -EINVAL;
			if (!err)
				err = finish_line(r, l);
		} else if (*s == '{') {
			err = open_block(r, l ? l : r->t->last[r->t->depth]);
			l = NULL;
			s++;
		} else if (*s == '}') {
			err = close_block(r);
			l = NULL;
			s++;
		} else {
			break;
		}
	}
	return err;
}

static int take_line(const struct reading *r, const char *line)
{
	char text[KL_LINE_MAX] = "";
	int err;

	while (isspace((unsigned char)*line))
		line++;
	if (*line == '@')
		return wrong(r, "a line for one configuration identity only: "
				"remove it, or its part with @");
	if (*line == '~')
		return wrong(r, "a loop: write out its lines");
	err = define(r, line);
	if (err)
		return err < 0 ? err : 0;
	err = expand(r, line, text);
	return err ? err : take_parts(r, text);
}

/* ---- files ---- */

static void trim(char *line)
{
	size_t len = strlen(line);

	while (len && isspace((unsigned char)line[len - 1]))
		line[--len] = '\0';
}

static int read_lines(struct reading *r, FILE *f)
{
	char line[KL_LINE_MAX];
	int err = 0;

	while (!err && fgets(line, sizeof(line), f)) {
		bool whole = strchr(line, '\n') || feof(f);

		r->number++;
		trim(line);
		err = whole ? take_line(r, line)
			    : wrong(r, "a line of more than %d characters", KL_LINE_MAX - 2);
	}
	if (!err && ferror(f))
		err = wrong(r, "could not be read");
	return err;
}

static int read_file(struct kl_tree *t, const char *path, unsigned int nested)
{
	struct reading r = {.t = t, .nested = nested};
	FILE *f;
	int err;

	if (t->n_files == FILES_MAX) {
		fprintf(t->errors, "%s: more than %d files\n", path, FILES_MAX);
		return -EINVAL;
	}
	f = fopen(path, "re");
	if (!f) {
		err = -errno;
		fprintf(t->errors, "%s: %s\n", path, strerror(-err));
		return err;
	}
	r.file = t->files[t->n_files] = strdup(path);
	err = r.file ? 0 : -ENOMEM;
	t->n_files += !err;
	if (!err)
		err = read_lines(&r, f);
	fclose(f);
	return err;
}

int kl_read(const char *path, FILE *errors, struct kl_tree **out)
{
	struct kl_tree *t = calloc(1, sizeof(*t));
	int err;

	*out = NULL;
	if (!t)
		return -ENOMEM;
	t->errors = errors;
	t->end[0] = &t->first;
	err = read_file(t, path, 0);
	if (!err && t->depth) {
		fprintf(errors, "%s: a { is not closed at the end of the file\n", path);
		err = -EINVAL;
	}
	if (err) {
		kl_free(t);
		return err;
	}
	*out = t;
	return 0;
}

static void free_lines(struct kl_line *l)
{
	while (l) {
		struct kl_line *next = l->next;

		free_lines(l->block);
		free(l);
		l = next;
	}
}

void kl_free(struct kl_tree *t)
{
	if (!t)
		return;
	free_lines(t->first);
	for (unsigned int i = 0; i < t->n_files; i++)
		free(t->files[i]);
	free(t);
}

struct kl_line *kl_first(const struct kl_tree *t)
{
	return t->first;
}
