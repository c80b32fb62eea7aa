/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The documents about all keys, made from the schema: the sample with each default as a comment,
 * the man page hokm-xdp.conf(5), and docs/configuration.md.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/version.h"
#include "conf/conf_int.h"
#include "conf/schema.h"

#define WIDTH    100 /* columns of the sample */
#define TEXT_MAX 1024

static const char *const intro[] = {
	"The file has keys and sections: key = value, and section { key = value ... }. Line "
	"breaks mean nothing between them, and the order is free. # and // begin a comment that "
	"ends with the line; /* and */ enclose one. A text with other characters than letters, "
	"digits and -_./:% stands in double or single quotes.",
	"A duration is a number with a unit of ns, us, ms, s or m, such as 500ms or 1.5s. yes, "
	"true and on mean the same, and so do no, false and off.",
	"The file is the same on all nodes: a node finds itself by its own addresses. It contains "
	"the secret: make it readable for root only. hokm-xdp check-config FILE checks a file and "
	"lists every setting.",
	"A reload (systemctl reload hokm-xdp, or SIGHUP) reads the file again. If it has an "
	"error, or changes a key that needs a restart, the reload is refused and nothing changes.",
	NULL,
};

static const char *const head_of_sample[] = {
	"Configuration of hokm-xdp. The file is the same on all nodes: a node finds itself by its "
	"own addresses. Check it with: hokm-xdp check-config FILE",
	"Every key is in this file. What follows a # without a space is the default of a key. "
	"hokm-xdp.conf(5) explains all of them. The file contains the secret: make it readable for "
	"root only.",
	NULL,
};

/* ---------------------------------------------------------------------------- what a row says */
/* A value as it is written in the file. */
static const char *written(const struct conf_key *k, const char *text, char *dst, size_t size)
{
	const bool quoted = !*text || k->type.kind == CONF_TEXT || k->type.kind == CONF_PATH ||
			    k->type.kind == CONF_IPV4;
	/* A list of one may stand without braces; a secret usually is. */
	const bool list = k->flags & KEY_LIST && k->type.kind == CONF_IPV4;

	const char *quote = quoted ? "\"" : "";

	snprintf(dst, size, "%s%s%s%s%s", list ? "{" : "", quote, text, quote, list ? "}" : "");
	return dst;
}

static bool is_fast_different(const struct conf_preset *d)
{
	return d->fast && d->standard && strcmp(d->fast, d->standard) != 0;
}

/* One default: `1s`, with profile fast `100ms`. quote is what encloses a value. */
static size_t add_default(const struct conf_key *k, const struct conf_preset *d, const char *quote,
			  char *dst, size_t size)
{
	char value[128], fast[128] = "";
	int n;

	if (is_fast_different(d))
		n = snprintf(dst, size, "%s%s%s, with profile fast %s%s%s", quote,
			     written(k, d->standard, value, sizeof(value)), quote, quote,
			     written(k, d->fast, fast, sizeof(fast)), quote);
	else
		n = snprintf(dst, size, "%s%s%s", quote,
			     written(k, d->standard, value, sizeof(value)), quote);
	return n < 0 ? 0 : (size_t)n;
}

static bool is_same(const struct conf_preset *a, const struct conf_preset *b)
{
	return a->standard && b->standard && !strcmp(a->standard, b->standard) &&
	       is_fast_different(a) == is_fast_different(b) &&
	       (!is_fast_different(a) || !strcmp(a->fast, b->fast));
}

/* The titles whose default of the key is that of the given one; 0 if an earlier one has it too. */
static unsigned int titles_like(const struct conf_section *sec, const struct conf_key *k,
				unsigned int title)
{
	unsigned int bits = 0;

	for (unsigned int t = 0; sec->titles[t]; t++)
		if (conf_key_applies(k, t) && is_same(&k->by_title[t], &k->by_title[title]))
			bits |= 1u << t;
	return bits & ((1u << title) - 1) ? 0 : bits;
}

/* The default as a text. Titles with the same one are named together. */
static const char *default_words(const struct conf_section *sec, const struct conf_key *k,
				 const char *quote, char *dst, size_t size)
{
	char titles[128];
	size_t at = 0;

	dst[0] = '\0';
	if (k->unset || k->flags & KEY_REQUIRED)
		snprintf(dst, size, "%s", k->unset ? k->unset : "none (required)");
	else if (!k->by_title)
		add_default(k, &k->preset, quote, dst, size);
	for (unsigned int t = 0; k->by_title && sec->titles[t] && at < size; t++) {
		const unsigned int bits = conf_key_applies(k, t) ? titles_like(sec, k, t) : 0;

		if (!bits)
			continue;
		at += (size_t)snprintf(dst + at, size - at, "%s%s: ", at ? "; " : "",
				       conf_title_words(sec, bits, titles, sizeof(titles)));
		if (at < size)
			at += add_default(k, &k->by_title[t], quote, dst + at, size - at);
	}
	return dst;
}

/* "Only for websocket and http. " */
static const char *title_words(const struct conf_section *sec, const struct conf_key *k, char *dst,
			       size_t size)
{
	char titles[128];

	dst[0] = '\0';
	if (k->titles)
		snprintf(dst, size, "Only for %s. ",
			 conf_title_words(sec, k->titles, titles, sizeof(titles)));
	return dst;
}

/* "service NAME { check KIND { ... } }" */
static const char *heading(const struct conf_section *up, const struct conf_section *sec, char *dst,
			   size_t size)
{
	const char *outer = up && up->name[0] ? up->name : NULL;
	char title[16] = "", outer_title[8] = "";

	if (sec->title_key)
		snprintf(title, sizeof(title), " %s", sec->title_key);
	for (char *p = title; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	if (outer && up->title_key)
		snprintf(outer_title, sizeof(outer_title), " NAME");
	if (outer)
		snprintf(dst, size, "%s%s { %s%s { ... } }", outer, outer_title, sec->name, title);
	else
		snprintf(dst, size, "%s%s { ... }", sec->name, title);
	return dst;
}

/* --------------------------------------------------------------------------------- the sample */
struct sample {
	FILE *f;
	unsigned int depth; /* sections around */
};

/* The beginning of a line: a setting that is a comment, or a remark. */
static void begin(const struct sample *s, bool remark)
{
	fputc('#', s->f);
	for (unsigned int i = 0; i < s->depth; i++)
		fputc('\t', s->f);
	if (remark)
		fputs(s->depth ? "# " : " ", s->f);
}

/* Text as a remark, in lines of WIDTH columns. */
static void remark(const struct sample *s, const char *text)
{
	const size_t room = WIDTH - 8 * s->depth - 2;

	while (*text) {
		size_t n = strlen(text);

		if (n > room)
			for (n = room; n > 0 && text[n] != ' '; n--)
				;
		begin(s, true);
		fprintf(s->f, "%.*s\n", (int)n, text);
		text += n;
		text += strspn(text, " ");
	}
}

static void explain(const struct sample *s, const struct conf_section *sec,
		    const struct conf_key *k, bool with_name)
{
	char text[TEXT_MAX], values[128], titles[128];

	snprintf(text, sizeof(text), "%s%s%s %s(%s%s%s%s)", with_name ? conf_key_name(k) : "",
		 with_name ? ": " : "", k->meaning, title_words(sec, k, titles, sizeof(titles)),
		 conf_key_values(k, values, sizeof(values)), k->unset ? "; default: " : "",
		 k->unset ? k->unset : "",
		 k->flags & KEY_RESTART ? "; a change needs a restart" : "");
	remark(s, text);
}

/* A key with its default as a comment, or a required one, or an example in a remark. */
static void setting(const struct sample *s, const struct conf_key *k, unsigned int title)
{
	const struct conf_preset *d = k->by_title ? &k->by_title[title] : &k->preset;
	const char *text = d->standard ? d->standard : k->example;
	char value[128];

	if (d->standard || !(k->flags & KEY_REQUIRED))
		begin(s, !d->standard);
	fprintf(s->f, "%s%s = %s",
		d->standard || k->flags & KEY_REQUIRED ? "" : "Example: ", conf_key_name(k),
		written(k, text, value, sizeof(value)));
	if (is_fast_different(d))
		fprintf(s->f, " # with profile fast: %s",
			written(k, d->fast, value, sizeof(value)));
	fputc('\n', s->f);
}

static void sample_section(struct sample *s, const struct conf_section *sec);

static void sample_inside(struct sample *s, const struct conf_section *sec)
{
	for (const struct conf_section *sub = sec->sections; sub && sub->name; sub++)
		sample_section(s, sub);
}

/* Of the titles that have a key the first one explains it; the others repeat it if they differ. */
static bool is_first(const struct conf_key *k, unsigned int title)
{
	return !k->titles ? !title : !(k->titles & ((1u << title) - 1));
}

static bool is_shown(const struct conf_key *k, unsigned int title)
{
	return conf_key_applies(k, title) && (is_first(k, title) || k->by_title);
}

static void sample_keys(const struct sample *s, const struct conf_section *sec, unsigned int title)
{
	for (const struct conf_key *k = sec->keys; k->path; k++) {
		if (!is_shown(k, title))
			continue;
		if (is_first(k, title))
			explain(s, sec, k, false);
		setting(s, k, title);
	}
}

/* A section that a file without it has too. */
static void sample_item(struct sample *s, const struct conf_section *sec, const char *title,
			unsigned int index)
{
	begin(s, false);
	fprintf(s->f, "%s%s%s {\n", sec->name, title ? " " : "", title ? title : "");
	s->depth++;
	sample_keys(s, sec, index);
	sample_inside(s, sec);
	s->depth--;
	begin(s, false);
	fputs("}\n", s->f);
}

/* A section that must be added: in one line of a remark, its keys explained above. */
static void sample_example(const struct sample *s, const struct conf_section *sec,
			   unsigned int title)
{
	char text[TEXT_MAX], value[128];
	int n = snprintf(text, sizeof(text), "Example: %s %s {", sec->name, sec->titles[title]);

	for (const struct conf_key *k = sec->keys; k->path; k++) {
		if (!is_shown(k, title) || n < 0 || (size_t)n >= sizeof(text))
			continue;
		explain(s, sec, k, true);
		n += snprintf(text + n, sizeof(text) - (size_t)n, " %s = %s", conf_key_name(k),
			      written(k, k->example, value, sizeof(value)));
	}
	if (n > 0 && (size_t)n < sizeof(text))
		snprintf(text + n, sizeof(text) - (size_t)n, " }");
	remark(s, text);
}

static bool is_default_title(const struct conf_section *sec, const char *title)
{
	for (const char *const *w = sec->without; *w; w++)
		if (!strcmp(*w, title))
			return true;
	return false;
}

static void sample_section(struct sample *s, const struct conf_section *sec)
{
	fputs(s->depth ? "#\n" : "\n", s->f);
	remark(s, sec->meaning);
	if (sec->example_lines) {
		for (const struct conf_key *k = sec->keys; k->path; k++)
			explain(s, sec, k, true);
		for (const char *const *line = sec->example_lines; *line; line++)
			fprintf(s->f, "%s\n", *line);
	} else if (sec->titles) {
		for (unsigned int t = 0; sec->titles[t]; t++)
			if (is_default_title(sec, sec->titles[t]))
				sample_item(s, sec, sec->titles[t], t);
			else
				sample_example(s, sec, t);
	} else {
		sample_item(s, sec, sec->without ? sec->without[0] : NULL, 0);
	}
}

static int done(FILE *f)
{
	return fflush(f) == EOF || ferror(f) ? -EIO : 0;
}

int conf_docs_sample(FILE *f)
{
	struct sample s = {.f = f};

	for (const char *const *p = head_of_sample; *p; p++) {
		fputs(p == head_of_sample ? "" : "#\n", f);
		remark(&s, *p);
	}
	for (const struct conf_key *k = conf_schema.keys; k->path; k++) {
		fputc('\n', f);
		explain(&s, &conf_schema, k, false);
		setting(&s, k, 0);
	}
	sample_inside(&s, &conf_schema);
	return done(f);
}

/* ------------------------------------------------------------------------------- the man page */
/* Text with what roff would interpret escaped. */
static void roff(FILE *f, const char *text)
{
	if (*text == '.' || *text == '\'')
		fputs("\\&", f);
	for (; *text; text++) {
		if (*text == '-')
			fputs("\\-", f);
		else if (*text == '\\')
			fputs("\\e", f);
		else
			fputc(*text, f);
	}
}

static void man_key(FILE *f, const struct conf_section *sec, const struct conf_key *k)
{
	char text[TEXT_MAX], values[128], titles[128], preset[512];

	fprintf(f, ".TP\n.B %s\n", conf_key_name(k));
	snprintf(text, sizeof(text), "%s %sValue: %s. Default: %s.%s\n", k->meaning,
		 title_words(sec, k, titles, sizeof(titles)),
		 conf_key_values(k, values, sizeof(values)),
		 default_words(sec, k, "", preset, sizeof(preset)),
		 k->flags & KEY_RESTART ? " A change needs a restart." : "");
	roff(f, text);
}

static void man_section(FILE *f, const struct conf_section *up, const struct conf_section *sec)
{
	char text[128];

	fputs(".SH ", f);
	roff(f, up ? heading(up, sec, text, sizeof(text)) : "KEYS OUTSIDE OF SECTIONS");
	fputc('\n', f);
	if (up) {
		roff(f, sec->meaning);
		fputc('\n', f);
	}
	for (const struct conf_key *k = sec->keys; k->path; k++)
		man_key(f, sec, k);
	for (const struct conf_section *sub = sec->sections; sub && sub->name; sub++)
		man_section(f, sec, sub);
}

int conf_docs_man(FILE *f)
{
	fprintf(f,
		".\\\" Made by hokm-xdp check-config --keys man; do not edit.\n"
		".TH HOKM\\-XDP.CONF 5 \"\" \"hokm\\-xdp %s\" \"File Formats\"\n"
		".SH NAME\nhokm\\-xdp.conf \\- configuration of hokm\\-xdp\n"
		".SH SYNOPSIS\n.I /etc/hokm\\-xdp/hokm\\-xdp.conf\n"
		".SH DESCRIPTION\n",
		HOKM_VERSION);
	for (const char *const *p = intro; *p; p++) {
		fputs(p == intro ? "" : ".PP\n", f);
		roff(f, *p);
		fputc('\n', f);
	}
	man_section(f, NULL, &conf_schema);
	fputs(".SH SEE ALSO\n.BR hokm\\-xdp (8)\n", f);
	return done(f);
}

/* ----------------------------------------------------------------------- docs/configuration.md */
static void markdown_key(FILE *f, const struct conf_section *sec, const struct conf_key *k)
{
	char values[128], titles[128], preset[512];

	fprintf(f, "| `%s` | %s | %s | %s | %s%s%s |\n", conf_key_name(k),
		conf_key_values(k, values, sizeof(values)),
		default_words(sec, k, "`", preset, sizeof(preset)),
		k->flags & KEY_RESTART ? "restart" : "reload",
		title_words(sec, k, titles, sizeof(titles)), k->meaning,
		k->flags & KEY_SECRET ? " Never shown." : "");
}

static void markdown_section(FILE *f, const struct conf_section *up, const struct conf_section *sec)
{
	char text[128];

	if (up)
		fprintf(f, "\n## `%s`\n\n%s\n", heading(up, sec, text, sizeof(text)), sec->meaning);
	else
		fprintf(f, "\n## Keys outside of sections\n");
	fputs("\n| key | value | default | changed by | meaning |\n"
	      "| --- | --- | --- | --- | --- |\n",
	      f);
	for (const struct conf_key *k = sec->keys; k->path; k++)
		markdown_key(f, sec, k);
	for (const struct conf_section *sub = sec->sections; sub && sub->name; sub++)
		markdown_section(f, sec, sub);
}

int conf_docs_markdown(FILE *f)
{
	fputs("<!-- Made by make docs-generated, from the table of keys; do not edit. -->\n"
	      "# Configuration\n\n"
	      "All keys of `/etc/hokm-xdp/hokm-xdp.conf`. The smallest file is\n\n"
	      "```\n"
	      "secret = \"put the output of hokm-xdp genkey here\"\n"
	      "node primary { address = \"192.168.1.26\" }\n"
	      "node backup  { address = \"192.168.1.27\" }\n"
	      "```\n",
	      f);
	for (const char *const *p = intro; *p; p++)
		fprintf(f, "\n%s\n", *p);
	markdown_section(f, NULL, &conf_schema);
	return done(f);
}
