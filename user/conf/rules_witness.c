/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules for witnesses, the arbiter and the length of a grant. */
#include <string.h>

#include "base/units.h"
#include "conf/conf_int.h"
#include "conf/schema.h"

/* A grant outlives the loss of one pulse: it is renewed at least twice while it lasts. */
#define PULSES_PER_GRANT 3

static void refuse_same_name(const struct conf_sec *s, const struct conf *c,
			     const struct conf_witness *w)
{
	for (unsigned int i = 0; i < c->n_nodes; i++)
		if (!strcmp(c->nodes[i].name, w->name))
			conf_error_at(s->errors, s->cfg->line,
				      "witness \"%s\": a node has this name already", w->name);
}

static void refuse_same_address(const struct conf_sec *s, const struct conf *c,
				const struct conf_witness *w)
{
	if (!w->addr.s_addr)
		return;
	for (unsigned int i = 0; i < c->n_nodes; i++)
		if (c->nodes[i].addr.s_addr == w->addr.s_addr)
			conf_complain(s, "address",
				      "node %s has this address: a witness is another machine",
				      c->nodes[i].name);
	for (unsigned int i = 0; i < c->n_witnesses; i++)
		if (c->witnesses[i].addr.s_addr == w->addr.s_addr)
			conf_complain(s, "address", "witness %s has this address already",
				      c->witnesses[i].name);
	for (unsigned int i = 0; i < c->n_vips; i++)
		if (c->vips[i].s_addr == w->addr.s_addr)
			conf_complain(s, "address",
				      "this is a VIP: a witness needs an address of its own");
}

void rule_witness(const struct conf_sec *s, struct conf *c)
{
	const struct conf_witness *w = s->item;

	refuse_same_name(s, c, w);
	refuse_same_address(s, c, w);
	if (c->n_nodes + c->n_witnesses == CONF_NODES_MAX)
		conf_error_at(
			s->errors, s->cfg->line,
			"witness \"%s\": too many: nodes and witnesses are at most %d together",
			w->name, CONF_NODES_MAX);
}

/* Where the file demands a majority, there must be one. */
static void check_arbiter(const struct conf_sec *root, const struct conf *c)
{
	const bool witness = c->arbiter == CONF_ARBITER_WITNESS;

	if ((!witness && c->arbiter != CONF_ARBITER_MAJORITY) || !conf_good(root, "arbiter"))
		return;
	if (witness && !c->n_witnesses)
		conf_complain(root, "arbiter",
			      "there is no witness: write witness NAME { address = \"...\" }");
	if (!witness && c->n_nodes + c->n_witnesses < CONF_MAJORITY_LEAST)
		conf_complain(root, "arbiter",
			      "there are two members, and a dead one would leave no majority: "
			      "add a node or a witness");
	for (unsigned int i = 0; i < c->n_nodes; i++)
		if (c->nodes[i].peer == CONF_PEER_VRRP)
			conf_complain(root, "arbiter",
				      "node %s has peer = vrrp, and answers no wish: "
				      "only VRRP's timers are common to all nodes",
				      c->nodes[i].name);
}

/* An owner that is cut off must end before its peer's Master_Down_Interval does (arbiter.h). */
#define GATEWAY_ADVERT_LEAST_NS (50 * NS_PER_MS)

/* From the last advert of a dead owner to the first moment at which a peer becomes owner. */
static uint64_t soonest_ns(const struct conf *c)
{
	unsigned int most = 0;

	for (unsigned int i = 0; i < c->n_nodes; i++)
		if (c->nodes[i].priority > most)
			most = c->nodes[i].priority;
	return 2 * c->advert_ns + c->advert_ns * (256 - most) / 256;
}

/*
 * Until the owner has heard no pulse for pulse.dead, and then no gateway for an interval of the
 * adverts, each of them seen one pulse later.
 */
static uint64_t latest_ns(const struct conf *c)
{
	return c->peer_dead_ns + c->advert_ns + 2 * c->pulse_ns;
}

/* The key that made the gateway the arbiter. */
static const char *gateway_key(const struct conf_sec *root)
{
	return conf_given(root, "arbiter") ? "arbiter" : "gateway";
}

static void check_gateway_times(const struct conf_sec *root, const struct conf *c)
{
	const char *key = gateway_key(root);

	if (c->advert_ns < GATEWAY_ADVERT_LEAST_NS)
		conf_complain(root, key,
			      "vrrp.advert is too short: 50ms is the least with the gateway; "
			      "without it write arbiter = none");
	if (c->peer_dead_ns > c->advert_ns || latest_ns(c) > soonest_ns(c))
		conf_complain(root, key,
			      "pulse.dead is too long for vrrp.advert and these priorities: "
			      "the former owner would end after the next one has begun; "
			      "without the gateway write arbiter = none");
}

/* With auto and two nodes a gateway decides if the file names one, and no witness can. */
static void choose_arbiter(const struct conf_sec *root, struct conf *c)
{
	if (c->arbiter == CONF_ARBITER_AUTO && conf_good(root, "gateway") &&
	    conf_good(root, "arbiter") == conf_given(root, "arbiter") && c->n_nodes == 2 &&
	    !c->n_witnesses && !conf_has_foreign_node(c))
		c->arbiter = CONF_ARBITER_GATEWAY;
}

static void check_gateway(const struct conf_sec *root, const struct conf *c)
{
	if (c->arbiter != CONF_ARBITER_GATEWAY)
		return;
	check_gateway_times(root, c);
	if (c->n_witnesses)
		conf_complain(root, "arbiter",
			      "there is a witness, and it would be asked by nobody: "
			      "remove it, or write auto");
	for (unsigned int i = 0; i < c->n_nodes; i++) {
		if (c->nodes[i].peer == CONF_PEER_VRRP)
			conf_complain(root, "arbiter",
				      "node %s has peer = vrrp: as backup it is never heard",
				      c->nodes[i].name);
		if (c->gateway.s_addr && c->nodes[i].addr.s_addr == c->gateway.s_addr)
			conf_complain(root, "gateway", "node %s has this address",
				      c->nodes[i].name);
	}
	for (unsigned int i = 0; i < c->n_vips; i++)
		if (c->gateway.s_addr && c->vips[i].s_addr == c->gateway.s_addr)
			conf_complain(root, "gateway", "this is a VIP");
}

void rule_grants(const struct conf_sec *root, struct conf *c)
{
	const uint64_t least_ns = PULSES_PER_GRANT * c->pulse_ns;
	char text[DURATION_TEXT_MAX];

	check_arbiter(root, c);
	choose_arbiter(root, c);
	check_gateway(root, c);
	conf_check_etcd(root, c);
	if (!conf_given(root, "grant") && c->grant_ns < least_ns)
		c->grant_ns = least_ns;
	else if (conf_good(root, "grant") && c->grant_ns < least_ns)
		conf_complain(root, "grant", "at least %d times pulse.interval, that is %s",
			      PULSES_PER_GRANT, duration_format(least_ns, text));
}
