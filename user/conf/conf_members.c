/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The members of the group: nodes and witnesses. How many of them must grant, what the group
 * survives with them, and which witness this machine is.
 *
 * Any two majorities have a member in common, and that member grants to one owner at a time.
 */
#include <errno.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <string.h>

#include "conf/conf.h"

bool conf_has_foreign_node(const struct conf *c)
{
	for (unsigned int i = 0; i < c->n_nodes; i++)
		if (c->nodes[i].peer == CONF_PEER_VRRP)
			return true;
	return false;
}

bool conf_stand_in(const struct conf *c)
{
	return c->arbiter == CONF_ARBITER_GATEWAY && c->n_nodes == 2 && !conf_has_foreign_node(c) &&
	       c->on_isolation == CONF_ISOLATION_RELEASE;
}

unsigned int conf_majority(const struct conf *c)
{
	const unsigned int members = c->n_nodes + c->n_witnesses;

	if (conf_stand_in(c))
		return 2;
	if (c->arbiter >= CONF_ARBITER_GATEWAY || conf_has_foreign_node(c))
		return 0;
	if (c->arbiter != CONF_ARBITER_MAJORITY && !c->n_witnesses)
		return 0;
	return members / 2 + 1;
}

bool conf_majority_possible(const struct conf *c)
{
	return c->arbiter == CONF_ARBITER_AUTO && !conf_majority(c) && !conf_has_foreign_node(c) &&
	       c->n_nodes >= CONF_MAJORITY_LEAST;
}

static bool has_member(const struct conf *c, struct in_addr addr, bool witness)
{
	for (unsigned int i = 0; !witness && i < c->n_nodes; i++)
		if (c->nodes[i].addr.s_addr == addr.s_addr)
			return true;
	for (unsigned int i = 0; witness && i < c->n_witnesses; i++)
		if (c->witnesses[i].addr.s_addr == addr.s_addr)
			return true;
	return false;
}

/* Members that `a` has and `b` does not. */
static unsigned int members_gone(const struct conf *a, const struct conf *b)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < a->n_nodes; i++)
		n += !has_member(b, a->nodes[i].addr, false);
	for (unsigned int i = 0; i < a->n_witnesses; i++)
		n += !has_member(b, a->witnesses[i].addr, true);
	return n;
}

unsigned int conf_members_differ(const struct conf *a, const struct conf *b)
{
	return members_gone(a, b) + members_gone(b, a);
}

bool conf_majorities_meet(const struct conf *a, const struct conf *b)
{
	const unsigned int all = b->n_nodes + b->n_witnesses + members_gone(a, b);
	const unsigned int of_a = conf_majority(a), of_b = conf_majority(b);

	return !of_a || !of_b || of_a + of_b > all;
}

uint64_t conf_longest_grant_ns(const struct conf *c)
{
	if (!conf_majority(c))
		return 0;
	return c->grant_ns > CONF_RESTART_GRANT_NS ? c->grant_ns : CONF_RESTART_GRANT_NS;
}

/* Why no majority decides. */
static const char *why_timers(const struct conf *c)
{
	if (conf_majority_possible(c))
		return "there is no witness: add one, or write arbiter = majority";
	if (!c->n_witnesses)
		return "there is no witness: add one";
	if (conf_has_foreign_node(c))
		return "a node with peer = vrrp grants nothing";
	return "arbiter = none";
}

const char *conf_arrangement(const struct conf *c, char dst[CONF_ARRANGEMENT_MAX])
{
	const unsigned int members = c->n_nodes + c->n_witnesses, majority = conf_majority(c);
	const unsigned int spare = members - majority;

	if (c->arbiter == CONF_ARBITER_GATEWAY)
		snprintf(dst, CONF_ARRANGEMENT_MAX, "gateway: %s",
			 majority ? CONF_STAND_IN_SURVIVES : CONF_GATEWAY_SURVIVES);
	else if (c->arbiter == CONF_ARBITER_ETCD)
		snprintf(dst, CONF_ARRANGEMENT_MAX, "etcd: %s", CONF_ETCD_SURVIVES);
	else if (majority)
		snprintf(dst, CONF_ARRANGEMENT_MAX,
			 "majority: the owner needs the grants of %u of %u members; "
			 "any %u of them may fail or be cut off, and there are never two owners; "
			 "with fewer than %u in touch nobody owns the VIP",
			 majority, members, spare, majority);
	else
		snprintf(dst, CONF_ARRANGEMENT_MAX,
			 "VRRP's timers: any node may fail while another one is there; "
			 "nodes that cannot hear each other all become owner (%s)",
			 why_timers(c));
	return dst;
}

/* Which interface of this machine has the address? 0, -EADDRNOTAVAIL or -errno. */
static int interface_with(struct in_addr addr, char interface[IF_NAMESIZE])
{
	int err = -EADDRNOTAVAIL;
	struct ifaddrs *all;

	if (getifaddrs(&all) < 0)
		return -errno;
	for (const struct ifaddrs *a = all; a && err; a = a->ifa_next) {
		struct sockaddr_in sin;

		if (!a->ifa_addr || a->ifa_addr->sa_family != AF_INET ||
		    (a->ifa_flags & IFF_LOOPBACK))
			continue;
		memcpy(&sin, a->ifa_addr, sizeof(sin));
		if (sin.sin_addr.s_addr != addr.s_addr)
			continue;
		/* The kernel labels addresses: eth0:1. */
		snprintf(interface, IF_NAMESIZE, "%.*s", (int)strcspn(a->ifa_name, ":"),
			 a->ifa_name);
		err = 0;
	}
	freeifaddrs(all);
	return err;
}

int conf_find_witness(const struct conf *c, const char *name, unsigned int *index,
		      char interface[IF_NAMESIZE])
{
	int err = c->n_witnesses ? -EADDRNOTAVAIL : -ENOENT;

	if (name)
		err = -ENOENT;
	for (unsigned int i = 0; i < c->n_witnesses; i++) {
		if (name && strcmp(name, c->witnesses[i].name) != 0)
			continue;
		err = interface_with(c->witnesses[i].addr, interface);
		*index = i;
		if (err != -EADDRNOTAVAIL)
			break;
	}
	return err;
}

const struct conf_node *conf_node_at(const struct conf *c, struct in_addr addr)
{
	for (unsigned int i = 0; i < c->n_nodes; i++)
		if (c->nodes[i].addr.s_addr == addr.s_addr)
			return &c->nodes[i];
	return NULL;
}
