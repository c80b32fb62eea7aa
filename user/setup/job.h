/* SPDX-License-Identifier: GPL-2.0-only */
/* What a run of setup is to do, and where. */
#ifndef HOKM_SETUP_JOB_H
#define HOKM_SETUP_JOB_H

#include "setup/machine.h"

#define SETUP_CONFIG "/etc/hokm-xdp/hokm-xdp.conf"
#define SETUP_RULES  "/etc/hokm-xdp/firewall.nft"
#define SETUP_TABLE  "hokm_xdp"

enum setup_exit { SETUP_DONE, SETUP_NOT_DONE, SETUP_PEER_SILENT };

/* What is to be done, and where. */
struct setup {
	const char *config;
	char rules[CONF_PATH_MAX], dropin[CONF_PATH_MAX];
	bool yes, dry, start, no_firewall;
	bool systemd; /* the unit is managed: systemd runs, and the configuration is the usual one
		       */
	/* Of the machine, once the configuration is known. */
	bool witness;
	struct in_addr self;
	char interface[IF_NAMESIZE];
	const char *unit;
	struct conf *conf;
};

#endif
