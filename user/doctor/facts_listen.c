/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Does a socket of this machine listen for each service? The kernel lists the sockets of a network
 * namespace in /proc/self/net/tcp and tcp6, and those that listen first:
 *
 *   sl  local_address rem_address   st ...
 *    0: 1901A8C0:223D 00000000:0000 0A
 *
 * Addresses are in hexadecimal as they lie in memory, ports as numbers, 0A is LISTEN. tcp6 has the
 * address :: for a server that takes both families.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor/facts.h"

#define ADDRESS_HEX 32
#define LISTENS     0x0a

/* Does the address of a line take connections to the VIP? */
static bool takes(const char *hex, struct in_addr vip)
{
	char want[9];

	if (!hex[strspn(hex, "0")])
		return true;
	snprintf(want, sizeof(want), "%08X", vip.s_addr);
	/* An IPv4 address of tcp6 lies in its last word. */
	return !strcmp(hex + strlen(hex) - strlen(want), want);
}

/* -1: it cannot be read. */
static int listens_in(const char *path, struct in_addr vip, unsigned int port)
{
	FILE *f = fopen(path, "re");
	int found = 0;
	char line[256];

	if (!f)
		return -1;
	while (!found && fgets(line, sizeof(line), f)) {
		char hex[ADDRESS_HEX + 1];
		unsigned int its_port, state;

		/* NOLINTNEXTLINE(cert-err34-c) */
		if (sscanf(line, " %*u: %32[0-9A-F]:%4x %*[0-9A-F]:%*4x %2x", hex, &its_port,
			   &state) != 3)
			continue;
		if (state != LISTENS)
			break;
		found = its_port == port && strlen(hex) >= 8 && takes(hex, vip);
	}
	fclose(f);
	return found;
}

void facts_from_listeners(struct facts *f, const struct conf *c)
{
	for (unsigned int i = 0; i < c->n_services && !f->no_listener[0]; i++) {
		const struct conf_service *s = &c->services[i];

		if (!listens_in("/proc/self/net/tcp", c->vips[s->vip], s->port) &&
		    listens_in("/proc/self/net/tcp6", c->vips[s->vip], s->port) < 1)
			snprintf(f->no_listener, sizeof(f->no_listener), "%s", s->name);
	}
}
