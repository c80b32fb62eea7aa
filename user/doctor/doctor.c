/* SPDX-License-Identifier: GPL-2.0-only */
/* See doctor.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/out.h"
#include "conf/check_config.h"
#include "ctl/render.h"
#include "doctor/bundle.h"
#include "doctor/doctor.h"
#include "doctor/look.h"

enum { EXIT_WELL, EXIT_FOUND, EXIT_WRONG };

static const struct command_option options[] = {
	{"config", 'c', true, "FILE", "the configuration of the daemon (" LOOK_CONFIG ")"},
	{"socket", 's', true, "PATH", "path of the daemon's socket"},
	{"node", 'n', true, "NODE", "the daemon of this node, where one machine runs several"},
	{"json", 'j', false, NULL, "print JSON"},
	{"bundle", 'b', true, "FILE",
	 "write an archive for support to FILE, which must not exist (.tar.gz)"},
	{NULL, 0, false, NULL, NULL},
};

static const struct command_row exits[] = {
	{"0", "nothing was found, or only notes"},
	{"1", "a critical finding or a warning"},
	{"2", "it could not look, or not write the archive"},
	{NULL, NULL},
};

const struct command doctor_command = {
	.name = "doctor",
	.operands = "",
	.summary = "what is wrong on this node, the cause, and what to do",
	.about = "Looks twice at what the daemon knows of this node and its peers, and at "
		 "addresses, sysctls, clock, pinned maps and configuration of this machine. "
		 "It makes each check again that fails. "
		 "It prints what is wrong, the most severe first, each with evidence, cause and "
		 "the next command. It changes nothing. "
		 "It does not look at packet filters, switches and other machines: run it on each "
		 "node. "
		 "With --bundle it also writes an archive: the findings, status, counters and "
		 "events of the daemon, the settings, the journal, and what ip, nft, sysctl, "
		 "bpftool and systemctl say of this machine. Secrets of the configuration are "
		 "marked with # in it. It has addresses of players: read it before you pass it on.",
	.options = options,
	.exits = exits,
};

struct call {
	bool json;
	const char *bundle; /* NULL: none is wanted */
	json_t *events;     /* asked for a bundle only */
	struct look look;
};

/* ---- command line ---- */

static int take_option(struct call *k, const struct command_line *l, int option)
{
	if (option == 'j') {
		k->json = true;
		return 0;
	}
	if (option == COMMAND_OPERAND)
		return command_wrong(l, "it takes no `%s`", l->value);
	if (option == 'b') {
		k->bundle = l->value;
		return 0;
	}
	return look_take_option(&k->look, option, l->value) ? COMMAND_BAD : 0;
}

static int parse(struct call *k, struct command_line *l)
{
	int option, err = 0;

	while ((option = command_next(l)) > 0) {
		err = take_option(k, l, option);
		if (err)
			return err;
	}
	return option;
}

/* ---- showing ---- */

static void show(const struct facts *f, const struct findings *found, FILE *to)
{
	fprintf(to, "%s: ", f->node[0] ? f->node : "this node");
	if (!found->n)
		fprintf(to, "nothing is wrong of what this command looks at\n");
	else
		fprintf(to, "%u finding%s\n", found->n, found->n == 1 ? "" : "s");
	for (unsigned int i = 0; i < found->n; i++) {
		const struct finding *g = &found->list[i];

		fprintf(to, "\n%s  %s\n  evidence  %s\n  cause     %s\n  next      %s\n",
			finding_severity_name(g->severity), g->id, g->evidence, g->cause, g->next);
	}
}

static int list(const struct facts *f, const struct findings *found)
{
	struct out *o = out_open(stdout, true);

	if (!o)
		return -ENOMEM;
	out_str(o, "node", f->node);
	out_arr_begin(o, "findings");
	for (unsigned int i = 0; i < found->n; i++) {
		const struct finding *g = &found->list[i];

		out_obj_begin(o, NULL);
		out_str(o, "severity", finding_severity_name(g->severity));
		out_str(o, "id", g->id);
		out_str(o, "evidence", g->evidence);
		out_str(o, "cause", g->cause);
		out_str(o, "next", g->next);
		out_obj_end(o);
	}
	out_arr_end(o);
	return out_close(o);
}

/* ---- the archive ---- */

static char *json_text(const json_t *o)
{
	return o ? json_dumps(o, JSON_INDENT(2)) : NULL;
}

/* The findings, or without them the settings, as a text. NULL: no memory. */
static char *printed(const struct call *k, const struct findings *found)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);
	int err = to ? 0 : -ENOMEM;

	if (to && found)
		show(&k->look.facts, found, to);
	else if (to)
		err = check_config_list(k->look.conf, to);
	if ((to && fclose(to)) || err) {
		free(text);
		return NULL;
	}
	return text;
}

static int write_bundle(const struct call *k, const struct findings *found)
{
	struct bundle_text texts[] = {
		{"findings.txt", printed(k, found)},
		{"settings.txt", k->look.conf ? printed(k, NULL) : NULL},
		{"status.json", json_text(k->look.said.status)},
		{"counters.json", json_text(k->look.said.counters)},
		{"events.json", json_text(k->events)},
	};
	const size_t n = sizeof(texts) / sizeof(texts[0]);
	int err = bundle_write(k->bundle, k->look.conf, texts, n, stderr);

	for (size_t i = 0; i < n; i++)
		free(texts[i].text);
	if (!err && !k->json)
		printf("\n%s is written. It has addresses of players: read it before you pass it "
		       "on.\n",
		       k->bundle);
	return err;
}

static int examine(struct call *k)
{
	struct findings found;
	int err;

	err = look_at_node(&k->look, "doctor");
	if (!err && k->bundle && k->look.facts.daemon == FACT_ANSWERS)
		err = look_ask(k->look.socket, "events", &k->events);
	if (err)
		return EXIT_WRONG;
	if (k->look.conf)
		facts_from_checks(&k->look.facts, k->look.conf);
	doctor_judge(&k->look.facts, &found);
	if (k->json)
		err = list(&k->look.facts, &found);
	else
		show(&k->look.facts, &found, stdout);
	if (!err && k->bundle)
		err = write_bundle(k, &found);
	if (err || fflush(stdout) || ferror(stdout))
		return EXIT_WRONG;
	return found.n && found.list[0].severity != FINDING_NOTE ? EXIT_FOUND : EXIT_WELL;
}

int doctor_main(int argc, char **argv)
{
	struct call k = {.json = false};
	struct command_line l;
	int code;

	command_begin(&l, &doctor_command, argc, argv, stdout, stderr);
	code = look_open(&k.look) ? COMMAND_BAD : parse(&k, &l);
	if (code)
		code = code == COMMAND_HELP ? EXIT_WELL : EXIT_WRONG;
	else
		code = examine(&k);
	json_decref(k.events);
	look_close(&k.look);
	return code;
}
