/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `hokm-xdp probe`: one check as the daemon makes it, by the same engine in an agent of its own
 * (agent/agent.h), with the time that each step took. No name is looked up: a check goes to a
 * numeric address.
 *
 *   probe_url.c   a URL as a check
 *   probe_show.c  a result as text and JSON
 *   probe_run.c   the command
 */
#ifndef HOKM_PROBE_RUN_H
#define HOKM_PROBE_RUN_H

#include <stdbool.h>
#include <stdio.h>

#include "agent/messages.h"
#include "base/command.h"
#include "base/out.h"

#define PROBE_URL_MAX (CONF_PATH_MAX + 64)

enum {
	PROBE_HEALTHY = 0,
	PROBE_NOT_HEALTHY = 1,
	PROBE_USAGE = 2,
};

/* One check that was made. */
struct probe_result {
	const char *service; /* NULL: a URL was given */
	struct agent_request request;
	struct agent_reply reply;
};

/*
 * Makes a check of "ws://192.168.1.25:8765/path", or of wss, http, https, tcp or tls. Fills kind,
 * address, port, path and tls, and no times. Returns NULL, or what is wrong with the URL.
 */
const char *probe_url_parse(const char *url, struct conf_check *out);

/* The URL, or the command, of a check. Returns dst. */
const char *probe_url_text(const struct conf_check *c, char *dst, size_t size);

/* The name of a step in a check of this kind; NULL: such a check does not make it. */
const char *probe_step_name(const struct conf_check *c, enum check_step step);

bool probe_is_healthy(const struct probe_result *r);

/* One line; with `steps`, and a line for each step. */
void probe_show(const struct probe_result *r, bool steps, FILE *out);
/* As an object without a name. */
void probe_list(const struct probe_result *r, struct out *o);

extern const struct command probe_command;

int probe_main(int argc, char **argv);
/* The same, with its output written to `out` and its errors to `err`. */
int probe_run(int argc, char **argv, FILE *out, FILE *err);

#endif
