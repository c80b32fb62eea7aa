/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a node has to remember of DNS failover beyond a restart: the operator's orders, what it
 * wrote last, and the history. As text it is JSON, so that operators can read the file.
 */
#ifndef HOKM_ACT_DNS_BOOK_H
#define HOKM_ACT_DNS_BOOK_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/boot_id.h"
#include "conf/conf_dns.h"

#define DNS_HISTORY_MAX 128

/* One thing that happened. */
struct dns_entry {
	int64_t at_s; /* of the wall clock */
	enum conf_dns_type type;
	char what[16]; /* a result, or an order */
	char text[224];
};

struct dns_book {
	bool stopped;                                /* `dns stop` */
	bool force;                                  /* with held: replace a foreign address */
	char held[CONF_DNS_TYPES][DNS_ADDRESS_MAX];  /* `dns set`; "": none */
	char right[CONF_DNS_TYPES][DNS_ADDRESS_MAX]; /* what the record had as this node's */
	char tried[CONF_DNS_TYPES][DNS_ADDRESS_MAX]; /* what a job had leave to write last */
	bool mine[CONF_DNS_TYPES]; /* this node was owner without a break since the record was right
				    */
	bool trouble[CONF_DNS_TYPES];        /* one was reported, and no end of it */
	int64_t changed_s[CONF_DNS_TYPES];   /* when this node changed it last; 0: never */
	uint64_t changed_ns[CONF_DNS_TYPES]; /* the same by the boot clock; 0: not known */
	char boot_id[BOOT_ID_MAX];           /* of changed_ns */
	unsigned int n;                      /* entries, the oldest first */
	struct dns_entry history[DNS_HISTORY_MAX];
};

/* Adds an entry; the oldest goes when there is no room. */
void dns_book_add(struct dns_book *b, int64_t at_s, enum conf_dns_type type, const char *what,
		  const char *text);

/* The book as JSON; NULL without memory. Caller: json_decref(). */
json_t *dns_book_json(const struct dns_book *b);
/* 0, or -EBADMSG and an empty book. */
int dns_book_parse(const char *text, size_t len, struct dns_book *b);

#endif
