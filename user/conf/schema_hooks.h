/* SPDX-License-Identifier: GPL-2.0-only */
/* The section `hooks` of the schema: its rows are in schema_hooks.c. */
#ifndef HOKM_SCHEMA_HOOKS_H
#define HOKM_SCHEMA_HOOKS_H

#include "conf/schema.h"

extern const struct conf_key conf_hooks_keys[];

/* A row of the sections of the file. */
#define CONF_HOOKS_SECTION                                                                        \
	{                                                                                         \
		.name = "hooks", .path = "hooks",                                                 \
		.meaning = "Commands of the operator that are run when the state of the node "    \
			   "changes. Each is a program and its arguments, without a shell: one "  \
			   "text, in which '...' keeps blanks, or a list, {\"/bin/x\", \"-a\"}. " \
			   "before and after get INSTANCE NAME STATE PRIORITY behind their own "  \
			   "arguments, as keepalived's notify does. The environment has "         \
			   "variables HOKM_*.",                                                   \
		.keys = conf_hooks_keys, .rule = rule_hooks,                                      \
	}

#endif
