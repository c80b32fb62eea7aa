/* SPDX-License-Identifier: GPL-2.0-only */
/* See witness_report.h. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "base/clock.h"
#include "base/log.h"
#include "witness/witness_report.h"

/* A node that sent nothing valid for this long is not heard. Pulses come every 10 s at least. */
#define HEARD_NS   (15 * NS_PER_S)
#define PER_REASON (60 * NS_PER_S) /* between two reports of discarded packets for one reason */

void witness_report_holder(struct witness_report *r, const struct witness *w, uint64_t now_ns)
{
	const struct witness_node *holder = witness_holder(w, now_ns);

	if (!holder || holder == r->holder)
		return;
	r->holder = holder;
	log_info("granted to %s, epoch %" PRIu64, holder->name, (uint64_t)w->promise.epoch);
}

static void report_nobody(struct witness_report *r, const struct witness *w, uint64_t now_ns)
{
	if (!r->holder || witness_holder(w, now_ns))
		return;
	log_info("granted to nobody: %s has not renewed it, or has released it", r->holder->name);
	r->holder = NULL;
}

static unsigned int report_hears(struct witness_report *r, const struct witness *w, uint64_t now_ns)
{
	unsigned int heard = 0;

	for (unsigned int i = 0; i < w->n_nodes; i++) {
		const struct witness_node *n = &w->nodes[i];
		/* The kernel may have heard it after now_ns was read. */
		const bool hears = n->heard_ns &&
				   (n->heard_ns > now_ns || now_ns - n->heard_ns < HEARD_NS);

		heard += hears;
		if (hears == r->hears[i])
			continue;
		r->hears[i] = hears;
		if (hears)
			log_info("node %s asks", n->name);
		else
			log_warn("node %s asks no more", n->name);
	}
	return heard;
}

static void report_discards(struct witness_report *r, const struct witness *w, uint64_t now_ns)
{
	for (unsigned int i = WITNESS_NONE + 1; i < WITNESS_DISCARD_COUNT; i++) {
		const uint64_t n = w->discarded[i] - r->discarded[i];

		if (!n || now_ns < r->quiet_until_ns[i])
			continue;
		r->discarded[i] = w->discarded[i];
		r->quiet_until_ns[i] = now_ns + PER_REASON;
		log_warn("%" PRIu64 " packets discarded: %s", n, witness_discard_text(i));
	}
}

static void report_silence(struct witness_report *r, const struct witness *w, uint64_t now_ns)
{
	const bool silent = now_ns < w->promise.silent_until_ns;

	if (r->silent && !silent)
		log_info("grants from now on: no grant of an earlier run can last any more");
	r->silent = silent;
}

/* systemd gets the line when it has changed. */
static void put_status(struct witness_report *r, const struct witness *w, const char *way,
		       unsigned int heard)
{
	char status[sizeof(r->status)];

	snprintf(status, sizeof(status), "answers %s; granted to %s; %u of %u nodes ask%s", way,
		 r->holder ? r->holder->name : "nobody", heard, w->n_nodes,
		 r->silent ? "; silent after the start" : "");
	if (!strcmp(status, r->status))
		return;
	memcpy(r->status, status, sizeof(status));
	(void)sd_notifyf(0, "STATUS=%s", status);
}

void witness_report_again(struct witness_report *r)
{
	r->holder = NULL;
	memset(r->hears, 0, sizeof(r->hears));
}

void witness_report_tick(struct witness_report *r, const struct witness *w, const char *way,
			 uint64_t now_ns)
{
	unsigned int heard;

	report_silence(r, w, now_ns);
	witness_report_holder(r, w, now_ns);
	report_nobody(r, w, now_ns);
	heard = report_hears(r, w, now_ns);
	report_discards(r, w, now_ns);
	put_status(r, w, way, heard);
}
