/* SPDX-License-Identifier: GPL-2.0-only */
/* The section `notify` of the schema: its rows are in schema_notify.c. */
#ifndef HOKM_SCHEMA_NOTIFY_H
#define HOKM_SCHEMA_NOTIFY_H

#include "conf/schema.h"

extern const struct conf_key conf_notify_keys[];
extern const char *const conf_notify_example[];

void rule_notify(const struct conf_sec *s, struct conf *c);

/* A row of the sections of the file. */
#define CONF_NOTIFY_SECTION                                                                      \
	{                                                                                        \
		.name = "notify", .path = "notify",                                              \
		.meaning =                                                                       \
			"A channel of notifications, at most 8. Its title is its name. Without " \
			"such a section nobody is notified. See docs/notifications.md.",         \
		.keys = conf_notify_keys, .rule = rule_notify, .title_key = "name",              \
		.title = {offsetof(struct conf_notify, name),                                    \
			  sizeof(((struct conf_notify *)NULL)->name)},                           \
		.items = {offsetof(struct conf, notify), sizeof(struct conf_notify)},            \
		.count = offsetof(struct conf, n_notify), .most = CONF_NOTIFY_MAX,               \
		.example_lines = conf_notify_example,                                            \
	}

#endif
