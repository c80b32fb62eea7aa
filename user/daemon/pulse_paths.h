/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The paths of the pulses beside the segment: a socket for each path whose address is on an
 * interface of this machine, and the numbers of probes for the loss on every path.
 *
 * A probe goes over every path at every beat, not more slowly over the second one: nothing then
 * changes at the moment at which the first path fails, and the failover takes as long as ever. Each
 * further path costs one system call a beat. The probes themselves are sent with those over the
 * segment, by the loop or in its place (renewal.h).
 *
 * Invariants
 *  - The packet path answers and accepts pulses of a path only while cfg.path has its interface,
 *    which pulse_paths_take() writes.
 *  - A path that cannot be used is reported once with its reason, and looked for again when an
 *    address or an interface changes. The node does without it meanwhile.
 */
#ifndef HOKM_DAEMON_PULSE_PATHS_H
#define HOKM_DAEMON_PULSE_PATHS_H

#include "act/path_look.h"
#include "decide/path_loss.h"
#include "decide/path_news.h"
#include "sense/pulse.h"

struct node;
struct renewal;

/* HOKM_PATH_SEGMENT is the segment; the others are cfg.path. */
#define PULSE_PATHS (1 + HOKM_MAX_PATHS)

struct pulse_path {
	struct path_place place; /* where it ends, or why it is not used; of the segment nothing */
	bool looked;             /* the place was looked for */
	int look_err;            /* what that ended with; place.err may be of the socket */
	uint64_t again_ns;       /* a socket that could not be opened is tried again then */
	struct pulse *pulse;     /* NULL: not in use, and that of the segment is the heartbeat's */
	uint64_t sent[HOKM_MAX_PEERS];
	uint64_t sent_then[HOKM_MAX_PEERS]; /* at the last look */
	struct path_loss loss[HOKM_MAX_PEERS];
	struct path_news news[HOKM_MAX_PEERS];
};

struct pulse_paths {
	struct node *node;
	struct renewal *renewal; /* uses the sockets of the paths; NULL: nobody does */
	struct pulse_path list[PULSE_PATHS];
};

void pulse_paths_init(struct pulse_paths *p, struct node *n);
/* After renewal_close(). */
void pulse_paths_close(struct pulse_paths *p);

/* What the keeper found: opens, moves and closes paths. It may be called at every tick. */
void pulse_paths_take(struct pulse_paths *p, const struct path_place *places, unsigned int n,
		      uint64_t now_ns);
/* The configuration has changed: paths that it no longer has are closed. */
void pulse_paths_reconf(struct pulse_paths *p);

/* A probe goes to the peer of this slot over the segment. */
void pulse_paths_note(struct pulse_paths *p, unsigned int slot);
/*
 * The next probes go to every peer over every path beside the segment. `by`: the signer of the
 * segment.
 */
void pulse_paths_tell(struct pulse_paths *p, struct renewal *r, const struct pulse_signer *by);

/* "segment" or "path N", as events, log and notifications call it. */
#define PULSE_PATH_NAME_LEN 24
void pulse_path_name(unsigned int path, char name[PULSE_PATH_NAME_LEN]);
/*
 * At each look, when the probes of the tick were sent, and before peers_read(): counts what was
 * lost. Reports each path that is silent while its peer answers over another one, and its end.
 */
void pulse_paths_look(struct pulse_paths *p, uint64_t now_ns);

#endif
