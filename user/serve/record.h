/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The verb "timeline": the record of this node, from which `hokm-xdp ctl timeline` makes a
 * timeline, alone or together with the records of other nodes. One frame:
 *
 *   node      name of this node
 *   now_us    this moment since boot
 *   time_us   the same moment of the wall clock, since 1970, as it was at the newest event
 *   clocks    of each peer whose steered probe arrived: peer; sent_us, by the clock of the peer;
 *             arrived_us, by the clock of this node; rtt_us, the round trip of its last pulse
 *   events    all that are kept, in their order, as `ctl events --json` shows them, with boot_us
 *   lost      how many records of the packet path were lost
 *
 * The loop only copies the lines: a thread of its own writes the JSON.
 */
#ifndef HOKM_SERVE_RECORD_H
#define HOKM_SERVE_RECORD_H

#include "daemon/node.h"
#include "serve/serve.h"

/* Copies what the record has of the node. 0 or -ENOMEM. As ctl_work.prepare. */
int record_new(const struct node *n, void **job);
int record_run(void *job, struct ctl_stream *s, char *error, size_t size);
void record_free(void *job);

#endif
