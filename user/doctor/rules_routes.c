/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rules of the doctor on the routes of the kernel. In a fault the interface or the local route of
 * the VIP may be gone, which has a finding of its own. Pure.
 */
#include <string.h>

#include "doctor/rules.h"

static bool takes_part(const struct facts *f)
{
	return strcmp(f->state, "fault") != 0;
}

bool rule_of_routes(const char *missing)
{
	return !strcmp(missing, "route to the clients");
}

/* A node that lacks them is in fault. */
bool rule_route_missing(const struct facts *f, struct finding *out)
{
	for (unsigned int i = 0; i < f->n_missing; i++)
		if (rule_of_routes(f->missing[i]))
			return rule_say(out, "%s",
					f->route_out[0] ? f->route_out
							: "most clients could not be answered");
	return false;
}

/* The kernel answers ARP then only on the interface by which it would answer the asker. */
bool rule_arp_filtered(const struct facts *f, struct finding *out)
{
	return takes_part(f) && f->arp_filter == 1 && f->route_out[0] &&
	       rule_say(out, "arp_filter is 1, and %s", f->route_out);
}

bool rule_route_in(const struct facts *f, struct finding *out)
{
	return takes_part(f) && f->route_in[0] && rule_say(out, "%s", f->route_in);
}

bool rule_route_out(const struct facts *f, struct finding *out)
{
	return takes_part(f) && f->route_out[0] && rule_say(out, "%s", f->route_out);
}

bool rule_route_source(const struct facts *f, struct finding *out)
{
	return f->route_source[0] && rule_say(out, "%s", f->route_source);
}
