/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hooks: the operator's commands at state changes. One at a time from a queue, each in its own
 * process group, as the configured user, with a timeout after which the group is killed; never
 * awaited by anything. argv as keepalived's notify: `INSTANCE NAME STATE PRIORITY`; more in HOKM_*.
 * stdin is /dev/null, output goes to the log line by line, bounded.
 */
#ifndef HOKM_ACT_HOOKS_H
#define HOKM_ACT_HOOKS_H

#include <stdint.h>
#include <systemd/sd-event.h>

#include "conf/conf.h"
#include "hokm/names.h"

#define HOOKS_QUEUE_MAX 32 /* more waiting hooks: the oldest is dropped, counted and logged */

struct hooks; /* opaque */

struct hook_call {
	enum { HOOK_BEFORE, HOOK_AFTER } when;
	enum hokm_vrrp_state state; /* the one entered */
	enum hokm_vrrp_state from;
	enum hokm_reason reason;
	uint8_t priority;
};

struct hooks_stats {
	uint64_t run, failed, timed_out, dropped, not_started;
	unsigned int waiting;
};

/* `c` is read at each call of hooks_queue and may be swapped by hooks_reconf. */
int hooks_open(sd_event *event, const struct conf *c, struct hooks **out);
void hooks_reconf(struct hooks *h, const struct conf *c);
/* Kills what runs, waits for it, frees. */
void hooks_close(struct hooks *h);
/* Queues; nothing when that hook is not configured. */
void hooks_queue(struct hooks *h, const struct hook_call *call);
void hooks_get_stats(const struct hooks *h, struct hooks_stats *out);
/* True while one runs or waits: a stopping daemon may give them a moment. */
bool hooks_busy(const struct hooks *h);

#endif
