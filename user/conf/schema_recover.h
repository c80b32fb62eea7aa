/* SPDX-License-Identifier: GPL-2.0-only */
/* The section `recover` of a service: its rows are in schema_recover.c. */
#ifndef HOKM_SCHEMA_RECOVER_H
#define HOKM_SCHEMA_RECOVER_H

#include "conf/schema.h"

extern const struct conf_key conf_recover_keys[];

/* clang-format off */
/* A row of the sections of a service. */
#define CONF_RECOVER_SECTION                                                                  \
	{                                                                                     \
		.name = "recover", .path = "service.recover",                                 \
		.meaning = "The command of the operator that is run when the service goes "   \
			   "down, such as a restart of the game server. Off without command. " \
			   "It is not run while the node is in maintenance or drained, and "  \
			   "not before the service was up since the daemon's start. The "     \
			   "environment has HOKM_SERVICE, HOKM_ATTEMPT and the variables of " \
			   "hooks.",                                                          \
		.keys = conf_recover_keys, .rule = rule_recover,                              \
	}
/* clang-format on */

#endif
