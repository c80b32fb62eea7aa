/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `ctl drain` after its reply: the number of players as it goes down, until nobody is left. The
 * drain itself is the daemon's: who stops looking stops nothing.
 */
#include <time.h>

#include "ctl/ctl.h"
#include "ctl/render.h"

#define LOOK_NS 500000000L

void render_drain(const json_t *data, const json_t *options, FILE *out)
{
	json_int_t players = field_int(data, "players", 0);

	fprintf(out, "%s\n", field_text(data, "text"));
	if (!field_true(options, "wait") && !json_object_get(options, "timeout"))
		fprintf(out, "%lld player%s here; `drain --wait` shows them leave\n",
			(long long)players, players == 1 ? "" : "s");
}

static void show(const json_t *status, const json_t *options, FILE *out)
{
	json_int_t left = field_int(status, "drain_ms", -1);
	json_int_t players = field_int(status, "players", 0);
	char age[RENDER_WORD];

	if (field_true(options, "json"))
		fprintf(out, "{\"players\": %lld, \"left_ms\": %lld, \"empty\": %s}\n",
			(long long)players, (long long)left,
			field_true(status, "drained") ? "true" : "false");
	else if (field_true(status, "drained"))
		fprintf(out, "empty: no player is left\n");
	else if (left >= 0)
		fprintf(out, "%lld left, to be ended in %s\n", (long long)players,
			word_age(left, age));
	else
		fprintf(out, "%lld left\n", (long long)players);
}

int follow_drain(const json_t *options, json_t *(*ask)(void *ctl, const char *verb), void *ctl,
		 FILE *out)
{
	const struct timespec look = {.tv_nsec = LOOK_NS};
	json_int_t last = -1;

	if (!field_true(options, "wait") && !json_object_get(options, "timeout"))
		return CTL_EXIT_OK;
	for (;;) {
		json_t *status = ask(ctl, "status");
		json_int_t players;
		bool drain, drained;

		if (!status)
			return CTL_EXIT_NO_DAEMON;
		players = field_int(status, "players", 0);
		drain = field_true(status, "drain");
		drained = field_true(status, "drained");
		if (players != last || drained)
			show(status, options, out);
		json_decref(status);
		last = players;
		if (fflush(out))
			return CTL_EXIT_FAILED;
		if (drained)
			return CTL_EXIT_OK;
		if (!drain) {
			fprintf(out, "somebody has ended the drain\n");
			return CTL_EXIT_FAILED;
		}
		nanosleep(&look, NULL);
	}
}
