/* SPDX-License-Identifier: GPL-2.0-only */
/* What the daemon wants of the part that operators talk to. */
#ifndef HOKM_DAEMON_FRONT_OPS_H
#define HOKM_DAEMON_FRONT_OPS_H

#include <jansson.h>
#include <stdint.h>
#include <systemd/sd-event.h>

struct conf;
struct daemon;
struct event_line;
struct events;

/*
 * Kept for the front: the number of the state that it showed last, and what tells it from others.
 */
struct revision {
	uint64_t n, digest;
};

/*
 * The front: where operators reach the daemon. serve/ implements it and main.c passes it in, so the
 * daemon does not depend on it.
 */
struct daemon_front {
	/* On the thread of the loop, before the loop runs. 0 or -errno, logged. */
	int (*open)(struct daemon *d, sd_event *event, const struct conf *c, struct events *events,
		    void **front);
	/* NULL is fine. */
	void (*close)(void *front);
	/* The state for the HTTP listener: new reference, or NULL without memory. */
	json_t *(*state)(struct daemon *d);
	/* The same of an event of the daemon. */
	json_t *(*line)(const struct event_line *line);
};

#endif
