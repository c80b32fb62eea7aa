/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The section `witness` of the schema, and the keys of grants: their rows are in schema_witness.c.
 */
#ifndef HOKM_SCHEMA_WITNESS_H
#define HOKM_SCHEMA_WITNESS_H

#include "conf/schema.h"

extern const struct conf_key conf_witness_keys[];
extern const struct conf_word conf_arbiters[], conf_isolations[];
extern const char *const conf_witness_example[];

/* clang-format off */
/* Rows of the keys outside of sections. */
#define CONF_GRANT_KEYS                                                                       \
	KEY("arbiter", WORD(conf_arbiters), FIELD(conf, arbiter), RELOAD, "auto", NULL,       \
	    "Who decides when the nodes cannot hear each other. auto: the majority of the "   \
	    "members, which are the nodes and the witnesses, if there is a witness; else, of "\
	    "two nodes, the gateway, if the file has the key gateway; nobody without both, "  \
	    "or if a node has peer = vrrp. witness: the majority, and a file "                 \
	    "without a witness is refused. majority: the same also without a witness; it "    \
	    "needs three members. gateway: a node that hears no other node may own "          \
	    "only while the gateway of the network answers its ARP requests. etcd: of two "   \
	    "nodes that do not hear each other the one may own that holds a record in a "     \
	    "cluster of etcd (section etcd). none: nobody. "                                  \
	    "Where nobody decides, VRRP's timers choose the owner, and two nodes that cannot "\
	    "hear each other both become owner."),                                            \
	KEY("gateway", IPV4, FIELD(conf, gateway), RELOAD, NULL, NULL,                        \
	    "With arbiter = gateway, or auto and no witness: the address that is asked. "     \
	    "A machine in the network "                                                       \
	    "segment of the nodes that is there whenever clients can reach the VIP.",         \
	    .unset = "the gateway of the default route over the interface, read every "       \
		     "second",                                                                \
	    .example = "192.168.1.1"),                                                        \
	KEY("on_isolation", WORD(conf_isolations), FIELD(conf, on_isolation), RELOAD,         \
	    "release", NULL,                                                                  \
	    "With arbiter = gateway or etcd: what an owner does that hears neither another "  \
	    "node nor the arbiter. release: it ends to be owner, so that the other one can "  \
	    "be. keep: it stays owner; if both nodes live and only this one is cut off, both "\
	    "own. VRRP's timers choose the owner then; with the gateway, release and two "    \
	    "nodes it is grants."),                                                           \
	KEY("grant", DURATION(MS(10), S(5)), FIELD(conf, grant_ns), RELOAD, "100ms", "30ms", \
	    "How long a member's grant to the owner lasts. A dead owner is replaced after "   \
	    "about this time. Only where the majority decides, or the gateway with two "      \
	    "nodes. At least 3 times pulse.interval; the default is never less.")
/* clang-format on */

/* A row of the sections of the file. */
#define CONF_WITNESS_SECTION                                                                    \
	{                                                                                       \
		.name = "witness", .path = "witness",                                           \
		.meaning = "A machine that runs hokm-xdp witness, at most 7. Its title is its " \
			   "name. It has no VIP and no game. It decides with the nodes who is " \
			   "owner. Nodes and witnesses are at most 9 together.",                \
		.keys = conf_witness_keys, .rule = rule_witness, .title_key = "name",           \
		.title = {FIELD(conf_witness, name)},                                           \
		.items = {offsetof(struct conf, witnesses), sizeof(struct conf_witness)},       \
		.count = offsetof(struct conf, n_witnesses), .most = CONF_WITNESSES_MAX,        \
		.example_lines = conf_witness_example,                                          \
	}

#endif
