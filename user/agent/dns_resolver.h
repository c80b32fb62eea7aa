/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Questions to name servers over c-ares: to the resolver of this machine for the names and
 * addresses of a zone's own servers, and to each of those for a record. All are asked at the same
 * time.
 *
 * c-ares reads its files when a channel is made, so all channels are made before the process is
 * confined. From then on they only use sockets.
 */
#ifndef HOKM_AGENT_DNS_RESOLVER_H
#define HOKM_AGENT_DNS_RESOLVER_H

#include <ares.h>
#include <stdbool.h>

#include "agent/dns_messages.h"

#define RESOLVER_NAME_MAX    256
#define RESOLVER_ADDRESS_MAX 512 /* the addresses of one server, as c-ares takes them */

/* A name server of the zone. */
struct resolver_server {
	struct resolver *of;
	ares_channel channel;
	char name[RESOLVER_NAME_MAX];
	char addresses[RESOLVER_ADDRESS_MAX]; /* "192.0.2.1,[2001:db8::1]:53" */
	bool asked;                           /* a question is under way */
	bool has;                             /* it gives the new address */
};

struct resolver {
	const struct dns_request *req;
	ares_channel names; /* the resolver of this machine */
	struct resolver_server server[CONF_DNS_SERVERS_MAX];
	unsigned int n;
	int status; /* of the question for the names */
};

/*
 * The addresses of a host by the files and the resolver of this machine, with their TTLs, by by_ns.
 * Reads files, so it is for a process that is not confined yet. 0 and the list in *list, for
 * ares_freeaddrinfo(), or a status of c-ares.
 */
int resolver_lookup(const char *host, const char *port, uint64_t by_ns,
		    struct ares_addrinfo **list);

/* Makes the channels. 0 or a status of c-ares. */
int resolver_open(struct resolver *r, const struct dns_request *req);
void resolver_close(struct resolver *r);

/* Finds the servers of the zone, or takes dns.name_servers. 0 or a status of c-ares. */
int resolver_find(struct resolver *r, uint64_t by_ns);
/* Asks those that do not have the address yet, and takes their answers until by_ns. */
void resolver_ask(struct resolver *r, uint64_t by_ns);
/* How many have it. */
unsigned int resolver_have(const struct resolver *r);

#endif
