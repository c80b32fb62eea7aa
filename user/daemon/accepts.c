/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `hokm-xdp accepts FILE`, which a running daemon asks of the binary that is to replace it: do you
 * accept this configuration, and the maps that are pinned for its node? Everything that a start
 * would refuse for good is refused here, while the old daemon still runs. So are incomplete pins: a
 * start would replace them and forget connections and promises. The old daemon has the maps open
 * and puts their pins back.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/caps.h"
#include "base/version.h"
#include "conf/conf.h"
#include "daemon/lock.h"
#include "daemon/upgrade.h"
#include "path/bpf.h"

static int accept_pins(const struct conf *c)
{
	struct hokm_bpf *b;
	int err = hokm_bpf_open_pinned(c, &b);

	if (err == -ENOENT)
		fprintf(stderr,
			"the configuration names the node %s, for which nothing is pinned\n",
			c->nodes[c->self].name);
	else if (err && err != -EPROTO) /* that one is reported */
		fprintf(stderr, "could not open the pinned maps: %s\n", strerror(-err));
	hokm_bpf_close(b);
	return err;
}

int daemon_accepts_main(int argc, char **argv)
{
	struct conf *c = NULL;
	int err;

	if (argc != 2) {
		fprintf(stderr, "usage: hokm-xdp accepts FILE\n");
		return EX_USAGE;
	}
	err = conf_load(argv[1], true, stderr, &c);
	if (err)
		return EX_CONFIG;
	err = caps_check();
	if (!err && c->hooks.caps && !caps_hand_on()) {
		fprintf(stderr, "hooks.capabilities is new, and needs CAP_SETPCAP, "
				"which the running daemon gave up: restart it instead\n");
		err = -EPERM;
	}
	if (!err)
		err = lock_may(c, stderr);
	if (!err)
		err = accept_pins(c);
	conf_free(c);
	if (err)
		return EX_UNAVAILABLE;
	printf("hokm-xdp %s (map schema %d)\n", HOKM_VERSION, HOKM_ABI_VERSION);
	return EX_OK;
}
