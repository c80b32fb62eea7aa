/* SPDX-License-Identifier: GPL-2.0-only */
/* The section `passive` of the schema: its rows are in schema_passive.c. */
#ifndef HOKM_SCHEMA_PASSIVE_H
#define HOKM_SCHEMA_PASSIVE_H

#include "conf/schema.h"

extern const struct conf_key conf_passive_keys[];
extern const struct conf_section conf_passive_sections[];

/* A row of the sections of the file. */
#define CONF_PASSIVE_SECTION                                                                     \
	{                                                                                        \
		.name = "passive", .path = "passive",                                            \
		.meaning =                                                                       \
			"Passive checks: signs of failure in real traffic. A service past the "  \
			"limit of a signal is suspect: new clients are steered to a peer where " \
			"the service is up, and active checks run at once. Only active checks "  \
			"make the service down.",                                                \
		.keys = conf_passive_keys, .sections = conf_passive_sections,                    \
		.rule = rule_passive,                                                            \
	}

#endif
