/* SPDX-License-Identifier: GPL-2.0-only */
/* The rows of the section `witness`, and the words of the key arbiter. See schema.c. */
#include "conf/schema_witness.h"
#include "conf/schema_rows.h"

const struct conf_word conf_arbiters[] = {
	{"auto", CONF_ARBITER_AUTO},
	{"witness", CONF_ARBITER_WITNESS},
	{"majority", CONF_ARBITER_MAJORITY},
	{"gateway", CONF_ARBITER_GATEWAY},
	{"etcd", CONF_ARBITER_ETCD},
	{"none", CONF_ARBITER_NONE},
	{NULL, 0}};

const struct conf_word conf_isolations[] = {
	{"release", CONF_ISOLATION_RELEASE}, {"keep", CONF_ISOLATION_KEEP}, {NULL, 0}};

static const struct conf_word modes[] = {
	{"auto", CONF_WITNESS_AUTO},
	{"xdp", CONF_WITNESS_XDP},
	{"user", CONF_WITNESS_USER},
	{NULL, 0}};

const char *const conf_witness_example[] = {
	"# Example: witness third { address = \"192.168.1.28\" mode = auto }",
	NULL,
};

const struct conf_key conf_witness_keys[] = {
	KEY("witness.address", IPV4, FIELD(conf_witness, addr), RELOAD | KEY_REQUIRED, NULL, NULL,
	    "The address of the witness, in the network segment of the nodes. The machine that has "
	    "it on one of its interfaces is this witness.",
	    .example = "192.168.1.28"),
	KEY("witness.mode", WORD(modes), FIELD(conf_witness, mode), RESTART, "auto", NULL,
	    "What answers the nodes: xdp (an XDP program, also while the process does not run), "
	    "user (the process), or auto. "
	    "auto means xdp, and user where the interface has an XDP program of others, "
	    "or the kernel allows none."),
	END_OF_KEYS,
};
