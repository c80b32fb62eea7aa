/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The sweep: a walk through map conns, a slice at each tick of the pulse, a whole walk about once a
 * second. Closed connections leave the table after a while, so that late segments still find their
 * target, and so do steered ones that their holder does not have any more. Silent ones expire after
 * idle_timeout, unless the kernel has their socket. Every ten seconds the walk makes the filter in
 * front of conns anew. Connections that became stale are reported. The established ones served here
 * are the players that status shows.
 */
#ifndef HOKM_DAEMON_SWEEP_H
#define HOKM_DAEMON_SWEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "hokm/abi.h"
#include "path/bpf.h"

struct node;
struct replication;

struct sweep {
	struct node *node;
	struct replication *replication;
	struct hokm_conn_cursor cursor;
	uint64_t players[HOKM_MAX_SERVICES]; /* of this walk, by slot */
	uint64_t now_ns;                     /* of the slice */
	uint64_t began_ns, before_ns;        /* when this walk began, and the one before it */
	uint64_t next_ns;                    /* when the next walk begins */
	unsigned int stale;                  /* events of this walk */
	bool running;
	bool bits;        /* this walk makes the filter in front of conns anew */
	uint64_t bits_ns; /* when the next walk does */
	struct {
		uint64_t expired; /* silent for idle_timeout: their end was never seen */
		uint64_t left;    /* closed, and taken off the table */
		uint64_t stale_reported, stale_unreported;
	} stats;
};

/* `r` may be NULL. */
void sweep_init(struct sweep *w, struct node *n, struct replication *r);
/* One slice, when it is time. */
void sweep_run(struct sweep *w, uint64_t now_ns);
/* Counts the players on this node by one whole walk. -errno on failure. */
int64_t sweep_count_players(struct hokm_bpf *b);

#endif
