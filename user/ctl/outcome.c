/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an order comes to that the daemon carries out after its reply: `ctl upgrade` and `ctl
 * reload`. The status is asked for until it has the outcome. In an upgrade nobody answers for a
 * moment.
 */
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/ctl_proto.h"
#include "ctl/render.h"

#define LOOK_NS 50000000L
#define MOST_NS (30 * NS_PER_S)

/* Shows the outcome. Returns the exit code, or -1: there is none yet. */
typedef int (*look_fn)(const json_t *status, const json_t *options, FILE *out);

/* An outcome for programs. `done` is true, false, or null where nobody knows; it is taken over. */
static void show_json(const char *key, json_t *done, const char *text, FILE *out)
{
	json_t *o = json_pack("{s:o, s:s}", key, done, "text", text);

	/* ctl_run() checks the stream for failed writes at the end. */
	if (!json_dumpf(o, out, JSON_COMPACT))
		fputc('\n', out);
	json_decref(o);
}

void render_order(const json_t *data, const json_t *options, FILE *out)
{
	if (!field_true(options, "json"))
		fprintf(out, "%s\n", field_text(data, "text"));
}

/* What an order is followed by. */
struct outcome {
	look_fn look;
	const char *key;    /* in the JSON */
	const char *silent; /* the text when the time is over */
};

/* Returns the exit code. */
static int follow(const json_t *options, ctl_ask_fn ask, void *ctl, FILE *out,
		  const struct outcome *of)
{
	const struct timespec pause = {.tv_nsec = LOOK_NS};
	uint64_t end_ns = clock_now_ns() + MOST_NS;

	while (clock_now_ns() < end_ns) {
		json_t *status = ask(ctl, "status");
		int code = status ? of->look(status, options, out) : -1;

		json_decref(status);
		if (code >= 0)
			return code;
		nanosleep(&pause, NULL);
	}
	if (field_true(options, "json"))
		show_json(of->key, json_null(), of->silent, out);
	else
		fprintf(out, "%s\n", of->silent);
	return CTL_EXIT_NO_DAEMON;
}

static void show_refusal(const json_t *order, FILE *out)
{
	fprintf(out, "refused, nothing changed: %s\n", field_text(order, "text"));
}

/* ---- upgrade ---- */

static void show_upgrade(const json_t *status, const json_t *upgrade, const json_t *options,
			 FILE *out)
{
	bool done = !strcmp(field_text(upgrade, "phase"), "done");

	if (field_true(options, "json"))
		show_json("upgraded", json_boolean(done), done ? "" : field_text(upgrade, "text"),
			  out);
	else if (done)
		fprintf(out, "upgraded: hokm-xdp %s runs now, %s before; state %s\n",
			field_text(status, "version"), field_text(upgrade, "text"),
			field_text(status, "state"));
	else
		show_refusal(upgrade, out);
}

static int look_upgrade(const json_t *status, const json_t *options, FILE *out)
{
	const json_t *upgrade = json_object_get(status, "upgrade");
	const char *phase = field_text(upgrade, "phase");
	bool done = !strcmp(phase, "done"), refused = !strcmp(phase, "refused");

	/* The new daemon answers before it has taken its place. */
	if (!refused && (!done || !strcmp(field_text(status, "state"), "init")))
		return -1;
	show_upgrade(status, upgrade, options, out);
	return done ? CTL_EXIT_OK : CTL_EXIT_FAILED;
}

int follow_upgrade(const json_t *options, ctl_ask_fn ask, void *ctl, FILE *out)
{
	static const struct outcome of = {
		.look = look_upgrade,
		.key = "upgraded",
		.silent = "no new daemon answers; its log says why",
	};

	return follow(options, ask, ctl, out, &of);
}

/* ---- reload ---- */

/* A daemon of an older version says nothing of reloads, and one that has just started, "none". */
static const char *reloaded(const char *phase)
{
	if (!strcmp(phase, "done"))
		return "reloaded";
	if (!strcmp(phase, "none"))
		return "another daemon has started meanwhile, and has read the file";
	return strcmp(phase, "?") ? NULL
				  : "the daemon does not say whether it takes the file: "
				    "`hokm-xdp ctl events --kind config` does";
}

static void show_reload(const json_t *reload, const char *words, const json_t *options, FILE *out)
{
	const char *phase = field_text(reload, "phase");

	if (!field_true(options, "json") && words)
		fprintf(out, "%s\n", words);
	else if (!field_true(options, "json"))
		show_refusal(reload, out);
	else if (!strcmp(phase, "?"))
		show_json("reloaded", json_null(), words, out);
	else
		show_json("reloaded", json_boolean(words != NULL),
			  words ? "" : field_text(reload, "text"), out);
}

static int look_reload(const json_t *status, const json_t *options, FILE *out)
{
	const json_t *reload = json_object_get(status, "reload");
	const char *phase = field_text(reload, "phase");
	bool refused = !strcmp(phase, "refused");
	const char *words = reloaded(phase);

	if (!refused && !words)
		return -1;
	show_reload(reload, words, options, out);
	return refused ? CTL_EXIT_FAILED : CTL_EXIT_OK;
}

int follow_reload(const json_t *options, ctl_ask_fn ask, void *ctl, FILE *out)
{
	static const struct outcome of = {
		.look = look_reload,
		.key = "reloaded",
		.silent = "the daemon does not say whether it takes the file; its log does",
	};

	return follow(options, ask, ctl, out, &of);
}
