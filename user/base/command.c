/* SPDX-License-Identifier: GPL-2.0-only */
/* See command.h. */
#include <stdarg.h>
#include <string.h>

#include "base/command.h"

static const struct command_option help_option = {"help", 'h', true, NULL, NULL};

void command_begin(struct command_line *l, const struct command *c, int argc, char **argv,
		   FILE *out, FILE *err)
{
	memset(l, 0, sizeof(*l));
	l->command = c;
	l->argc = argc;
	l->argv = argv;
	l->at = 1;
	l->out = out;
	l->err = err;
}

int command_wrong(const struct command_line *l, const char *fmt, ...)
{
	va_list ap;

	fprintf(l->err, "hokm-xdp %s: ", l->command->name);
	va_start(ap, fmt);
	vfprintf(l->err, fmt, ap);
	va_end(ap);
	fputc('\n', l->err);
	command_usage(l->command, l->err);
	fprintf(l->err, "`hokm-xdp %s --help` explains it\n", l->command->name);
	return COMMAND_BAD;
}

static const struct command_option *find_long(const struct command *c, const char *name, size_t len)
{
	for (const struct command_option *o = c->options; o && o->name; o++)
		if (strlen(o->name) == len && !strncmp(o->name, name, len))
			return o;
	return len == strlen("help") && !strncmp(name, "help", len) ? &help_option : NULL;
}

static const struct command_option *find_letter(const struct command *c, char letter)
{
	for (const struct command_option *o = c->options; o && o->name; o++)
		if (o->letter && o->id == letter)
			return o;
	return letter == help_option.id ? &help_option : NULL;
}

/* `value` is what stands in the same argument, or NULL. */
static int take(struct command_line *l, const struct command_option *o, const char *value)
{
	l->value = NULL;
	if (o == &help_option && !value) {
		command_help(l->command, l->out);
		return COMMAND_HELP;
	}
	if (!o->value)
		return value ? command_wrong(l, "--%s takes no value", o->name) : o->id;
	if (!value && l->at < l->argc)
		value = l->argv[l->at++];
	if (!value || !*value)
		return command_wrong(l, "--%s needs a value: %s", o->name, o->value);
	l->value = value;
	return o->id;
}

static int next_letter(struct command_line *l)
{
	const struct command_option *o = find_letter(l->command, *l->letters);
	const char *rest = l->letters + 1;

	if (!o)
		return command_wrong(l, "there is no option -%c", *l->letters);
	l->letters = o->value || !*rest ? NULL : rest;
	return take(l, o, o->value && *rest ? rest : NULL);
}

static int next_long(struct command_line *l, const char *name)
{
	const char *equals = strchr(name, '=');
	size_t len = equals ? (size_t)(equals - name) : strlen(name);
	const struct command_option *o = find_long(l->command, name, len);

	if (!o)
		return command_wrong(l, "there is no option --%s", name);
	return take(l, o, equals ? equals + 1 : NULL);
}

int command_next(struct command_line *l)
{
	const char *arg;

	if (l->letters)
		return next_letter(l);
	if (l->at >= l->argc)
		return COMMAND_END;
	arg = l->argv[l->at++];
	if (l->only_operands || arg[0] != '-' || !arg[1]) {
		l->value = arg;
		return COMMAND_OPERAND;
	}
	if (!strcmp(arg, "--")) {
		l->only_operands = true;
		return command_next(l);
	}
	if (arg[1] == '-')
		return next_long(l, arg + 2);
	l->letters = arg + 1;
	return next_letter(l);
}
