/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The inside of the control server: what its files share.
 *
 *   server.c         listens and accepts
 *   server_client.c  one client: requests, replies, pauses, deadlines
 *   server_events.c  the verb "events" and its followers
 *   server_stream.c  long replies, each by a thread
 *   server_socket.c  the listening socket in the file system
 *   server_again.c   that it comes back when others remove it
 *   server_access.c  roles: who may look, who may act
 *
 * Invariants
 *  - A client is read only while nothing is queued for it, so it has one request in work at a time.
 *    Followers are read only to notice their end.
 *  - Nothing blocks on the thread of the loop, and no client can make another one wait.
 *  - A client that asks more than its budget (decide/budget.h) is not read for a while.
 *  - Only its own event handlers free a client, never the delivery of events.
 *  - While a thread makes the reply, only that thread uses the client's socket: its event sources
 *    are off, and it is not freed before the thread has announced its end.
 */
#ifndef HOKM_CTL_SERVER_H
#define HOKM_CTL_SERVER_H

#include <stdbool.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "conf/conf.h"
#include "serve/serve.h"
#include "base/frame.h"
#include "decide/budget.h"

/* What a client may do; also the index of the groups. */
enum ctl_role { CTL_ROLE_NONE, CTL_ROLE_LOOKS, CTL_ROLE_ACTS, CTL_ROLES };
#define CTL_NO_GROUP ((gid_t)-1)

struct ctl_client {
	LIST_ENTRY(ctl_client) link;
	struct ctl_server *server;
	int fd;
	enum ctl_role role;
	struct budget budget;
	sd_event_source *io;
	sd_event_source *deadline; /* off for followers, and in a pause */
	sd_event_source *pause;    /* when the next request may be read; off: now */
	struct frame_reader in;
	struct frame_writer out;
	uid_t uid;  /* of its process, by the kernel */
	bool asked; /* it had a reply before: it may close without an error */
	bool following;
	json_t *kinds;             /* filter, NULL for all */
	uint64_t dropped;          /* events left out, and not yet reported to it */
	struct ctl_stream *stream; /* a thread makes the reply */
};

LIST_HEAD(ctl_clients, ctl_client);

/* The socket in the file system: removed at the end only if it is still the one we made. */
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
	struct {
		sd_event_source *folder; /* NULL: it could not be watched */
		bool unwatched;          /* the folder of the present socket could not be */
		sd_event_source *retry;
		uint64_t gap_us; /* until the next one */
	} again;
	gid_t gid[CTL_ROLES]; /* the groups that have a role, besides root */
	const struct ctl_verb *verbs;
	void *arg;
	struct events *events;
	struct event_names names;
	bool has_names;
	uid_t asker;   /* whose request runs */
	int follow_id; /* our subscription to events; 0: no client follows */
	struct ctl_clients clients;
	unsigned int n_clients;
	unsigned int n_streams;
	uint64_t stream_stall_ns, stream_max_ns;
	struct ctl_server_stats stats;
};

/*
 * server_access.c: looks up the groups. 0 or -errno, logged. The role of the client at the other
 * end, and its user.
 */
int ctl_access_open(struct ctl_server *s, const struct ctl_groups *groups);
enum ctl_role ctl_role_of(const struct ctl_server *s, int fd, uid_t *uid);

/*
 * server_socket.c: a socket that root and the groups may connect to. `wait`: for another process
 * that has the lock of the folder. 0 or -errno, logged. Caller: ctl_listener_close().
 */
int ctl_listener_open(struct ctl_listener *l, const char *path, const gid_t gid[CTL_ROLES],
		      bool wait);
void ctl_listener_close(struct ctl_listener *l);
/* Its file is the one that was made. */
bool ctl_listener_there(const struct ctl_listener *l);

/* server.c: listens there from now on, and no more at the former one. 0 or -errno, logged. */
int ctl_server_listen(struct ctl_server *s, struct ctl_listener *fresh);

/* server_again.c: begins to watch the file of the listener. 0 or -errno. */
int ctl_again_open(struct ctl_server *s);
void ctl_again_close(struct ctl_server *s);

/* server_events.c: the verb; "follow" makes the client a follower. As a ctl_handler. */
int ctl_events_verb(struct ctl_client *c, const json_t *args, json_t **data, char *error,
		    size_t error_size);
/* The client is freed. */
void ctl_events_forget(struct ctl_client *c);
/* All was sent: queues the note on events that were left out, if any. */
void ctl_events_caught_up(struct ctl_client *c);

/* server_stream.c: starts the thread of a long reply. As a ctl_handler. */
int ctl_stream_start(struct ctl_client *c, const struct ctl_work *work, const json_t *args,
		     char *error, size_t error_size);
/* The client is freed: stops the thread and waits for it, a second at most. */
void ctl_stream_forget(struct ctl_client *c);

/*
 * server_client.c: a client that was accepted on fd. 0, or -errno; then the caller closes fd.
 * Caller: ctl_client_free(), which closes it too.
 */
int ctl_client_new(struct ctl_server *s, int fd, enum ctl_role role, uid_t uid);
void ctl_client_free(struct ctl_client *c);
/* Watches the socket for what the client needs now. */
void ctl_client_watch(struct ctl_client *c);
/*
 * The thread is over, and took cost_ns of CPU time. err: why its reply is incomplete; 0: it is
 * complete.
 */
void ctl_client_streamed(struct ctl_client *c, uint64_t cost_ns, int err);
/* {"ok": false, ...}; new reference. */
json_t *ctl_error_reply(int code, const char *text);
/* A last message to the other end: lost only if the send buffer is full already. */
void ctl_send_error(int fd, int code, const char *text);

#endif
