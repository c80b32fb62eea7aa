/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Notifications of this node: the lines of the event stream that operators are notified of
 * (decide/notify_kinds.c) wait here until settle() hands them to the notifier, after all else it
 * does, or until there is no more room. Nothing here waits, and what the notifier does not take is
 * counted by its handle.
 */
#ifndef HOKM_DAEMON_NOTIFY_FEED_H
#define HOKM_DAEMON_NOTIFY_FEED_H

#include "agent/notifier.h"
#include "daemon/node.h"

#define NOTIFY_FEED_MAX 64

struct notify_feed {
	struct node *node;
	struct notifier *notifier;
	int follower; /* 0: none */
	unsigned int n;
	struct notify_event list[NOTIFY_FEED_MAX];
	void (*each_turn)(void *arg); /* NULL: none */
	void *each_turn_arg;
};

/* Must be called while the daemon has all its capabilities. 0 or -errno, logged. */
int notify_feed_open(struct notify_feed *f, struct node *n);
void notify_feed_close(struct notify_feed *f);
/* Before another daemon takes this process over: waits for wait_ms at most (notifier_cut()). */
void notify_feed_cut(struct notify_feed *f, int wait_ms);
void notify_feed_reconf(struct notify_feed *f);
/*
 * The notifier hears that a problem is over, and nobody else: for this daemon nothing was wrong.
 * `what` and `text` are as those of a line of the event stream.
 */
void notify_feed_end(struct notify_feed *f, const char *what, enum hokm_reason why,
		     const char *text);
/* Called by each notify_feed_run(), after the lines were given away. */
void notify_feed_each_turn(struct notify_feed *f, void (*each_turn)(void *arg), void *arg);
/* The last step of settle(). */
void notify_feed_run(struct notify_feed *f);

#endif
