/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The control server: answers `hokm-xdp ctl` on the Unix socket (protocol: base/ctl_proto.h).
 *
 * The server knows nothing of the daemon: it gets a table of verbs, runs their handlers on the
 * thread of the event loop, and sends what they return. A reply is never written in the turn of the
 * loop in which its handler ran, but in a later one: settle() runs in between, so a client that has
 * its reply finds the effect of its request in place.
 */
#ifndef HOKM_SERVE_H
#define HOKM_SERVE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "base/ctl_proto.h"
#include "sense/events.h"

#define CTL_CLIENTS_MAX 64
/* Unread bytes of a follower of events; beyond that its events are dropped and counted. */
#define CTL_BACKLOG_MAX (1u << 20)
/* Priority of the server's event sources: operators come after the network. */
#define CTL_PRIORITY 20
/* Long replies at the same time: each one is a thread. */
#define CTL_STREAMS_MAX 2

struct ctl_server; /* opaque */

/*
 * Runs a verb in the daemon. Returns 0 and the data of the reply in *data (a new reference, may
 * stay NULL), or -errno and a message for the operator in `error`.
 */
typedef int (*ctl_handler)(void *arg, const json_t *args, json_t **data, char *error,
			   size_t error_size);

/*
 * A verb whose reply takes long to make. It is made by a thread of its own with ordinary priority,
 * so that it delays neither adverts nor other clients.
 */
struct ctl_stream; /* opaque: the way to the client */
struct ctl_work {
	/*
	 * On the thread of the loop: checks the arguments and copies everything that run() needs
	 * into *job. Returns as a ctl_handler.
	 */
	int (*prepare)(void *arg, const json_t *args, void **job, char *error, size_t error_size);
	/*
	 * On the thread of the reply: sends all of it. Returns -errno and a message when it cannot.
	 * An error of ctl_stream_send() is returned unchanged.
	 */
	int (*run)(void *job, struct ctl_stream *s, char *error, size_t error_size);
	void (*free)(void *job);
};

/*
 * On the thread of the reply: sends one frame; `json` is the text of its data. Not 0: the client is
 * gone, stop.
 */
int ctl_stream_send(struct ctl_stream *s, const char *json, size_t len, bool more);
/* On that thread, now and then while nothing is sent: -errno when the client is gone. */
int ctl_stream_check(struct ctl_stream *s);

struct ctl_verb {
	const char *name;
	bool acts;                   /* not only looks: for those who may act */
	const char *acts_with;       /* it acts when this argument is given; NULL: see `acts` */
	ctl_handler handler;         /* NULL: the verb has `work` */
	const struct ctl_work *work; /* NULL: the verb has a handler */
};

/* Names of groups, NULL or "" for none. */
struct ctl_groups {
	const char *look; /* ctl_group */
	const char *act;  /* ctl_admin_group: its members look too */
};

/*
 * Listens on `path` with mode 0660, for root and the groups. A socket there that nobody
 * listens on is replaced; with a listener the call fails with -EADDRINUSE; a missing directory is
 * created with mode 0755. `verbs` ends with a NULL name. The verb "events" is the server's own; it
 * shows `events` (borrowed, closed after the server) with the names that `names` gives (may be
 * NULL; a NULL names->arg stands for `arg`). 0 or -errno, logged.
 */
int ctl_server_open(sd_event *event, const char *path, const struct ctl_groups *groups,
		    const struct ctl_verb *verbs, void *arg, struct events *events,
		    const struct event_names *names, struct ctl_server **out);
/* Removes the socket and disconnects the clients. NULL is fine. */
void ctl_server_close(struct ctl_server *s);

/* In a handler: the uid of the client whose request runs. */
uid_t ctl_server_asker(const struct ctl_server *s);

struct ctl_server_stats {
	uint64_t requests;  /* complete and well-formed, whatever their result */
	uint64_t garbage;   /* no JSON object, no verb, or cut off in the middle */
	uint64_t oversized; /* longer than CTL_REQUEST_MAX */
	uint64_t timed_out; /* a request not complete, or a reply not read, in time */
	uint64_t denied;    /* neither root nor a member of the group that the request needs */
	uint64_t paused;    /* times that a client had to wait because it asked too much */
	uint64_t busy;      /* over CTL_CLIENTS_MAX or CTL_STREAMS_MAX */
	uint64_t dropped;   /* events that slow followers did not get */
	uint64_t followers; /* now */
};
void ctl_server_get_stats(const struct ctl_server *s, struct ctl_server_stats *out);

#endif
