/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a DNS record should hold after a change: a pure decision over the values that the provider
 * reports. It is made by the agent, right before it writes.
 *
 * The record is never created or deleted, and the number of its values never changes. One value is
 * replaced by the wanted address:
 *
 *   replace  the record has one value, and that is the group's
 *   member   the record has several values, one of which is the group's; the others stay
 *   floating a floating address, whose one value is the machine that has it. No machine may have
 *            it: then it is taken by force, or when dns.take_unassigned is set
 *
 * A value is the group's when it is the address of one of its nodes. Another value is replaced only
 * by force. A monitor leaves the address of a healthy node alone. Addresses are texts as
 * inet_ntop() writes them, so that equal ones are equal bytes.
 */
#ifndef HOKM_DECIDE_DNS_PLAN_H
#define HOKM_DECIDE_DNS_PLAN_H

#include <stdbool.h>

#define DNS_VALUES_MAX  16
#define DNS_ADDRESS_MAX 46 /* INET6_ADDRSTRLEN */

struct dns_set {
	unsigned int n;
	char value[DNS_VALUES_MAX][DNS_ADDRESS_MAX];
};

enum dns_mode { DNS_REPLACE, DNS_MEMBER, DNS_FLOATING };

enum dns_verdict {
	DNS_NO_CHANGE, /* the wanted address is there already */
	DNS_LEFT,      /* an address is there that is to be left alone */
	DNS_CHANGE,
	DNS_REFUSE,
};

/* Why a change is refused. */
enum dns_why {
	DNS_WHY_NOT,       /* it is not */
	DNS_WHY_MISSING,   /* the record does not exist */
	DNS_WHY_SEVERAL,   /* it has several values, and one would have to be deleted */
	DNS_WHY_AMBIGUOUS, /* several values are the group's */
	DNS_WHY_NONE_OURS, /* none of several values is */
	DNS_WHY_FOREIGN,   /* the one value is not */
};

struct dns_plan_input {
	const char *want;
	const struct dns_set *present;
	const struct dns_set *group; /* the addresses of all nodes */
	const struct dns_set *keep;  /* those that are left alone; NULL: none */
	enum dns_mode mode;
	bool take_unassigned; /* no machine has the floating address: take it */
	bool force;
};

struct dns_plan {
	enum dns_verdict verdict;
	unsigned int at; /* the index of the value: DNS_CHANGE replaces it, DNS_LEFT leaves it */
	struct dns_set after; /* all values, in the order of the present ones */
	enum dns_why why;
};

void dns_plan(const struct dns_plan_input *in, struct dns_plan *out);

/* The index of an address, or n when it is not in the set. */
unsigned int dns_set_find(const struct dns_set *set, const char *address);
/* The same values, in any order? */
bool dns_set_equal(const struct dns_set *a, const struct dns_set *b);

#endif
