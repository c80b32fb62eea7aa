/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `ctl upgrade`: after the reply, asks for the status until the new daemon answers, or the running
 * one says why there is none. Between the two nobody answers for a moment.
 */
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/ctl_proto.h"
#include "ctl/render.h"

#define LOOK_NS 50000000L
#define MOST_NS (30 * NS_PER_S)

void render_upgrade(const json_t *data, const json_t *options, FILE *out)
{
	if (!field_true(options, "json"))
		fprintf(out, "%s\n", field_text(data, "text"));
}

static void show(const json_t *status, const json_t *upgrade, const json_t *options, FILE *out)
{
	bool done = !strcmp(field_text(upgrade, "phase"), "done");

	if (field_true(options, "json"))
		fprintf(out, "{\"upgraded\": %s}\n", done ? "true" : "false");
	else if (done)
		fprintf(out, "upgraded: hokm-xdp %s runs now, %s before; state %s\n",
			field_text(status, "version"), field_text(upgrade, "text"),
			field_text(status, "state"));
	else
		fprintf(out, "refused, nothing changed: %s\n", field_text(upgrade, "text"));
}

/* Returns the exit code, or -1: not decided yet. */
static int look(const json_t *status, const json_t *options, FILE *out)
{
	const json_t *upgrade = json_object_get(status, "upgrade");
	const char *phase = field_text(upgrade, "phase");
	bool done = !strcmp(phase, "done"), refused = !strcmp(phase, "refused");

	/* The new daemon answers before it has taken its place. */
	if (!refused && (!done || !strcmp(field_text(status, "state"), "init")))
		return -1;
	show(status, upgrade, options, out);
	return done ? CTL_EXIT_OK : CTL_EXIT_FAILED;
}

int follow_upgrade(const json_t *options, ctl_ask_fn ask, void *ctl, FILE *out)
{
	const struct timespec pause = {.tv_nsec = LOOK_NS};
	uint64_t end_ns = clock_now_ns() + MOST_NS;

	while (clock_now_ns() < end_ns) {
		json_t *status = ask(ctl, "status");
		int code = status ? look(status, options, out) : -1;

		json_decref(status);
		if (code >= 0)
			return code;
		nanosleep(&pause, NULL);
	}
	fprintf(out, "no new daemon answers; its log says why\n");
	return CTL_EXIT_NO_DAEMON;
}
