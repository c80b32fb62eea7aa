/* SPDX-License-Identifier: GPL-2.0-only */
/* The part of the configuration that is about DNS failover: section dns. */
#ifndef HOKM_CONF_DNS_H
#define HOKM_CONF_DNS_H

#include <stdbool.h>
#include <stdint.h>

#include "decide/dns_plan.h"

#define CONF_DNS_NAME_MAX     254 /* bytes of a domain name as text, with the zero */
#define CONF_DNS_URL_MAX      256
#define CONF_DNS_PATH_MAX     256
#define CONF_DNS_SERVERS_MAX  16 /* name servers that are asked after a change */
#define CONF_DNS_SERVERS_TEXT 256
#define CONF_DNS_REGION_MAX   32

enum conf_dns_provider {
	CONF_DNS_NONE,
	CONF_DNS_CLOUDFLARE,
	CONF_DNS_ROUTE53,
	CONF_DNS_DIGITALOCEAN,
	CONF_DNS_RFC2136,
	/* Of a floating address: what is written is the machine that has it. */
	CONF_DNS_DIGITALOCEAN_IP,
	CONF_DNS_AWS_EIP,
	CONF_DNS_AWS_PRIVATE,
	CONF_DNS_PROVIDERS,
};

/* Who writes the record. */
enum conf_dns_writer { CONF_DNS_OWNER, CONF_DNS_MONITOR };
/* Where a monitor reaches the services of a node. */
enum conf_dns_watch { CONF_DNS_PUBLIC, CONF_DNS_PRIVATE };

/* The name of a monitor, in place of a node's. */
#define CONF_DNS_MONITOR_NAME "monitor"

/* Record types. Each is a record of its own, with its own state. */
enum conf_dns_type { CONF_DNS_A, CONF_DNS_AAAA, CONF_DNS_TYPES };

struct conf_dns {
	enum conf_dns_provider provider; /* CONF_DNS_NONE: no DNS failover */
	/* in lower case, without a dot at its end; of a floating address the address */
	char record[CONF_DNS_NAME_MAX];
	char zone[CONF_DNS_NAME_MAX];        /* "": found from the record's name */
	char endpoint[CONF_DNS_URL_MAX];     /* "": the provider's own */
	char credentials[CONF_DNS_PATH_MAX]; /* "": environment, or systemd's credentials */
	char ca_file[CONF_DNS_PATH_MAX];
	char state_file[CONF_DNS_PATH_MAX];
	enum conf_dns_writer mode;
	enum conf_dns_watch watch;
	char monitor_socket[CONF_DNS_PATH_MAX], monitor_state[CONF_DNS_PATH_MAX];
	enum dns_mode set;
	uint64_t ttl_ns;     /* the greatest that is fine */
	uint64_t timeout_ns; /* of one request */
	uint64_t failover_ns, failback_ns, min_interval_ns, verify_ns;
	char region[CONF_DNS_REGION_MAX];         /* of AWS, for floating addresses */
	bool take_unassigned;                     /* a floating address that no machine has */
	char name_servers[CONF_DNS_SERVERS_TEXT]; /* "": those of the zone */
	uint64_t propagation_ns;                  /* how long they are asked; 0: not at all */
};

/* "cloudflare"; "?" for none of them. */
const char *conf_dns_provider_name(enum conf_dns_provider p);
/* Does it assign an address to a machine, in place of a record's content? */
bool conf_dns_floating(enum conf_dns_provider p);
/* "A" or "AAAA" */
const char *conf_dns_type_name(enum conf_dns_type t);

#endif
