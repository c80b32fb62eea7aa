/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hooks: commands of the operator that run at state changes.
 *
 * Hooks wait in a queue and run one at a time, each in its own process group, as the configured
 * user, and with a timeout after which the process group is killed. Nothing waits for a hook. After
 * a state change the hook of this state runs first, with the arguments of the file, and then the
 * hook `after`. `before` and `after` get those of keepalived's notify behind their own:
 * `INSTANCE NAME STATE PRIORITY`. The variables HOKM_* tell more. A hook after a state change that
 * ran out of time gets the newest state again, a few times at most. Standard input is /dev/null. A
 * bounded part of the output goes to the log.
 *
 * The command that recovers a service is run in the same way, beside the queue and as a user of its
 * own.
 *
 * A struct hooks is used by the thread of the event loop only.
 */
#ifndef HOKM_ACT_HOOKS_H
#define HOKM_ACT_HOOKS_H

#include <stdint.h>
#include <systemd/sd-event.h>

#include "conf/conf.h"
#include "hokm/names.h"

/* When this many hooks wait, a new one discards the oldest, which is counted and logged. */
#define HOOKS_QUEUE_MAX 32

struct hooks; /* opaque */

/* One state change. */
struct hook_call {
	/* Before or after the VIP addresses are changed; or a service is DOWN. */
	enum { HOOK_BEFORE, HOOK_AFTER, HOOK_RECOVER } when;
	enum hokm_vrrp_state state; /* the new state */
	enum hokm_vrrp_state from;
	enum hokm_reason reason;
	uint8_t priority;
};

struct hooks_stats {
	uint64_t run, failed, timed_out, dropped, not_started;
	uint64_t fifo_lost; /* changes that the FIFO did not take */
	uint64_t denied;    /* succeeded, but wrote that they lack a right */
	unsigned int waiting;
};

/*
 * `c` is borrowed: each call of hooks_queue() reads it, and hooks_reconf() replaces it. Returns 0
 * or -ENOMEM. The caller closes *out with hooks_close().
 */
int hooks_open(sd_event *event, const struct conf *c, struct hooks **out);
void hooks_reconf(struct hooks *h, const struct conf *c);

/*
 * The daemon stops. Hooks of changes before this call have a second: then the one that runs gets
 * SIGTERM and, a second later, SIGKILL, and those that wait are not run. So the hooks of the change
 * that follows run, until HOOKS_STOP_NS after this call.
 */
void hooks_stop(struct hooks *h);
#define HOOKS_STOP_NS 10000000000ULL

/*
 * Kills the running hook, waits at most a second for it, and discards the queue. NULL is allowed.
 */
void hooks_close(struct hooks *h);

/* What the hook `before` says of a change that waits for it, and how a recovery ended. */
enum hook_answer {
	HOOK_PERMITS, /* exit status 0 */
	HOOK_REFUSES, /* it failed */
	HOOK_SILENT,  /* it could not be started, or ran out of time */
};

typedef void (*hook_answer_fn)(void *arg, uint64_t number, enum hook_answer answer);

/*
 * Runs the hook `before` for `call`, beside the queue, so that no other hook delays it, and for
 * wait_ns at most. Its answer is passed on with this number, later and never from within this
 * call. Without memory there is no answer.
 */
void hooks_ask(struct hooks *h, const struct hook_call *call, uint64_t wait_ns, uint64_t number);
/* Who gets the answers. */
void hooks_on_answer(struct hooks *h, hook_answer_fn fn, void *arg);

/*
 * Runs the command that recovers this service, now and beside the queue, as its user and without
 * capabilities. `fn` gets its end with the number of the attempt, later and never from within this
 * call. Returns 0, -EBUSY while another one runs, or -errno; then there is no answer.
 */
int hooks_recover(struct hooks *h, const struct conf_service *svc, unsigned int attempt,
		  const struct hook_call *call, hook_answer_fn fn, void *arg);

/* Queues the hooks for this call that are configured, and writes a change to the FIFO. */
void hooks_queue(struct hooks *h, const struct hook_call *call);

void hooks_get_stats(const struct hooks *h, struct hooks_stats *out);

/* Returns true while a hook runs or waits: a daemon that stops may give it time to finish. */
bool hooks_busy(const struct hooks *h);

#endif
