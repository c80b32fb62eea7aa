/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The state of this node for the HTTP listener (agent/http_listener.h): sent each second, and soon
 * after each event of the daemon, however many clients the listener has. The newest events go with
 * each state, so that a listener that was started again, or missed one, has them all the same.
 * Off without `listen.port`.
 */
#ifndef HOKM_DAEMON_PUBLISH_H
#define HOKM_DAEMON_PUBLISH_H

#include <jansson.h>

#include "agent/http_listener.h"
#include "daemon/node.h"

struct daemon;
struct daemon_front;

struct publish {
	struct daemon *daemon;
	struct events *stream;
	const struct daemon_front *front; /* makes the JSON */
	struct http_listener *listener;
	sd_event_source *timer;
	int follower;             /* 0: none */
	bool too_long;            /* a state did not fit, and that was logged */
	uint64_t at_ns;           /* when the state is sent next; 0: there is no port */
	json_t *events, *history; /* arrays, the newest last */
	int64_t clock_ns;         /* of the wall clock, when now_ns was 0: by the newest event */
};

/* 0 or -errno, logged. A port that is not free is no error. */
int publish_open(struct publish *p, struct daemon *d, struct node *n,
		 const struct daemon_front *front);
/* After a reload. */
void publish_reconf(struct publish *p, const struct conf *c);
void publish_close(struct publish *p);
/* Before another daemon takes this process over: waits for wait_ms at most. NULL is allowed. */
void publish_cut(struct publish *p, int wait_ms);

#endif
