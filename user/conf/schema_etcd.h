/* SPDX-License-Identifier: GPL-2.0-only */
/* The section `etcd` of the schema: its rows are in schema_etcd.c. */
#ifndef HOKM_SCHEMA_ETCD_H
#define HOKM_SCHEMA_ETCD_H

#include "conf/schema.h"

extern const struct conf_key conf_etcd_keys[];

void rule_etcd(const struct conf_sec *s, struct conf *c);

/* A row of the sections of the file. */
#define CONF_ETCD_SECTION                                                                      \
	{                                                                                      \
		.name = "etcd", .path = "etcd",                                                \
		.meaning = "The cluster that decides between two nodes that do not hear each " \
			   "other. Only with arbiter = etcd. See docs/arbiters.md.",           \
		.keys = conf_etcd_keys, .rule = rule_etcd,                                     \
	}

#endif
