/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules for section listen. */
#include <arpa/inet.h>

#include "conf/conf_int.h"
#include "conf/schema_listen.h"

/* The daemon has no right to ports below it, least of all after an upgrade. */
#define PORT_MIN 1024

void rule_listen(const struct conf_sec *s, struct conf *c)
{
	struct in_addr addr;

	if (inet_pton(AF_INET, c->listen.address, &addr) != 1)
		conf_complain(s, "address", "not an IPv4 address");
	if (c->listen.port && c->listen.port < PORT_MIN)
		conf_complain(s, "port", "ports below 1024 are for root; give a port from 1024 on");
	for (unsigned int i = 0; i < c->n_services; i++)
		if (c->listen.port && c->services[i].port == c->listen.port)
			conf_complain(s, "port", "it is the port of service %s",
				      c->services[i].name);
}
