/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Terminates connections whose sockets are on this node, so that their players connect to a peer.
 * Causes: a service is DOWN because its server is unresponsive, while a peer can take its players
 * (decide/unresponsive); the time of a drain is over (node_drain.h). Both follow from active checks
 * or an operator, never from passive signals (rule 4, docs/architecture.md).
 *
 * One walk through map conns serves all services that wait for it, a slice a millisecond, while the
 * ender (act/ender.h) has room. A service
 * for which it is requested while a walk is under way gets the next walk.
 */
#ifndef HOKM_DAEMON_SESSION_END_H
#define HOKM_DAEMON_SESSION_END_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "act/ender.h"
#include "hokm/names.h"
#include "path/bpf.h"

struct node;
struct replication;
struct service;

struct session_end {
	struct node *node;
	struct replication *replication; /* NULL: off */
	struct ender *ender;
	sd_event_source *timer;
	uint64_t next_ns; /* the next slice; 0: nothing is under way */
	/* One bit for each slot of a service: requested; and in the walk that is under way. */
	unsigned int wanted, walking;
	/* The same: all of the service's connections were terminated, and no socket was here. */
	unsigned int orphaned;
	bool forgetting;   /* the walk that is under way deletes those */
	uint64_t quiet_ns; /* when the packet path was prepared for our RSTs last */
	enum hokm_reason reason[HOKM_MAX_SERVICES];
	/*
	 * Of what is requested, and of the walk: only connections whose upgrade request came before
	 * this moment, and has no answer; 0: all.
	 */
	uint64_t waits_since_ns[HOKM_MAX_SERVICES], walk_since_ns[HOKM_MAX_SERVICES];
	unsigned int found[HOKM_MAX_SERVICES]; /* connections of this walk */
	/* Of the ender, as of the beginning of the walk. */
	uint64_t elsewhere[HOKM_MAX_SERVICES], left;
	struct hokm_conn_cursor cursor;
	bool walked;         /* the walk has seen everything; the ender may not be done with it */
	uint64_t last_batch; /* that was given to the ender */
};

/* `r` may be NULL. 0 or -errno, logged. */
int session_end_open(struct session_end *e, struct node *n, struct replication *r);
void session_end_close(struct session_end *e);

/* Requests that every connection of the service on this node is terminated. */
void session_end_service(struct session_end *e, struct service *svc, enum hokm_reason reason);
/* At each tick: requests it for services whose servers are unresponsive. */
void session_end_tick(struct session_end *e, bool draining, uint64_t now_ns);
/* The next slice, if there is one. */
void session_end_walk(struct session_end *e, uint64_t now_ns);
/* No walk goes on, or has to begin: there is no next slice. */
bool session_end_is_calm(const struct session_end *e);
/* Sets the timer to the next slice. */
void session_end_arm(struct session_end *e);

/*
 * From now on, and for two seconds, RSTs of the service are ours: the packet path does not take
 * them for the server's.
 */
void session_end_quiet(struct node *n, const struct service *svc, uint64_t now_ns);

#endif
