/* SPDX-License-Identifier: GPL-2.0-only */
/* See complete.h. */
#include <string.h>
#include <unistd.h>

#include "base/ctl_proto.h"
#include "conf/conf.h"
#include "ctl/client.h"
#include "ctl/commands.h"
#include "ctl/complete.h"

#define CONFIG "/etc/hokm-xdp/hokm-xdp.conf"
/* A person waits: a daemon that does not answer ends the process. */
#define PATIENCE_S 2

/* What is named. */
enum names { NAMES_NODES, NAMES_SERVICES };

struct line {
	char **words; /* behind the command, without the last one */
	int n;
	const char *before; /* the word before the last one; "" for none */
	FILE *out;
};

/* ---- names ---- */

/* The daemon that the line means, as options of ctl. NULL without memory. */
static json_t *daemon_options(const struct line *l)
{
	json_t *options = json_object();

	for (int i = 0; options && i + 1 < l->n; i++) {
		const char *key = NULL;

		if (!strcmp(l->words[i], "-c") || !strcmp(l->words[i], "--config"))
			key = "config";
		else if (!strcmp(l->words[i], "-s") || !strcmp(l->words[i], "--socket"))
			key = "socket";
		if (key && json_object_set_new(options, key, json_string(l->words[i + 1])))
			break;
	}
	return options;
}

/*
 * A name as the configuration allows it. What answers at a socket may be no daemon, and shells make
 * more of other characters.
 */
static bool is_plain(const char *name)
{
	return *name && name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					  "0123456789_.-")] == '\0';
}

static void print_name(const json_t *o, const char *key, FILE *out)
{
	if (json_is_string(json_object_get(o, key)) && is_plain(field_text(o, key)))
		fprintf(out, "%s\n", field_text(o, key));
}

static void print_names_of(const json_t *list, FILE *out)
{
	const json_t *o;
	size_t i;

	json_array_foreach (list, i, o)
		print_name(o, "name", out);
}

/* Returns false when no daemon answers. */
static bool names_of_daemon(const struct line *l, enum names what, FILE *quiet)
{
	json_t *options = daemon_options(l), *args = json_object(), *reply = NULL;
	struct ctl_conn conn;
	char path[CONF_PATH_MAX];
	bool found = options && args &&
		     !ctl_socket_find(options, CTL_RUN_DIR, path, sizeof(path), quiet) &&
		     !ctl_conn_open(&conn, path);

	if (found) {
		const json_t *data;

		found = !ctl_conn_ask(&conn, "status", args, &reply) && field_true(reply, "ok");
		data = found ? json_object_get(reply, "data") : NULL;
		if (found && what == NAMES_NODES)
			print_name(data, "node", l->out);
		print_names_of(json_object_get(data, what == NAMES_NODES ? "peers" : "services"),
			       l->out);
		ctl_conn_close(&conn);
	}
	json_decref(options);
	json_decref(args);
	json_decref(reply);
	return found;
}

static void names_of_conf(const struct line *l, enum names what, FILE *quiet)
{
	const char *file = CONFIG;
	struct conf *c = NULL;

	for (int i = 0; i + 1 < l->n; i++)
		if (!strcmp(l->words[i], "-c") || !strcmp(l->words[i], "--config"))
			file = l->words[i + 1];
	if (conf_load(file, false, quiet, &c))
		return;
	for (unsigned int i = 0; what == NAMES_NODES && i < c->n_nodes; i++)
		fprintf(l->out, "%s\n", c->nodes[i].name);
	for (unsigned int i = 0; what == NAMES_SERVICES && i < c->n_services; i++)
		fprintf(l->out, "%s\n", c->services[i].name);
	conf_free(c);
}

static void print_names(const struct line *l, enum names what)
{
	FILE *quiet = fopen("/dev/null", "we");

	if (!quiet)
		return;
	alarm(PATIENCE_S);
	if (!names_of_daemon(l, what, quiet))
		names_of_conf(l, what, quiet);
	fclose(quiet);
}

/* ---- values ---- */

/* What an option takes that is called `value` in its help. */
static void print_value(const struct line *l, const char *option, const char *value)
{
	if (!strcmp(value, "FILE") || !strcmp(value, "PATH"))
		fprintf(l->out, ":files\n");
	else if (!strcmp(value, "NODE"))
		print_names(l, NAMES_NODES);
	else if (!strcmp(value, "NAME") && !strcmp(option, "service"))
		print_names(l, NAMES_SERVICES);
}

/* Is `word` this option? */
static bool is_option(const char *word, const char *name, int letter)
{
	if (word[0] != '-')
		return false;
	if (word[1] == '-')
		return !strcmp(word + 2, name);
	return letter && word[1] == letter && !word[2];
}

static const struct command_option *option_of(const struct command *c, const char *word)
{
	for (const struct command_option *o = c->options; o && o->name; o++)
		if (o->value && is_option(word, o->name, o->letter ? o->id : 0))
			return o;
	return NULL;
}

static const struct ctl_option *ctl_option_in(const struct ctl_option *o, const char *word)
{
	for (; o->name; o++)
		if (o->value && is_option(word, o->name, o->letter))
			return o;
	return NULL;
}

static const struct ctl_option *ctl_option_of(const struct ctl_command *verb, const char *word)
{
	const struct ctl_option *o = verb ? ctl_option_in(verb->options, word) : NULL;

	return o ? o : ctl_option_in(ctl_common_options, word);
}

/* ---- lines ---- */

/* The verb of a line of ctl, NULL when there is none yet. Values of options are passed over. */
static const struct ctl_command *verb_of(const struct line *l)
{
	for (int i = 0; i < l->n; i++) {
		if (l->words[i][0] != '-')
			return ctl_command_find(l->words[i]);
		if (ctl_option_of(NULL, l->words[i]))
			i++;
	}
	return NULL;
}

static void complete_ctl(const struct line *l)
{
	const struct ctl_command *verb = verb_of(l);
	const struct ctl_option *o = ctl_option_of(verb, l->before);

	if (o) {
		print_value(l, o->name, o->value);
		return;
	}
	if (verb && verb->operand_words)
		fprintf(l->out, "%s\n", verb->operand_words);
	ctl_words(verb, l->out);
}

static void complete_command(const struct line *l, const struct command *c)
{
	const struct command_option *o = option_of(c, l->before);

	if (o) {
		print_value(l, o->name, o->value);
		return;
	}
	command_words(c, l->out);
	if (strstr(c->operands, "FILE") || strstr(c->operands, ".CONF"))
		fprintf(l->out, ":files\n");
}

int complete_run(const struct command *const *commands, int argc, char **argv, FILE *out)
{
	struct line l = {.words = argv + 2, .n = argc - 3, .out = out};

	if (argc < 3) {
		for (; *commands; commands++)
			fprintf(out, "%s\n", (*commands)->name);
		fprintf(out, "--help\n--version\n");
		return 0;
	}
	l.before = l.n > 0 ? l.words[l.n - 1] : "";
	for (; *commands; commands++) {
		if (strcmp((*commands)->name, argv[1]) != 0)
			continue;
		if (!strcmp(argv[1], "ctl"))
			complete_ctl(&l);
		else
			complete_command(&l, *commands);
	}
	return 0;
}
