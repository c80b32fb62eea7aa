/* SPDX-License-Identifier: GPL-2.0-only */
/* What is printed from a struct command: help, words for completion, its part of the man page. */
#include <string.h>

#include "base/command.h"

#define HELP_WIDTH  80 /* columns of a terminal */
#define HELP_COLUMN 24 /* where the texts of options begin */
#define LIST_COLUMN 16 /* where the summaries of commands begin */

static const struct command_option no_more[] = {
	{"help", 'h', true, NULL, "print this help and exit"},
	{NULL, 0, false, NULL, NULL},
};

void command_wrapped(const char *text, int at, int indent, FILE *out)
{
	int column = at;

	while (*text) {
		int len = (int)strcspn(text, " ");

		if (column > indent && column + 1 + len >= HELP_WIDTH)
			column = fprintf(out, "\n%*s", indent, "") - 1;
		else if (column > indent)
			column += fprintf(out, " ");
		column += fprintf(out, "%.*s", len, text);
		text += len;
		text += *text == ' ';
	}
	fputc('\n', out);
}

/* `used` columns of the line are filled already: the rest up to `column`, then the text. */
static void print_text(const char *text, int used, int column, FILE *out)
{
	if (used < column)
		fprintf(out, "%*s", column - used, "");
	else
		fprintf(out, "\n%*s", column, "");
	command_wrapped(text, column, column, out);
}

static void help_options(const struct command_option *o, FILE *out)
{
	for (; o && o->name; o++) {
		int used;

		if (o->letter)
			used = fprintf(out, "  -%c, --%s", o->id, o->name);
		else
			used = fprintf(out, "      --%s", o->name);
		if (o->value)
			used += fprintf(out, " %s", o->value);
		print_text(o->help, used, HELP_COLUMN, out);
	}
}

static void help_rows(const char *title, const struct command_row *r, FILE *out)
{
	if (!r)
		return;
	fprintf(out, "\n%s\n", title);
	for (; r->name; r++)
		print_text(r->help, fprintf(out, "  %s", r->name), LIST_COLUMN, out);
}

void command_usage(const struct command *c, FILE *out)
{
	fprintf(out, "usage: hokm-xdp %s%s%s%s\n", c->name,
		c->options && c->options->name ? " [options]" : "", *c->operands ? " " : "",
		c->operands);
}

void command_help(const struct command *c, FILE *out)
{
	command_usage(c, out);
	fputc('\n', out);
	command_wrapped(c->about, 0, 0, out);
	help_rows("what it does", c->words, out);
	fprintf(out, "\noptions\n");
	help_options(c->options, out);
	help_options(no_more, out);
	help_rows("exit codes", c->exits, out);
}

void command_list_line(const struct command *c, FILE *out)
{
	print_text(c->summary, fprintf(out, "  %s", c->name), LIST_COLUMN, out);
}

static void option_words(const struct command_option *o, FILE *out)
{
	for (; o && o->name; o++)
		fprintf(out, "--%s\n", o->name);
}

void command_words(const struct command *c, FILE *out)
{
	for (const struct command_row *r = c->words; r && r->name; r++)
		fprintf(out, "%s\n", r->name);
	option_words(c->options, out);
	option_words(no_more, out);
}

/* ---- man page ---- */

void command_man_text(const char *text, FILE *out)
{
	if (*text == '.' || *text == '\'')
		fputs("\\&", out);
	for (; *text; text++) {
		if (*text == '\\')
			fputs("\\e", out);
		else if (*text == '-')
			fputs("\\-", out);
		else
			fputc(*text, out);
	}
}

/* One sentence a line, as roff wants it. */
static void man_sentences(const char *text, FILE *out)
{
	while (*text) {
		const char *stop = strstr(text, ". ");
		size_t len = stop ? (size_t)(stop - text) + 1 : strlen(text);
		char sentence[1024];

		snprintf(sentence, sizeof(sentence), "%.*s", (int)len, text);
		command_man_text(sentence, out);
		fputc('\n', out);
		text += stop ? len + 1 : len;
	}
}

static void man_options(const struct command_option *o, FILE *out)
{
	for (; o && o->name; o++) {
		fputs(".TP\n\\fB", out);
		if (o->letter)
			fprintf(out, "\\-%c\\fR, \\fB", o->id);
		fputs("\\-\\-", out);
		command_man_text(o->name, out);
		fputs("\\fR", out);
		if (o->value)
			fprintf(out, " \\fI%s\\fR", o->value);
		fputc('\n', out);
		man_sentences(o->help, out);
	}
}

static void man_rows(const char *title, const struct command_row *r, FILE *out)
{
	if (!r)
		return;
	fprintf(out, ".PP\n%s:\n", title);
	for (; r->name; r++) {
		fputs(".TP\n.B ", out);
		command_man_text(r->name, out);
		fputc('\n', out);
		man_sentences(r->help, out);
	}
}

void command_man(const struct command *c, FILE *out)
{
	fputs(".SS ", out);
	command_man_text(c->name, out);
	if (*c->operands) {
		fputc(' ', out);
		command_man_text(c->operands, out);
	}
	fputc('\n', out);
	man_sentences(c->about, out);
	man_rows("What it does", c->words, out);
	man_options(c->options, out);
	man_rows("Exit codes", c->exits, out);
}
