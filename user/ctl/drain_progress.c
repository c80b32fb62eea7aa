/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `ctl drain --wait` and `--timeout`: after the reply, asks for the status twice a second and
 * prints the number of players that are left, until the node is empty. The daemon carries out the
 * drain by itself: interrupting this command does not end it.
 */
#include <time.h>

#include "base/ctl_proto.h"
#include "ctl/render.h"

#define LOOK_NS 500000000L

void render_drain(const json_t *data, const json_t *options, FILE *out)
{
	json_int_t players = field_int(data, "players", 0);

	fprintf(out, "%s\n", field_text(data, "text"));
	if (!field_true(options, "wait") && !json_object_get(options, "timeout"))
		fprintf(out,
			"%lld player%s connected here; `drain --wait` shows how many are left\n",
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
		fprintf(out, "%lld left, to be terminated in %s\n", (long long)players,
			word_age(left, age));
	else
		fprintf(out, "%lld left\n", (long long)players);
}

int follow_drain(const json_t *options, ctl_ask_fn ask, void *ctl, FILE *out)
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
			fprintf(out, "the drain was ended by `undrain`\n");
			return CTL_EXIT_FAILED;
		}
		nanosleep(&look, NULL);
	}
}
