/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who sends the probes: the event loop with each pulse, and a thread in its place when the loop is
 * late.
 *
 * A grant of profile fast lasts for three pulses. The loop can come later than that although its
 * node is well: other processes have its CPU, or one of its turns takes long. Once a second the
 * kernel takes each CPU from all tasks of SCHED_FIFO for 50 ms, when ordinary ones wait for it. So
 * half a pulse after a probe is overdue the thread renews the grants that the loop asked for last.
 * It has a priority of its own (rt_thread_urgent()) and uses nothing of the loop but a copy, so
 * that it waits for no file, socket or process for which the loop waits.
 *
 * The thread decides nothing
 *  - It asks again for what this node owns already, and only until a probe of the loop is overdue
 *    for one pulse less than RENEWAL_PULSES, or the lease of VRRP has ended. A loop that is stuck
 *    loses the VIP then.
 *  - It asks over each path that the loop asks over, for the same reason: an owner may hold its
 *    majority by another path than the segment.
 *  - A daemon that was stopped or killed has no thread that runs.
 *  - A wish that ends is gone when renewal_wish() returns: no later probe asks for it.
 *  - Probes leave in the order of the times that they carry; members ignore an older one.
 */
#ifndef HOKM_DAEMON_RENEWAL_H
#define HOKM_DAEMON_RENEWAL_H

#include <stdbool.h>
#include <stdint.h>

#include "hokm/abi.h"
#include "sense/pulse.h"

/* Of a loop that is not calm, without a probe. A whole machine may stand still for half of that. */
#define RENEWAL_PULSES 20

struct renewal; /* opaque: the thread, its timer and its copy */

/* A path beside the segment (pulse_paths.h): its socket, and the peers at its other end. */
struct renewal_path {
	struct pulse *pulse;
	unsigned int n;
	struct pulse_to to[HOKM_MAX_PEERS];
};

/* Both pointers must stay valid until renewal_close(). Returns 0 or -errno, logged. */
int renewal_open(struct pulse *pulse, struct hokm_grants *grants, uint64_t pulse_ns,
		 struct renewal **out);
/*
 * Starts the thread. Returns 0 or -errno, logged. Without real-time priority it runs all the same.
 */
int renewal_start(struct renewal *r);
void renewal_close(struct renewal *r);

/* What the probes wish from now on. */
void renewal_wish(struct renewal *r, const struct pulse_wish *wish);
/*
 * From now on all probes go over these paths too, at most HOKM_MAX_PATHS. They are copied. When
 * this returns, nothing uses the paths of before any more: they may be closed.
 */
void renewal_paths(struct renewal *r, const struct renewal_path *paths, unsigned int n);
/*
 * Sends a probe to each of the n peers over the segment, and over the other paths to theirs, and
 * keeps what the thread needs. The state's own wish and grants do not count. The loop sends the
 * next one each_ns later; when that is overdue, the thread sends one each pulse_ns.
 */
void renewal_probe(struct renewal *r, const struct pulse_to *to, unsigned int n,
		   const struct pulse_state *state, uint64_t pulse_ns, uint64_t each_ns);
/* The loop sends the probe after the last one each_ns after it, and not when it was said then. */
void renewal_pace(struct renewal *r, uint64_t each_ns);
struct renewal_report {
	uint64_t count;     /* how often the thread has sent probes in place of the loop */
	uint64_t period_ns; /* it has asked the kernel for time in each of these */
	bool in_time; /* the kernel gives it time by SCHED_DEADLINE; else it has the loop's priority
		       */
};

void renewal_read(struct renewal *r, struct renewal_report *out);

/* The promise that this node, as a member, makes to itself. */
void renewal_promise_self(struct hokm_grants *grants, const struct pulse_wish *wish,
			  uint64_t now_ns);

#endif
