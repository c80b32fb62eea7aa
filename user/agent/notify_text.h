/* SPDX-License-Identifier: GPL-2.0-only */
/* The words of a message: who, what, from, to, why, since when, how many players, what to do. */
#ifndef HOKM_AGENT_NOTIFY_TEXT_H
#define HOKM_AGENT_NOTIFY_TEXT_H

#include "decide/notify.h"

#define NOTIFY_TITLE_MAX 256
#define NOTIFY_BODY_MAX  32768
#define NOTIFY_SHORT_MAX 480 /* a text message: three parts at most */

/* Who reports. */
struct notify_who {
	char node[NOTIFY_SUBJECT_MAX];
	char instance[NOTIFY_SUBJECT_MAX];
	char vip[NOTIFY_WORD_MAX]; /* "": no node, so it has no players either */
};

/* Some items as one message. */
struct notify_message {
	const struct notify_who *who;
	const struct notify_item *items;
	unsigned int n;
	uint32_t dropped; /* events that were dropped before these */
	struct notify_time now;
};

/*
 * Whether a node reports. A monitor of DNS has neither VIP nor players, and no message of it names
 * any.
 */
bool notify_of_node(const struct notify_message *m);
/* Whether the event has a number of players. */
bool notify_has_players(const struct notify_message *m, const struct notify_event *e);
/* "service game is down" of one item, without the node. Returns dst. */
const char *notify_words(const struct notify_item *item, char *dst, size_t size);
/* The subject of a mail: one line. Returns dst. */
const char *notify_title(const struct notify_message *m, char *dst, size_t size);
/* The whole message. A text that does not fit is cut at the end of an item, with a remark. */
const char *notify_body(const struct notify_message *m, char *dst, size_t size);
/* Title and causes in a few lines, for text messages. */
const char *notify_short(const struct notify_message *m, char *dst, size_t size);

#endif
