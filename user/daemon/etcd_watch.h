/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The arbiter `etcd`: asks the cluster by a process without privileges (agent/etcd_client.h),
 * brings its answers to the decision (decide/tie.h), and reports changes. The peer is the only
 * other node of the configuration.
 */
#ifndef HOKM_DAEMON_ETCD_WATCH_H
#define HOKM_DAEMON_ETCD_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/etcd_client.h"
#include "decide/tie.h"
#include "decide/vrrp.h"

struct node;

struct etcd_watch {
	struct node *node;
	struct etcd_client *client; /* NULL: it was not needed yet */
	bool running;               /* it asks; false: the arbiter is another one */
	struct etcd_settings settings;
	uint64_t start_ns; /* when to try to start it again */
	uint64_t read_ns;  /* when its files were read */
	struct tie tie;
	struct tie_output out;

	struct etcd_question question; /* the last one */
	struct etcd_reply reply;       /* the last one, also a failed one */
	struct tie_answer answer;
	bool answered; /* `answer` has not been taken in yet */

	enum tie_phase reported;
	bool failing; /* that it does not answer was reported */
};

void etcd_watch_init(struct etcd_watch *w, struct node *n);
/* Waits for the end of the process, which is killed, as long. */
void etcd_watch_close(struct etcd_watch *w, int wait_ms);
/* The configuration has changed. */
void etcd_watch_reconf(struct etcd_watch *w);
void etcd_watch_run(struct etcd_watch *w, const struct vrrp *v, uint64_t now_ns);
/* Why this node is not eligible; HOKM_R_NONE: it is, as far as etcd is asked. */
enum hokm_reason etcd_watch_bars(const struct etcd_watch *w);

#endif
