/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The control server from inside: what its files share.
 *
 *   server.c         clients: accept, credentials, requests, replies, deadlines
 *   server_events.c  the verb "events" and its followers
 *   server_stream.c  long replies, each by a thread
 *   server_socket.c  the listening socket in the file system
 *
 * Invariants
 *  - A client is read only while nothing waits to be sent to it, followers aside, which are read
 *    only to see them go. So one request is in work at a time.
 *  - Nothing on the loop's thread blocks, and no client can make another one wait.
 *  - A client is freed by its own event handlers alone, never while lines are handed out.
 *  - While a thread makes a client's reply, the client's socket is the thread's alone: its event
 * sources are off, and it is not freed before the thread was joined.
 */
#ifndef HOKM_CTL_SERVER_H
#define HOKM_CTL_SERVER_H

#include <stdbool.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "conf/conf.h"
#include "serve/serve.h"
#include "base/frame.h"

struct ctl_client {
	LIST_ENTRY(ctl_client) link;
	struct ctl_server *server;
	int fd;
	sd_event_source *io;
	sd_event_source *deadline; /* off for followers */
	struct frame_reader in;
	struct frame_writer out;
	bool asked; /* had a reply before: may go without a word */
	bool following;
	json_t *kinds;             /* filter, NULL for all */
	uint64_t dropped;          /* lines missed and not yet told of */
	struct ctl_stream *stream; /* a thread makes the reply */
};

LIST_HEAD(ctl_clients, ctl_client);

/* The socket in the file system: removed at the end only if it is still the same one. */
struct ctl_listener {
	int fd;
	char path[CONF_PATH_MAX];
	dev_t dev;
	ino_t ino;
};

struct ctl_server {
	sd_event *event;
	struct ctl_listener listener;
	sd_event_source *accept;
	bool has_gid;
	gid_t gid; /* may use ctl besides root */
	const struct ctl_verb *verbs;
	void *arg;
	struct events *events;
	struct event_names names;
	bool has_names;
	int follow_id; /* of our own following of events, 0 when nobody follows us */
	struct ctl_clients clients;
	unsigned int n_clients;
	unsigned int n_streams;
	uint64_t stream_stall_ns, stream_max_ns;
	struct ctl_server_stats stats;
};

/* server_socket.c. 0 or -errno, logged; gid_t -1: leave the group. Caller: ctl_listener_close(). */
int ctl_listener_open(struct ctl_listener *l, const char *path, gid_t gid);
void ctl_listener_close(struct ctl_listener *l);

/* server_events.c: the verb; makes the client a follower when asked to. As a ctl_handler. */
int ctl_events_verb(struct ctl_client *c, const json_t *args, json_t **data, char *error,
		    size_t error_size);
/* The client goes. */
void ctl_events_forget(struct ctl_client *c);
/* All was sent: tells of dropped lines, if any. */
void ctl_events_caught_up(struct ctl_client *c);

/* server_stream.c: starts the thread of a long reply. As a ctl_handler. */
int ctl_stream_start(struct ctl_client *c, const struct ctl_work *work, const json_t *args,
		     char *error, size_t error_size);
/* The client goes: tells the thread, waits for it. */
void ctl_stream_forget(struct ctl_client *c);

/* server.c: what the loop must watch changed. */
void ctl_client_watch(struct ctl_client *c);
/* server.c: the thread is gone. err: why its reply was not sent whole, 0 when it was. */
void ctl_client_streamed(struct ctl_client *c, int err);
/* server.c: {"ok": false, ...}; new reference. */
json_t *ctl_error_reply(int code, const char *text);

#endif
