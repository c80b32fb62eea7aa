/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * After its link came, this node waits for a sign that the network forwards its frames
 * (decide/segment.h). Meanwhile it asks the default gateway by ARP, and is not eligible.
 */
#ifndef HOKM_DAEMON_SEGMENT_WATCH_H
#define HOKM_DAEMON_SEGMENT_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "decide/segment.h"

struct node;

struct segment_watch {
	struct node *node;
	struct segment segment;
	bool waits;      /* the link is there, and nothing is proven */
	bool reported;   /* that it waits */
	uint64_t ask_ns; /* when to ask the gateway again */
};

/* heard: the daemon before this one ended a moment ago and had heard the network. */
void segment_watch_init(struct segment_watch *w, struct node *n, bool heard);
/* The link was lost; it may be back by now. */
void segment_watch_lost(struct segment_watch *w);
/* Looks whether the wait is over. It reads nothing once it is. */
void segment_watch_run(struct segment_watch *w, bool link_up, uint64_t now_ns);

#endif
