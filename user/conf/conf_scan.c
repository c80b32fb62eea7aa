/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Checks the bytes of the file before libconfuse reads them.
 *
 * Comments are replaced by spaces, and their newlines stay. libconfuse 3.3 counts the line of a #
 * comment twice. A comment inside a list or before a value is an error to it, an unfinished comment
 * ends the file, and the end of the file ends a section.
 *
 * libconfuse also ignores a stray '*' and replaces ${...} by environment variables. The file must
 * mean the same on every node and under every shell, so both are refused here.
 */
#include <string.h>

#include "conf/conf_int.h"

struct scan {
	char *p;
	char *end;
	int line;
	int depth;
	int opened[CONF_DEPTH_MAX]; /* lines of the braces that are open */
	bool word;                  /* the last byte belongs to an unquoted word */
	bool good;
	struct conf_errors *errors;
};

static void blank(struct scan *s)
{
	if (*s->p == '\n')
		s->line++;
	else
		*s->p = ' ';
	s->p++;
}

static void skip_line_comment(struct scan *s)
{
	while (s->p < s->end && *s->p != '\n')
		blank(s);
}

static void skip_block_comment(struct scan *s)
{
	const int line = s->line;

	blank(s);
	blank(s);
	while (s->p < s->end) {
		if (s->p[0] == '*' && s->p[1] == '/') {
			blank(s);
			blank(s);
			return;
		}
		blank(s);
	}
	conf_error_at(s->errors, line, "the comment that begins here has no end: close it with */");
	s->good = false;
}

static void skip_string(struct scan *s)
{
	const char quote = *s->p++;
	const int line = s->line;

	for (; s->p < s->end; s->p++) {
		if (*s->p == quote) {
			s->p++;
			return;
		}
		if (*s->p == '\\' && s->p + 1 < s->end)
			s->p++;
		else if (quote == '"' && s->p[0] == '$' && s->p[1] == '{') {
			conf_error_at(
				s->errors, s->line,
				"${...}: environment variables are not put in here; "
				"write the value itself, or '...' for a text that has ${ in it");
			s->good = false;
		}
		if (*s->p == '\n') {
			conf_error_at(s->errors, line,
				      "the text that begins with %c here does not end on its line",
				      quote);
			s->good = false;
			return;
		}
	}
	conf_error_at(s->errors, line, "the text that begins with %c here has no end", quote);
	s->good = false;
}

static void scan_brace(struct scan *s, char c)
{
	if (c == '{' && s->depth < CONF_DEPTH_MAX) {
		s->opened[s->depth++] = s->line;
	} else if (c == '}' && s->depth > 0) {
		s->depth--;
	} else {
		conf_error_at(s->errors, s->line,
			      c == '{' ? "{: sections nest at most 2 deep"
				       : "}: there is no { that it could close");
		s->good = false;
	}
}

/* One byte of the file itself, outside of comments and quotes. */
static void scan_byte(struct scan *s)
{
	const unsigned char c = (unsigned char)*s->p;

	s->word = !strchr(" \t\r\n{}()=+,", c);
	if (c == '{' || c == '}') {
		scan_brace(s, c);
	} else if (c == '\n') {
		s->line++;
	} else if (c == '*' || (c == '$' && s->p[1] == '{')) {
		conf_error_at(s->errors, s->line, "%c has no meaning here: put texts in quotes", c);
		s->good = false;
	} else if (c == '\0' || (c < 0x20 && c != '\t' && c != '\r') || c == 0x7f) {
		conf_error_at(s->errors, s->line, "byte 0x%02x: this is not a text file", c);
		s->good = false;
	}
	s->p++;
}

bool conf_scan(char *buf, size_t len, struct conf_errors *e)
{
	struct scan s = {.p = buf, .end = buf + len, .line = 1, .good = true, .errors = e};

	/* The byte behind the end is a zero, so looking one byte ahead is safe. */
	while (s.p < s.end && s.good) {
		if (*s.p == '#') {
			skip_line_comment(&s);
		} else if (!s.word && s.p[0] == '/' && s.p[1] == '/') {
			skip_line_comment(&s);
		} else if (!s.word && s.p[0] == '/' && s.p[1] == '*') {
			skip_block_comment(&s);
		} else if (*s.p == '"' || *s.p == '\'') {
			skip_string(&s);
			s.word = false;
		} else {
			scan_byte(&s);
		}
	}
	if (s.good && s.depth) {
		conf_error_at(e, s.opened[s.depth - 1], "the { that opens here is never closed");
		s.good = false;
	}
	return s.good;
}
