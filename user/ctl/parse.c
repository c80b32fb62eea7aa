/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Parses a command line of `hokm-xdp ctl` by the table of commands.c. Options may stand before and
 * after the command and its operand. `--name VALUE`, `--name=VALUE`, `-n VALUE` and `-nVALUE` mean
 * the same; `--` ends the options.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/commands.h"

struct parser {
	struct ctl_call *call;
	int argc;
	char **argv;
	int at; /* the next argument */
	FILE *err;
};

static const struct ctl_option *find_in(const struct ctl_option *o, const char *name, size_t len,
					char letter)
{
	for (; o->name; o++) {
		if (letter && o->letter == letter)
			return o;
		if (!letter && strlen(o->name) == len && !strncmp(o->name, name, len))
			return o;
	}
	return NULL;
}

static const struct ctl_option *find_option(const struct ctl_call *call, const char *name,
					    size_t len, char letter)
{
	const struct ctl_option *o = NULL;

	if (call->command)
		o = find_in(call->command->options, name, len, letter);
	return o ? o : find_in(ctl_common_options, name, len, letter);
}

/* Stores the value in the options and, unless local, in the request. Steals its reference. */
static int store(struct ctl_call *call, const char *key, bool local, json_t *value)
{
	int failed = !value || json_object_set(call->options, key, value) ||
		     (!local && json_object_set(call->args, key, value));

	json_decref(value);
	return failed ? -ENOMEM : 0;
}

static int store_number(struct parser *p, const struct ctl_option *o, const char *text)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (errno || end == text || *end || n < o->min || n > o->max) {
		fprintf(p->err, "hokm-xdp ctl: --%s %s: give a number from %ld to %ld\n", o->name,
			text, o->min, o->max);
		return -EINVAL;
	}
	return store(p->call, o->key, o->local, json_integer(n));
}

static int store_text(struct parser *p, const struct ctl_option *o, const char *text)
{
	json_t *value = json_string(text);
	json_t *list;

	if (!value || !text[0]) {
		json_decref(value);
		fprintf(p->err, "hokm-xdp ctl: --%s needs a value: %s\n", o->name, o->value);
		return -EINVAL;
	}
	if (o->kind == CTL_WORD)
		return store(p->call, o->key, o->local, value);
	list = json_incref(json_object_get(p->call->options, o->key));
	if (!list)
		list = json_array();
	if (json_array_append_new(list, value)) {
		json_decref(list);
		return -ENOMEM;
	}
	return store(p->call, o->key, o->local, list);
}

/* `text` is the value in the same argument, as in --name=VALUE and -nVALUE, or NULL. */
static int take_option(struct parser *p, const struct ctl_option *o, const char *text)
{
	if (o->kind == CTL_FLAG) {
		if (text) {
			fprintf(p->err, "hokm-xdp ctl: --%s takes no value\n", o->name);
			return -EINVAL;
		}
		return store(p->call, o->key, o->local, json_true());
	}
	if (!text) {
		if (p->at == p->argc) {
			fprintf(p->err, "hokm-xdp ctl: --%s needs a value: %s\n", o->name,
				o->value);
			return -EINVAL;
		}
		text = p->argv[p->at++];
	}
	return o->kind == CTL_NUMBER ? store_number(p, o, text) : store_text(p, o, text);
}

static int unknown_option(const struct parser *p, const char *arg)
{
	const struct ctl_command *c = p->call->command;

	fprintf(p->err, "hokm-xdp ctl: %s%sno option %s; see `hokm-xdp ctl %s%s--help`\n",
		c ? c->name : "", c ? " has " : "there is ", arg, c ? c->name : "", c ? " " : "");
	return -EINVAL;
}

static int take_long(struct parser *p, const char *arg)
{
	const char *name = arg + 2;
	const char *equals = strchr(name, '=');
	size_t len = equals ? (size_t)(equals - name) : strlen(name);
	const struct ctl_option *o = find_option(p->call, name, len, 0);

	if (!o)
		return unknown_option(p, arg);
	return take_option(p, o, equals ? equals + 1 : NULL);
}

/* -x, or several letters in one argument; after a letter that takes a value comes the value. */
static int take_short(struct parser *p, const char *arg)
{
	for (const char *l = arg + 1; *l; l++) {
		const struct ctl_option *o = find_option(p->call, NULL, 0, *l);
		int err;

		if (!o)
			return unknown_option(p, arg);
		if (o->kind != CTL_FLAG)
			return take_option(p, o, l[1] ? l + 1 : NULL);
		err = take_option(p, o, NULL);
		if (err)
			return err;
	}
	return 0;
}

static int take_word(struct parser *p, const char *word)
{
	struct ctl_call *call = p->call;
	const struct ctl_command *c = call->command;

	if (!c) {
		call->command = ctl_command_find(word);
		if (call->command)
			return 0;
		fprintf(p->err,
			"hokm-xdp ctl: there is no command \"%s\"; see `hokm-xdp ctl --help`\n",
			word);
		return -EINVAL;
	}
	if (!c->operand || json_object_get(call->args, c->operand_key)) {
		fprintf(p->err, "hokm-xdp ctl: %s does not take \"%s\"\n", c->name, word);
		return -EINVAL;
	}
	return store(call, c->operand_key, false, json_string(word));
}

int ctl_call_parse(struct ctl_call *call, int argc, char **argv, FILE *err)
{
	struct parser p = {.call = call, .argc = argc, .argv = argv, .at = 1, .err = err};
	bool only_words = false;
	int ret = 0;

	memset(call, 0, sizeof(*call));
	call->options = json_object();
	call->args = json_object();
	if (!call->options || !call->args)
		return -ENOMEM;
	while (!ret && p.at < argc) {
		const char *arg = argv[p.at++];

		if (only_words || arg[0] != '-' || !arg[1])
			ret = take_word(&p, arg);
		else if (!strcmp(arg, "--"))
			only_words = true;
		else if (arg[1] == '-')
			ret = take_long(&p, arg);
		else
			ret = take_short(&p, arg);
	}
	return ret;
}

void ctl_call_free(struct ctl_call *call)
{
	json_decref(call->options);
	json_decref(call->args);
	memset(call, 0, sizeof(*call));
}
