/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The commands of `hokm-xdp ctl`: one table from which parsing, the request, help, completion and
 * the man page come.
 */
#ifndef HOKM_CTL_COMMANDS_H
#define HOKM_CTL_COMMANDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

enum ctl_option_kind {
	CTL_FLAG,   /* true when given */
	CTL_NUMBER, /* takes a number from min to max */
	CTL_WORD,   /* takes any text that is not empty */
	CTL_WORDS,  /* like it, may be given again: a list */
};

struct ctl_option {
	const char *name; /* long name without the dashes; NULL ends a table */
	char letter;      /* short name, 0 for none */
	enum ctl_option_kind kind;
	const char *value; /* name of the value in the help, NULL for a flag */
	long min, max;     /* CTL_NUMBER */
	const char *key;   /* in the options and, unless local, in the request's args */
	bool local;        /* only for this side */
	const char *help;
};

/* How a reply that may come in several frames is asked for and shown, a frame at a time. */
struct ctl_view {
	/* What the options mean for the request's args. 0 or -ENOMEM. */
	int (*prepare)(const json_t *options, json_t *args);
	void *(*open)(const json_t *options, FILE *out); /* NULL without memory */
	void (*frame)(void *view, json_t *data);
	void (*close)(void *view);
};
extern const struct ctl_view conns_view;

struct ctl_command {
	const char *name; /* also the verb; NULL ends the table */
	const char *help;
	const struct ctl_option *options;
	const char *operand; /* name of the one optional operand, NULL for none */
	const char *operand_key;
	const char *operand_help;
	/*
	 * Data of the reply as text for people. NULL: by view, or the command prints by itself
	 * (events).
	 */
	void (*render)(const json_t *data, const json_t *options, FILE *out);
	const struct ctl_view *view;
	/*
	 * Goes on after the reply was shown, asking the daemon by ask() (a new reference to a
	 * reply's data, NULL when there is none any more: said so). NULL: the reply is all.
	 */
	int (*follow)(const json_t *options, json_t *(*ask)(void *ctl, const char *verb), void *ctl,
		      FILE *out);
	/*
	 * Exit code by the data, for scripts; NULL: always CTL_EXIT_OK. CTL_EXIT_FAILED: nothing is
	 * to be shown, err has said why.
	 */
	int (*judge)(const json_t *data, const json_t *options, FILE *err);
};

extern const struct ctl_command ctl_commands[];
/* What every command takes: config, socket, node, json, help. */
extern const struct ctl_option ctl_common_options[];

const struct ctl_command *ctl_command_find(const char *name);

/* What a command line says. */
struct ctl_call {
	const struct ctl_command *command; /* NULL: only common options */
	json_t *options;                   /* all of them, by key */
	json_t *args;                      /* those of the request */
};

/* Parses argv[1..]. 0, or -EINVAL with words to err. Caller: ctl_call_free(), either way. */
int ctl_call_parse(struct ctl_call *call, int argc, char **argv, FILE *err);
void ctl_call_free(struct ctl_call *call);

/* Help on all commands, or on one. */
void ctl_help(const struct ctl_command *command, FILE *out);

/* Words that may follow, one a line, for completion: commands, or the options of one. */
void ctl_words(const struct ctl_command *command, FILE *out);

/* The commands' part of the man page, as roff. */
void ctl_man(FILE *out);

#endif
