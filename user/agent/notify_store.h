/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the notifier keeps on disk, in a folder of its own that belongs to its user:
 *
 *   queue      what waits and which problems are open; read by the next notifier
 *   status     counters and circuits as JSON, for `hokm-xdp notify status`
 *   history    one JSON line for each ended delivery; history.1 has the lines before
 *
 * queue and status are replaced by rename, so that a reader or a crash finds a whole file. The
 * queue is bounded by NOTIFY_ITEMS_MAX for each channel, the history by STORE_HISTORY_MAX bytes
 * twice.
 */
#ifndef HOKM_AGENT_NOTIFY_STORE_H
#define HOKM_AGENT_NOTIFY_STORE_H

#include "agent/notify_engine.h"
#include "conf/conf.h"

#define STORE_HISTORY_MAX (256 * 1024)

/* All functions return 0 or -errno; dir is an open folder, or -1: nothing is kept. */
int store_save_queue(int dir, const struct engine *e);
/* Puts what was saved into the channels of the same names. -ENOENT: nothing was saved. */
int store_load_queue(int dir, struct engine *e);
int store_save_status(int dir, const struct engine *e);
int store_add_history(int dir, const struct engine *e, const struct channel *c,
		      const struct delivery *d);

/* "/var/lib/hokm-xdp/NODE.notify" for the node that c->self names: beside the state file. */
const char *store_folder(const struct conf *c, char *dst, size_t size);

#endif
