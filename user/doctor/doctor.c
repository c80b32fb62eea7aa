/* SPDX-License-Identifier: GPL-2.0-only */
/* See doctor.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/out.h"
#include "conf/check_config.h"
#include "ctl/client.h"
#include "ctl/ctl.h"
#include "ctl/render.h"
#include "doctor/bundle.h"
#include "doctor/doctor.h"
#include "doctor/facts.h"

#define CONFIG "/etc/hokm-xdp/hokm-xdp.conf"
/* Between the two looks. */
#define PAUSE_NS     (1500 * NS_PER_MS)
#define PAUSE_MAX_NS (10 * NS_PER_S)

enum { EXIT_WELL, EXIT_FOUND, EXIT_WRONG };

static const struct command_option options[] = {
	{"config", 'c', true, "FILE", "the configuration of the daemon (" CONFIG ")"},
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
	const char *config;
	bool config_given, json;
	json_t *options;    /* of ctl, to find the socket */
	const char *bundle; /* NULL: none is wanted */
	struct facts_said said;
	json_t *events; /* asked for a bundle only */
	struct conf *conf;
	struct facts facts;
};

/* ---- command line ---- */

static int take_option(struct call *k, const struct command_line *l, int option)
{
	const char *key = option == 's' ? "socket" : option == 'n' ? "node" : "config";

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
	if (option == 'c') {
		k->config = l->value;
		k->config_given = true;
	}
	return json_object_set_new(k->options, key, json_string(l->value)) ? COMMAND_BAD : 0;
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

/* ---- looking ---- */

/* Loads the configuration. What is wrong with it is a fact. */
static void look_at_config(struct call *k)
{
	struct facts *f = &k->facts;
	char *text = NULL;
	size_t size;
	FILE *errors = open_memstream(&text, &size);
	int err;

	if (!errors)
		return;
	err = conf_load(k->config, true, errors, &k->conf);
	if (fclose(errors))
		err = -ENOMEM;
	snprintf(f->config, sizeof(f->config), "%s", k->config);
	f->config_missing = err == -ENOENT && !k->config_given;
	/* Only root may read it, and a daemon may run with another file than the usual one. */
	if (err && err != -EACCES && err != -EPERM && (err != -ENOENT || k->config_given)) {
		f->config_ok = false;
		snprintf(f->config_error, sizeof(f->config_error), "%.*s",
			 text && *text ? (int)strcspn(text, "\n") : 40,
			 text && *text ? text : strerror(-err));
	}
	free(text);
}

/* One question. 0 and a new reference in *data, or -errno. */
static int ask(const char *path, const char *verb, json_t **data)
{
	json_t *args = json_object(), *reply = NULL;
	struct ctl_conn conn;
	int err = args ? ctl_conn_open(&conn, path) : -ENOMEM;

	if (!err) {
		err = ctl_conn_ask(&conn, verb, args, &reply);
		ctl_conn_close(&conn);
	}
	if (!err && !field_true(reply, "ok"))
		err = field_int(reply, "code", 0) == EACCES ? -EACCES : -EBADMSG;
	if (!err)
		*data = json_incref(json_object_get(reply, "data"));
	json_decref(args);
	json_decref(reply);
	return err;
}

static int ask_both(const char *path, struct facts_said *said)
{
	int err = ask(path, "status", &said->status);

	return err ? err : ask(path, "counters", &said->counters);
}

static void forget(struct facts_said *said)
{
	json_decref(said->status);
	json_decref(said->counters);
}

/* Long enough for an advert, if they come as they should. */
static uint64_t pause_of(const struct conf *c)
{
	uint64_t pause_ns = c ? c->advert_ns + PAUSE_NS / 2 : PAUSE_NS;

	return pause_ns > PAUSE_MAX_NS ? PAUSE_MAX_NS : pause_ns < PAUSE_NS ? PAUSE_NS : pause_ns;
}

/* 0: it answered, and what it said last is in k->said. Else -errno. */
static int look_twice(struct call *k, const char *path, uint64_t pause_ns)
{
	const struct timespec pause = {
		.tv_sec = (time_t)(pause_ns / NS_PER_S), .tv_nsec = (long)(pause_ns % NS_PER_S)};
	struct facts_said before = {NULL, NULL};
	uint64_t invalid = facts_conntrack_invalid();
	int err = ask_both(path, &before);

	if (!err) {
		/* An interrupted sleep only looks earlier. */
		(void)nanosleep(&pause, NULL);
		err = ask_both(path, &k->said);
	}
	if (!err) {
		facts_from_daemon(&k->facts, &before, &k->said);
		k->facts.grew.ct_invalid = facts_conntrack_invalid() - invalid;
	}
	if (!err && k->bundle)
		err = ask(path, "events", &k->events);
	forget(&before);
	return err;
}

/* Where the daemon is asked. 0, CTL_EXIT_NO_DAEMON, or another CTL_EXIT_* with its cause printed.
 */
static int find_socket(const struct call *k, char *path, size_t size)
{
	char *text = NULL;
	size_t length;
	FILE *errors;
	int code;

	if (k->conf && !json_object_get(k->options, "socket") &&
	    !json_object_get(k->options, "node")) {
		snprintf(path, size, "%s", k->conf->socket);
		return 0;
	}
	errors = open_memstream(&text, &length);
	if (!errors)
		return CTL_EXIT_FAILED;
	/* A configuration that cannot be used has been noted; without it the only socket is meant.
	 */
	if (!k->facts.config_ok)
		json_object_del(k->options, "config");
	code = ctl_socket_find(k->options, CTL_RUN_DIR, path, size, errors);
	if (!fclose(errors) && code && code != CTL_EXIT_NO_DAEMON)
		fputs(text, stderr);
	free(text);
	return code;
}

static int look_at_daemon(struct call *k)
{
	char path[CONF_PATH_MAX];
	int code = find_socket(k, path, sizeof(path)), err;

	if (code && code != CTL_EXIT_NO_DAEMON)
		return -EINVAL;
	err = code ? -ENOENT : look_twice(k, path, pause_of(k->conf));
	switch (-err) {
	case 0:
		k->facts.daemon = FACT_ANSWERS;
		return 0;
	case ENOENT:
	case ECONNREFUSED:
	case ENODATA:
	case EPIPE:
	case ECONNRESET:
		k->facts.daemon = FACT_GONE;
		return 0;
	case ETIMEDOUT:
		k->facts.daemon = FACT_SILENT;
		return 0;
	}
	fprintf(stderr, "hokm-xdp doctor: the daemon on %s could not be asked: %s\n", path,
		strerror(-err));
	return err;
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
		show(&k->facts, found, to);
	else if (to)
		err = check_config_list(k->conf, to);
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
		{"settings.txt", k->conf ? printed(k, NULL) : NULL},
		{"status.json", json_text(k->said.status)},
		{"counters.json", json_text(k->said.counters)},
		{"events.json", json_text(k->events)},
	};
	const size_t n = sizeof(texts) / sizeof(texts[0]);
	int err = bundle_write(k->bundle, k->conf, texts, n, stderr);

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

	look_at_config(k);
	err = look_at_daemon(k);
	if (err)
		return EXIT_WRONG;
	facts_from_machine(&k->facts);
	if (k->conf)
		facts_from_conf(&k->facts, k->conf);
	if (k->conf && k->facts.daemon != FACT_ANSWERS)
		facts_from_pins(&k->facts, k->conf);
	if (k->conf)
		facts_from_checks(&k->facts, k->conf);
	doctor_judge(&k->facts, &found);
	if (k->json)
		err = list(&k->facts, &found);
	else
		show(&k->facts, &found, stdout);
	if (!err && k->bundle)
		err = write_bundle(k, &found);
	if (err || fflush(stdout) || ferror(stdout))
		return EXIT_WRONG;
	return found.n && found.list[0].severity != FINDING_NOTE ? EXIT_FOUND : EXIT_WELL;
}

int doctor_main(int argc, char **argv)
{
	struct call k = {.config = CONFIG, .options = json_object()};
	struct command_line l;
	int code;

	command_begin(&l, &doctor_command, argc, argv, stdout, stderr);
	facts_init(&k.facts);
	code = k.options ? parse(&k, &l) : COMMAND_BAD;
	if (code)
		code = code == COMMAND_HELP ? EXIT_WELL : EXIT_WRONG;
	else
		code = examine(&k);
	forget(&k.said);
	json_decref(k.events);
	conf_free(k.conf);
	json_decref(k.options);
	return code;
}
