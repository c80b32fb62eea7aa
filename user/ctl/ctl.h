/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The control socket: Unix stream, each message a 4-byte big-endian length and that many bytes of
 * JSON, at most CTL_REQUEST_MAX for a request and CTL_REPLY_MAX for a reply. Peer credentials are
 * checked on accept: root, or a member of ctl_group. A request that is garbage, too long or not
 * whole within CTL_TIMEOUT gets an error if possible, is counted, and the connection is closed.
 *
 * request  {"verb": "status", "args": {...}}
 * reply    {"ok": true, "data": {...}} or {"ok": false, "error": "...", "code": N}, N as in errno.h
 *
 * A connection may ask again after its reply. events takes {"recent": N, "kinds": [...], "follow":
 * bool} and replies {"events": [...], "lost": N} like any verb; after that, with follow, comes one
 * frame per line until the client goes, and {"dropped": N} where a slow client missed N lines.
 *
 * A long reply comes in several frames {"ok": true, "more": true, "data": {...}}, the last one
 * without "more"; it may also be {"ok": false, ...}. A client that does not read it for
 * CTL_STREAM_STALL_NS, or is not done within CTL_STREAM_MAX_NS, is closed. Which verb says what:
 * conns in serve/conns.h.
 */
#ifndef HOKM_CTL_H
#define HOKM_CTL_H

#include <jansson.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "conf/conf.h"
#include "sense/events.h"

#define CTL_REQUEST_MAX 4096
#define CTL_REPLY_MAX   (64u << 20)
#define CTL_CLIENTS_MAX 64
#define CTL_TIMEOUT_NS  (5 * NS_PER_S) /* for a whole request, and for a reply to be read */
#define CTL_BACKLOG_MAX (1u << 20)     /* unread bytes of a follower: more drops lines, counted */
#define CTL_PRIORITY    20             /* of the server's event sources: people last */
#define CTL_STREAMS_MAX 2              /* long replies at once: each is a thread */
/* Long enough for somebody who looks at the first page in a pager. */
#define CTL_STREAM_STALL_NS (30 * NS_PER_S)
#define CTL_STREAM_MAX_NS   (300 * NS_PER_S)
#define CTL_RUN_DIR         "/run/hokm-xdp"

/* Exit codes of `hokm-xdp ctl`. */
#define CTL_EXIT_OK        0
#define CTL_EXIT_FAILED    1 /* the daemon refused; the message says why */
#define CTL_EXIT_USAGE     2
#define CTL_EXIT_NO_DAEMON 3 /* nobody answers on the socket */
#define CTL_EXIT_NOT_OWNER 4 /* ctl status --owner: this node is not owner */
#define CTL_EXIT_DENIED    5

struct ctl_server; /* opaque */

/*
 * What a verb does, in the daemon. Returns 0 and *data (a new reference, may stay NULL), or -errno
 * and words for the user in error.
 */
typedef int (*ctl_handler)(void *arg, const json_t *args, json_t **data, char *error,
			   size_t error_size);

/*
 * A verb whose reply is long work: made by a thread of its own and of ordinary priority, so that it
 * delays neither adverts nor other clients.
 */
struct ctl_stream; /* opaque: the way to the client */
struct ctl_work {
	/*
	 * On the loop's thread: checks args and copies all that run() needs into *job. As a
	 * handler.
	 */
	int (*prepare)(void *arg, const json_t *args, void **job, char *error, size_t error_size);
	/*
	 * On the thread: sends the whole reply. -errno and words when it cannot; the failure of a
	 * ctl_stream_send() is handed on as it is.
	 */
	int (*run)(void *job, struct ctl_stream *s, char *error, size_t error_size);
	void (*free)(void *job);
};

/* On the thread: one frame, `json` the text of its data. Non-zero: nobody wants the rest. */
int ctl_stream_send(struct ctl_stream *s, const char *json, size_t len, bool more);
/* On the thread, now and then where nothing is sent for long: -errno when nobody wants the rest. */
int ctl_stream_check(struct ctl_stream *s);

struct ctl_verb {
	const char *name;
	ctl_handler handler;         /* NULL: by work */
	const struct ctl_work *work; /* NULL: by handler */
};

/*
 * Listens on `path` (0660, group ctl_group when set; a dead socket there is replaced, a live one is
 * -EADDRINUSE; a missing folder is made, 0755). `verbs` ends with a NULL name; "events" is the
 * server's own, over `events` (borrowed, closed after the server) with the words of `names` (may be
 * NULL; a NULL names->arg stands for `arg`). 0 or -errno with the cause logged.
 */
int ctl_server_open(sd_event *event, const char *path, const char *group,
		    const struct ctl_verb *verbs, void *arg, struct events *events,
		    const struct event_names *names, struct ctl_server **out);
/* Removes the socket, ends the clients. NULL is fine. */
void ctl_server_close(struct ctl_server *s);
struct ctl_server_stats {
	uint64_t requests;  /* whole and well-formed, whatever came of them */
	uint64_t garbage;   /* no JSON object, no verb, or cut off in the middle */
	uint64_t oversized; /* longer than CTL_REQUEST_MAX */
	uint64_t timed_out; /* a request not whole, or a reply not read, in time */
	uint64_t denied;    /* neither root nor in the group */
	uint64_t busy;      /* over CTL_CLIENTS_MAX or CTL_STREAMS_MAX */
	uint64_t dropped;   /* lines that slow followers missed */
	uint64_t followers; /* now */
};
void ctl_server_get_stats(const struct ctl_server *s, struct ctl_server_stats *out);

/* `hokm-xdp ctl …`: the client; argv[0] is "ctl". Returns the exit code. */
int ctl_main(int argc, char **argv);
/* The same with its output going elsewhere. */
int ctl_run(int argc, char **argv, FILE *out, FILE *err);

#endif
