/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The commands of `hokm-xdp ctl`: one table from which parsing, the request, help, completion and
 * the man page come. A command is also the verb of the same name that the daemon serves.
 *
 *   commands.c  the table
 *   parse.c     a command line as a struct ctl_call
 *   help.c      what is printed from the table
 *   gone.c      what a daemon that does not answer has left in the kernel
 *   ctl.c       sends the request, shows the reply, chooses the exit code
 */
#ifndef HOKM_CTL_COMMANDS_H
#define HOKM_CTL_COMMANDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "ctl/render.h"

enum ctl_option_kind {
	CTL_FLAG,   /* takes no value; true when given */
	CTL_NUMBER, /* takes a number from min to max */
	CTL_WORD,   /* takes any text that is not empty */
	CTL_WORDS,  /* as CTL_WORD, but may be given several times: a list */
};

struct ctl_option {
	const char *name; /* long name without the dashes; NULL ends a table */
	char letter;      /* short name, 0 for none */
	enum ctl_option_kind kind;
	const char *value; /* name of the value in the help, NULL for a flag */
	long min, max;     /* CTL_NUMBER */
	/* name in ctl_call.options and, unless local, in the args of the request */
	const char *key;
	bool local; /* concerns only the client; not sent to the daemon */
	const char *help;
};

/* Shows a reply that may come in several frames, one frame at a time. */
struct ctl_view {
	/* Adds to the request's args what the options mean. 0 or -ENOMEM. */
	int (*prepare)(const json_t *options, json_t *args);
	/*
	 * Returns the view's state, NULL without memory. Caller: close(). What is wrong is written
	 * to `err`.
	 */
	void *(*open)(const json_t *options, FILE *out, FILE *err);
	void (*frame)(void *view, json_t *data);
	int (*close)(void *view); /* returns the exit code */
};
extern const struct ctl_view conns_view;
extern const struct ctl_view timeline_view;

struct ctl_command {
	const char *name;    /* also the verb; NULL ends the table */
	const char *summary; /* for the list of commands: one line, no full stop */
	const char *about;   /* what the command does, in full sentences */
	const struct ctl_option *options;
	const char *operand; /* name of the one optional operand, NULL for none */
	const char *operand_key;
	const char *operand_help;
	const char *operand_words; /* what it may be, one a line; NULL: not known before */
	/*
	 * Prints the data of a reply as text. NULL: `view` prints it, or there is no view either
	 * and ctl.c prints events.
	 */
	void (*render)(const json_t *data, const json_t *options, FILE *out);
	const struct ctl_view *view;
	/*
	 * Continues after the reply was shown, and asks the daemon again by `ask`. Returns the exit
	 * code. NULL: the command ends with the reply.
	 */
	int (*follow)(const json_t *options, ctl_ask_fn ask, void *ctl, FILE *out);
	bool patient; /* follow() expects that no daemon answers for a moment */
	/*
	 * Chooses the exit code by the data. CTL_EXIT_FAILED: the cause was written to `err`, and
	 * nothing is shown. NULL: always CTL_EXIT_OK.
	 */
	int (*judge)(const json_t *data, const json_t *options, FILE *err);
	/*
	 * Prints what a daemon that does not answer has left in the kernel (gone.h); then judge()
	 * may find that this node is not owner. NULL: nothing more is said.
	 */
	void (*render_gone)(const json_t *data, const json_t *options, FILE *out);
};

extern const struct ctl_command ctl_commands[];
/* The options that every command takes: config, socket, node, json, help. */
extern const struct ctl_option ctl_common_options[];

/* The command of this name, or NULL. */
const struct ctl_command *ctl_command_find(const char *name);

/* A parsed command line. */
struct ctl_call {
	const struct ctl_command *command; /* NULL: only common options were given */
	json_t *options;                   /* all options, by key */
	json_t *args;                      /* of the request: the options that are not local */
};

/*
 * Parses argv[1] and what follows. 0, -EINVAL with the cause written to `err`, or -ENOMEM. Caller:
 * ctl_call_free(), also after an error.
 */
int ctl_call_parse(struct ctl_call *call, int argc, char **argv, FILE *err);
void ctl_call_free(struct ctl_call *call);

/* Prints the help on one command, or, for NULL, on all of them. */
void ctl_help(const struct ctl_command *command, FILE *out);

/*
 * Prints, one a line, the words that may follow on a command line, for completion: the options of
 * `command`, or, for NULL, the commands; in both cases also the common options.
 */
void ctl_words(const struct ctl_command *command, FILE *out);

/* Prints the part of the man page that describes the commands, as roff. */
void ctl_man(FILE *out);

#endif
