/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules for the hooks, and for the command of recover. */
#include "base/caps.h"
#include "conf/conf_int.h"

static void read_capabilities(const struct conf_sec *s, struct conf_hooks *h)
{
	char bad[CONF_HEADER_MAX], known[192];

	if (caps_parse(h->capabilities, &h->caps, bad, sizeof(bad)))
		conf_complain(s, "capabilities", "%.40s is none of those that the daemon has: %s",
			      bad, caps_known(known, sizeof(known)));
}

void rule_hooks(const struct conf_sec *s, struct conf *c)
{
	for (enum conf_hook h = 0; h < CONF_HOOKS; h++)
		conf_check_command(s, conf_hook_name(h), c->hooks.command[h],
				   sizeof(c->hooks.command[h]));
	read_capabilities(s, &c->hooks);
}

void rule_recover(const struct conf_sec *s, struct conf *c)
{
	struct conf_service *v = s->item;

	(void)c;
	conf_check_command(s, "command", v->recover.command, sizeof(v->recover.command));
}
