/* SPDX-License-Identifier: GPL-2.0-only */
/* See unit.h. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/units.h"
#include "ctl/ctl.h"
#include "setup/act.h"
#include "setup/replace.h"
#include "setup/unit.h"

#define WAIT_NS (20 * NS_PER_S)
#define STEP_NS (250 * NS_PER_MS)

/* A table that cannot be loaded must not keep the VIP from its owner: "-". */
static int dropin_text(const struct setup *s, char **text)
{
	char lines[CONF_PATH_MAX + 64];
	size_t size;
	FILE *to = open_memstream(text, &size);
	int err;

	if (!to)
		return -errno;
	snprintf(lines, sizeof(lines), "[Service]\nExecStartPre=-+nft -f %s\n", s->rules);
	err = setup_stamp(SETUP_FILE_DROPIN, lines, to);
	return fclose(to) && !err ? -errno : err;
}

static int write_dropin(const struct setup *s, const char *text)
{
	char folder[CONF_PATH_MAX];
	int err;

	printf("%s %s\n", s->dry ? "would write" : "writes", s->dropin);
	if (s->dry)
		return 0;
	snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(s->dropin, '/') - s->dropin),
		 s->dropin);
	err = mkdir(folder, 0755) && errno != EEXIST ? -errno : 0;
	if (!err)
		err = setup_write(s->dropin, text, 0644);
	if (!err)
		err = setup_run(NULL, NULL, "systemctl daemon-reload");
	if (err)
		fprintf(stderr, "hokm-xdp setup: could not write %s: %s\n", s->dropin,
			strerror(-err));
	return err;
}

int setup_put_dropin(const struct setup *s)
{
	char *text = NULL, *present = NULL;
	int err = dropin_text(s, &text);

	if (!err && !setup_read(s->dropin, &present))
		err = strcmp(present, text) != 0 ? setup_replace(s, s->dropin, present) : 0;
	if (!err && !(present && !strcmp(present, text)))
		err = write_dropin(s, text);
	setup_forget(present);
	free(text);
	return err;
}

int setup_start(const struct setup *s, const struct setup_facts *f)
{
	int err;

	if (f->keepalived && !s->witness &&
	    !setup_ask(s->yes, "keepalived is stopped by that, and its VIP goes to its backup. Go "
			       "on?"))
		return -ECANCELED;
	printf("starts %s\n", s->unit);
	err = setup_run(NULL, NULL, "systemctl enable %s%s", s->witness ? "" : "--now ", s->unit);
	/*
	 * One that ran already reads its configuration again. A witness whose process answers
	 * cannot, and a restart interrupts none whose kernel answers.
	 */
	if (!err && s->witness)
		err = setup_run(NULL, NULL, "systemctl restart %s", s->unit);
	else if (!err && f->daemon_here)
		err = setup_run(NULL, NULL, "systemctl reload %s", s->unit);
	if (err)
		fprintf(stderr, "hokm-xdp setup: %s did not start: journalctl -u %s\n", s->unit,
			s->unit);
	return err;
}

/* ---- the peers ---- */

/* What the daemon says in `ctl status`, NULL for nothing. The caller releases it. */
static json_t *status(const char *socket)
{
	char line[CONF_PATH_MAX + 64], *argv[8];
	char *said = NULL, *complained = NULL;
	size_t size, wrong;
	FILE *out = open_memstream(&said, &size), *err = open_memstream(&complained, &wrong);
	json_t *o = NULL;
	int n;

	snprintf(line, sizeof(line), "ctl --socket '%s' --json status", socket);
	n = words_split(line, argv, 7);
	if (out && err && n > 0)
		(void)ctl_run(n, argv, out, err);
	if (err)
		fclose(err);
	if (out && !fclose(out) && said)
		o = json_loads(said, 0, NULL);
	free(said);
	free(complained);
	return o;
}

/* Prints each peer whose answer is new. Returns how many do not answer. */
static unsigned int count_silent(const json_t *peers, bool seen[HOKM_MAX_PEERS])
{
	unsigned int silent = 0;
	const json_t *o;
	size_t i;

	json_array_foreach (peers, i, o) {
		const char *name = json_string_value(json_object_get(o, "name"));

		if (i >= HOKM_MAX_PEERS || seen[i])
			continue;
		seen[i] = json_is_true(json_object_get(o, "pulsing"));
		silent += !seen[i];
		if (seen[i])
			printf("  ok    %s answers pulses: address and secret agree\n",
			       name ? name : "?");
	}
	return silent;
}

bool setup_peers_answer(const struct setup *s)
{
	const struct timespec step = {.tv_nsec = STEP_NS};
	bool seen[HOKM_MAX_PEERS] = {false};
	unsigned int silent = 1;

	for (uint64_t waited = 0; silent && waited < WAIT_NS; waited += STEP_NS) {
		json_t *said = status(s->conf->socket);
		const json_t *peers = json_object_get(said, "peers");

		if (json_array_size(peers))
			silent = count_silent(peers, seen);
		json_decref(said);
		if (silent)
			(void)nanosleep(&step, NULL);
	}
	if (silent)
		printf("  note  not every other node answers pulses yet\n"
		       "        hokm-xdp doctor, on both, says why\n");
	return !silent;
}
