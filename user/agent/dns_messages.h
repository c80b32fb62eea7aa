/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The messages between the daemon, or the command `hokm-xdp dns`, and a DNS job: an agent that does
 * one task at a DNS provider and exits. They go over a SOCK_SEQPACKET pair, each as one packet.
 *
 *   parent -> job   struct dns_request, once
 *   job -> parent   struct dns_reply: ASK before it changes the record, ACCEPTED when the provider
 *                   has accepted the change, DONE at the end; of a watch SEEN when another number
 *                   of name servers has the address
 *   parent -> job   struct dns_go, the answer to ASK
 *
 * A job writes only after the answer: its parent may have stopped being owner meanwhile.
 */
#ifndef HOKM_AGENT_DNS_MESSAGES_H
#define HOKM_AGENT_DNS_MESSAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf_dns.h"
#include "decide/dns_when.h"

/*
 * The addresses of the provider are kept for as long as the TTL of its name says, within these
 * limits.
 */
#define DNS_HOSTS_MIN_S 5
#define DNS_HOSTS_MAX_S 300

enum dns_op {
	DNS_OP_TEST, /* credentials, zone, record, plan; changes nothing */
	DNS_OP_PLAN, /* the change that a write would make */
	DNS_OP_LOOK, /* does the record have the wanted address? */
	DNS_OP_WRITE,
	DNS_OP_WATCH, /* do the name servers of the zone give the wanted address? */
	DNS_OPS,
};

struct dns_request {
	uint32_t op;          /* enum dns_op */
	uint32_t type;        /* enum conf_dns_type */
	uint32_t force;       /* not 0: replace an address that is not the group's */
	uint32_t fresh;       /* not 0: `known` is used, and the name is not asked for */
	struct conf_dns conf; /* has no secret, only the path of the file that has them */
	char want[DNS_ADDRESS_MAX];
	struct dns_set group;
	struct dns_set keep;  /* addresses that are left alone when the record has one */
	struct dns_set known; /* the provider's, for when its name is not resolved */
};

enum dns_reply_kind { DNS_ASK, DNS_ACCEPTED, DNS_SEEN, DNS_DONE, DNS_REPLY_KINDS };

struct dns_reply {
	uint32_t kind;          /* enum dns_reply_kind */
	uint32_t result;        /* enum dns_result */
	uint64_t retry_ns;      /* what the provider asks to wait */
	uint32_t ttl_s;         /* of the record; 0: not known */
	uint32_t planned;       /* not 0: the record would be, or was, changed to `after` */
	uint32_t hidden;        /* not 0: name servers give other addresses than the record has */
	uint32_t servers, have; /* of a watch: the name servers, and those with the address */
	struct dns_set present, after;
	struct dns_set hosts; /* the provider's addresses */
	/* For so long another job may use them; 0: this one has not asked for them, or no TTL is
	 * known. */
	uint32_t hosts_ttl_s;
	uint32_t reserved;
	char zone[CONF_DNS_NAME_MAX];
	char text[256]; /* what happened; printable ASCII */
};

struct dns_go {
	uint32_t yes;
};

#endif
