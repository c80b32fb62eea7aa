/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Over which path the replication to one peer goes. Pure.
 *
 * It goes over the segment where that works. It goes over another path, the first that answers
 * pulses, while
 *   - the segment answers none, or
 *   - the segment answers pulses, and for REPL_PATH_TRY_NS no replication came (a packet filter
 *     that lets UDP 8766 pass and not 8767). Then the paths that answer take turns, and the first
 *     one over which it comes stays.
 * It comes back to the segment when that has answered for REPL_PATH_BACK_NS. A segment that
 * answers pulses and brought no replication is left alone until it falls silent, or the peer's
 * daemon does.
 *
 * Each node chooses for what it sends, and takes what comes over any path. What the former path
 * still brings, or has lost, is repeated or discarded by number (repl.h).
 */
#ifndef HOKM_DECIDE_REPL_PATH_H
#define HOKM_DECIDE_REPL_PATH_H

#include <stdbool.h>
#include <stdint.h>

/* Longer than a daemon that has just started needs. */
#define REPL_PATH_TRY_NS  2000000000ULL
#define REPL_PATH_BACK_NS 2000000000ULL

/* All zero at the start: the segment. */
struct repl_path {
	unsigned int at;     /* HOKM_PATH_SEGMENT or a number of a path */
	unsigned int said;   /* the path that was reported last */
	uint64_t since_ns;   /* nothing has come since then; 0: it was not asked yet */
	uint64_t segment_ns; /* since when the segment answers; 0: it does not */
	bool blocked;        /* the segment answers, and brings no replication */
};

struct repl_path_input {
	uint32_t answers; /* bit N: path N answers pulses, and can be used; bit 0: the segment */
	bool fresh;       /* the peer's daemon is alive, as its pulses say */
	bool connected;   /* its replication comes */
};

/*
 * Once a tick. Returns whether to report the path: it is another one than was reported last, and
 * replication comes, or the one that was reported last answers no more. Paths that take turns and
 * bring nothing are not reported: it may be off at the peer for as long as both run.
 */
bool repl_path_step(struct repl_path *r, const struct repl_path_input *in, uint64_t now_ns);

#endif
