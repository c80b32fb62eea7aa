/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is printed from the table of commands (commands.c): help, words for completion, man page.
 */
#include <string.h>

#include "base/command.h"
#include "base/ctl_proto.h"
#include "ctl/commands.h"

#define HELP_COLUMN 24 /* where the texts of commands and options begin */

/* `used` columns of the line are filled already: the rest up to HELP_COLUMN, then the text. */
static void print_help_text(const char *text, int used, FILE *out)
{
	if (used < HELP_COLUMN)
		fprintf(out, "%*s", HELP_COLUMN - used, "");
	else
		fprintf(out, "\n%*s", HELP_COLUMN, "");
	command_wrapped(text, HELP_COLUMN, HELP_COLUMN, out);
}

static void help_options(const struct ctl_option *o, FILE *out)
{
	for (; o->name; o++) {
		int used;

		if (o->letter)
			used = fprintf(out, "  -%c, --%s", o->letter, o->name);
		else
			used = fprintf(out, "      --%s", o->name);
		if (o->value)
			used += fprintf(out, " %s", o->value);
		print_help_text(o->help, used, out);
	}
}

static void help_one(const struct ctl_command *c, FILE *out)
{
	fprintf(out, "usage: hokm-xdp ctl %s%s%s%s%s\n\n%s\n\n", c->name,
		c->options->name ? " [options]" : "", c->operand ? " [" : "",
		c->operand ? c->operand : "", c->operand ? "]" : "", c->summary);
	command_wrapped(c->about, 0, 0, out);
	if (c->operand) {
		fputc('\n', out);
		print_help_text(c->operand_help, fprintf(out, "  %s", c->operand), out);
	}
	if (c->options->name) {
		fprintf(out, "\noptions\n");
		help_options(c->options, out);
	}
	fprintf(out, "\ncommon options\n");
	help_options(ctl_common_options, out);
}

static void help_all(FILE *out)
{
	fprintf(out, "usage: hokm-xdp ctl [common options] COMMAND [options]\n\n"
		     "Asks the hokm-xdp daemon that runs on this machine.\n\ncommands\n");
	for (const struct ctl_command *c = ctl_commands; c->name; c++)
		print_help_text(c->summary, fprintf(out, "  %s", c->name), out);
	fprintf(out, "\n`hokm-xdp ctl COMMAND --help` explains a command and its options.\n");
	fprintf(out, "\ncommon options\n");
	help_options(ctl_common_options, out);
	fprintf(out,
		"\nexit codes\n"
		"  %d  the command was carried out\n"
		"  %d  the daemon refused the command; the message names the cause\n"
		"  %d  the command line is wrong\n"
		"  %d  no daemon answers on the socket\n"
		"  %d  status --owner: this node is not the owner\n"
		"  %d  permission denied\n",
		CTL_EXIT_OK, CTL_EXIT_FAILED, CTL_EXIT_USAGE, CTL_EXIT_NO_DAEMON,
		CTL_EXIT_NOT_OWNER, CTL_EXIT_DENIED);
}

void ctl_help(const struct ctl_command *command, FILE *out)
{
	if (command)
		help_one(command, out);
	else
		help_all(out);
}

static void word_options(const struct ctl_option *o, FILE *out)
{
	for (; o->name; o++)
		fprintf(out, "--%s\n", o->name);
}

void ctl_words(const struct ctl_command *command, FILE *out)
{
	if (command)
		word_options(command->options, out);
	for (const struct ctl_command *c = ctl_commands; !command && c->name; c++)
		fprintf(out, "%s\n", c->name);
	word_options(ctl_common_options, out);
}

static void man_options(const struct ctl_option *o, FILE *out)
{
	for (; o->name; o++) {
		fputs(".TP\n\\fB", out);
		if (o->letter)
			fprintf(out, "\\-%c\\fR, \\fB", o->letter);
		fputs("\\-\\-", out);
		command_man_text(o->name, out);
		fprintf(out, "\\fR%s\\fI%s\\fR\n", o->value ? " " : "", o->value ? o->value : "");
		command_man_text(o->help, out);
		fputc('\n', out);
	}
}

void ctl_man(FILE *out)
{
	for (const struct ctl_command *c = ctl_commands; c->name; c++) {
		fputs(".SS ctl ", out);
		command_man_text(c->name, out);
		if (c->operand)
			fprintf(out, " [%s]", c->operand);
		fputc('\n', out);
		command_man_text(c->summary, out);
		fputs(".\n.PP\n", out);
		command_man_text(c->about, out);
		fputc('\n', out);
		if (c->operand) {
			fprintf(out, ".TP\n\\fI%s\\fR\n", c->operand);
			command_man_text(c->operand_help, out);
			fputc('\n', out);
		}
		man_options(c->options, out);
	}
	fputs(".SS Common options of ctl\n", out);
	man_options(ctl_common_options, out);
}
