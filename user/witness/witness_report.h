/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a witness reports: who has its grant, which nodes it hears, and which packets it discards.
 * Each change is one line of the log. The status line of systemd has the present state.
 *
 * A grant that was not renewed in time and is renewed a moment later is no change: nobody having it
 * is reported by witness_report_tick() only.
 */
#ifndef HOKM_WITNESS_REPORT_H
#define HOKM_WITNESS_REPORT_H

#include "witness/witness.h"

struct witness_report {
	const struct witness_node *holder; /* as reported */
	bool hears[HOKM_MAX_PEERS];
	bool silent;
	uint64_t discarded[WITNESS_DISCARD_COUNT];
	uint64_t quiet_until_ns[WITNESS_DISCARD_COUNT]; /* the next report of this reason */
	char status[128];
};

/* After packets: another node has the grant. */
void witness_report_holder(struct witness_report *r, const struct witness *w, uint64_t now_ns);
/* The nodes are others, or have other numbers: the present state is reported once more. */
void witness_report_again(struct witness_report *r);
/* Once a second: the rest. way: what answers, behind "answers", for the status line. */
void witness_report_tick(struct witness_report *r, const struct witness *w, const char *way,
			 uint64_t now_ns);

#endif
