/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The command `hokm-xdp top`: a screen that follows the daemon of this machine.
 *
 *   top_state.c    what the daemon said, and what a key does. Pure
 *   top_rows.c     the state as rows of text. Pure
 *   top_nodes.c    the part of it that is about nodes and services. Pure
 *   top_link.c     asks the daemon, and never waits for it
 *   lib_ncurses.c  loads ncurses, which no other part of hokm-xdp needs
 *   top_main.c     command line, terminal, loop
 *
 * It shows what `ctl status --json`, `ctl counters --json` and `ctl events --json` say. A key that
 * orders something asks first. No colour has a meaning: rows are plain, bold or inverse, so that
 * a monochrome terminal shows all of it.
 */
#ifndef HOKM_TOP_H
#define HOKM_TOP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/command.h"
#include "conf/conf.h"
#include "ctl/client.h"
#include "hokm/names.h"

extern const struct command top_command;
int top_main(int argc, char **argv);

/* ---- state ---- */

#define TOP_MINUTE 60 /* looks of a minute: one a second */

enum top_mode { TOP_LOOK, TOP_HELP, TOP_ASK_FAILOVER, TOP_ASK_DRAIN, TOP_ASK_UNDRAIN };

struct top_places {
	json_int_t n[HOKM_LAT_COUNT][HOKM_LATENCY_PLACES];
};

struct top_state {
	json_t *status; /* the newest reply; NULL: none yet */
	json_t *events; /* an array, the newest last; NULL: none yet */
	/* Histograms of all services: now, and at each of the last looks. */
	struct top_places now, looks[TOP_MINUTE];
	unsigned int n_looks;
	json_t *left;        /* what ctl/gone.h says while no daemon answers; NULL: not known */
	int64_t waits_ms;    /* for how long the present question has waited */
	int64_t answered_ms; /* age of the newest reply; below 0: none yet */
	char trouble[160];   /* why the daemon does not answer; "" when it does */
	char message[200];   /* the result of the last key */
	enum top_mode mode;
};

/* The reply to one of the questions: "status", "counters" or "events"; its data are borrowed. */
void top_state_take(struct top_state *s, const char *verb, json_t *data);
void top_state_free(struct top_state *s);
/* A daemon that is well answers within a second. */
bool top_state_silent(const struct top_state *s);
/* What the daemon left in the kernel; the reference is taken, NULL is fine. */
void top_state_leave(struct top_state *s, json_t *left);

/* Histogram of the last minute; the total. */
json_int_t top_state_minute(const struct top_state *s, unsigned int kind,
			    json_int_t places[HOKM_LATENCY_PLACES]);

enum top_do { TOP_NOTHING, TOP_QUIT, TOP_FAILOVER, TOP_DRAIN, TOP_UNDRAIN };

/* A key was pressed. */
enum top_do top_state_key(struct top_state *s, int key);

/* ---- rows ---- */

#define TOP_COLUMNS_MAX 250
#define TOP_ROWS_MAX    100

enum top_look { TOP_PLAIN, TOP_BOLD, TOP_INVERSE };

struct top_row {
	char text[TOP_COLUMNS_MAX + 1]; /* ASCII, at most as long as the screen is wide */
	enum top_look look;
};

/* Rows that are being written. */
struct top_page {
	struct top_row *rows;
	unsigned int n, max, width;
};

/* The whole screen: exactly `height` rows, at most TOP_ROWS_MAX. */
void top_rows(const struct top_state *s, unsigned int width, unsigned int height,
	      struct top_row *rows);

/* Adds a row; what does not fit is cut, and a row too many is left out. */
void top_put(struct top_page *p, enum top_look look, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Who owns the VIP, and what needs attention. */
void top_put_owner(struct top_page *p, const struct top_state *s);
void top_put_nodes(struct top_page *p, const json_t *status);
void top_put_services(struct top_page *p, const json_t *status);

/* ---- link ---- */

/* A question that is on its way, with its answer. */
struct top_link {
	char path[CONF_PATH_MAX];
	struct ctl_conn conn;
	const char *verb; /* asked and not answered; NULL: none */
	uint64_t asked_ns, until_ns;
};

void top_link_init(struct top_link *l);
void top_link_close(struct top_link *l);
/* Asks. The reference of `args` is taken. 0 or -errno; then no answer comes. */
int top_link_ask(struct top_link *l, const char *verb, json_t *args, uint64_t now_ns);
/*
 * Looks for the answer, without waiting. -EAGAIN: not yet. 0 and a new reference; or -errno, and
 * the question is over.
 */
int top_link_answer(struct top_link *l, json_t **reply, uint64_t now_ns);
/* For how long the question has been on its way. */
uint64_t top_link_waits_ns(const struct top_link *l, uint64_t now_ns);
/* The file descriptor to poll while a question is on its way; below 0: none. */
int top_link_fd(const struct top_link *l);
/* Why, for a person. */
const char *top_link_why(int err);

#endif
