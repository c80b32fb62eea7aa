/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules for the hooks. */
#include "conf/conf_int.h"

void rule_hooks(const struct conf_sec *s, struct conf *c)
{
	for (enum conf_hook h = 0; h < CONF_HOOKS; h++)
		conf_check_command(s, conf_hook_name(h), c->hooks.command[h],
				   sizeof(c->hooks.command[h]));
}
