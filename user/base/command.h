/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The commands of the program: what each one takes and means, in a struct command. Its parsing,
 * its help, its completion and its section of the man page all come from there, so that they
 * cannot differ.
 *
 *   command.c       reads a command line
 *   command_text.c  help and man page
 */
#ifndef HOKM_COMMAND_H
#define HOKM_COMMAND_H

#include <stdbool.h>
#include <stdio.h>

struct command_option {
	const char *name;  /* without the dashes; NULL ends a table */
	int id;            /* what command_next() returns; above 0, below COMMAND_OPERAND */
	bool letter;       /* id is also its short name */
	const char *value; /* what stands for its value in the help; NULL for a flag */
	const char *help;
};

/* An exit code, or what one of the words means that the command takes first. */
struct command_row {
	const char *name; /* NULL ends a table */
	const char *help;
};

struct command {
	const char *name;
	const char *operands; /* as in the usage: "FILE", "[URL]"; "" for none */
	const char *summary;  /* one line, no full stop */
	const char *about;    /* full sentences */
	const struct command_option *options;
	const struct command_row *words; /* what the first operand may be; NULL: anything */
	const struct command_row *exits; /* NULL: 0 done, else the message says why */
};

/* What command_next() returns beside the id of an option. */
enum {
	COMMAND_END = 0,
	COMMAND_OPERAND = 256, /* `value` is it */
	COMMAND_HELP = -1,     /* help was asked for and is printed */
	COMMAND_BAD = -2,      /* what is wrong was written to `err` */
};

/* A command line that is being read. Filled by command_begin(). */
struct command_line {
	const struct command *command;
	char **argv;
	int argc, at;
	bool only_operands;  /* "--" was read */
	const char *letters; /* of the present argument, those behind the last one read */
	const char *value;   /* of the option or the operand that was returned last */
	FILE *out, *err;
};

/* argv[0] is the name of the command. */
void command_begin(struct command_line *l, const struct command *c, int argc, char **argv,
		   FILE *out, FILE *err);

/*
 * The next option or operand. `--name VALUE`, `--name=VALUE`, `-n VALUE` and `-nVALUE` mean the
 * same, and `--` ends the options. -h and --help are options of every command.
 */
int command_next(struct command_line *l);

/* Writes "hokm-xdp NAME: ..." and the usage to `err`. Returns COMMAND_BAD. */
int command_wrong(const struct command_line *l, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Prints the line "usage: ...". */
void command_usage(const struct command *c, FILE *out);

/* Prints the help on a command. */
void command_help(const struct command *c, FILE *out);

/* One line for the list of commands. */
void command_list_line(const struct command *c, FILE *out);

/* Prints the words that may follow the command, one a line, for completion. */
void command_words(const struct command *c, FILE *out);

/* Prints the section of the man page, as roff. */
void command_man(const struct command *c, FILE *out);

/* Prints text with the characters escaped that roff would interpret. */
void command_man_text(const char *text, FILE *out);

/* Prints `text` from column `at` on, with line breaks at spaces, then a newline. */
void command_wrapped(const char *text, int at, int indent, FILE *out);

#endif
