/* SPDX-License-Identifier: GPL-2.0-only */
/* The section `listen` of the schema: its rows are in schema_listen.c. */
#ifndef HOKM_SCHEMA_LISTEN_H
#define HOKM_SCHEMA_LISTEN_H

#include "conf/schema.h"

extern const struct conf_key conf_listen_keys[];

void rule_listen(const struct conf_sec *s, struct conf *c);

/* A row of the sections of the file. */
#define CONF_LISTEN_SECTION                                                                      \
	{                                                                                        \
		.name = "listen", .path = "listen",                                              \
		.meaning = "Metrics and the state of this node over HTTP, for Prometheus and "   \
			   "load balancers. See docs/metrics.md. Who may connect sees all that " \
			   "ctl status shows. There is no password.",                            \
		.keys = conf_listen_keys, .rule = rule_listen,                                   \
	}

#endif
