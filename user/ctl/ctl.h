/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The control socket: Unix stream, each message a 4-byte big-endian length and that many bytes of
 * JSON, at most CTL_REQUEST_MAX for a request and CTL_REPLY_MAX for a reply. Peer credentials are
 * checked on accept: root, or a member of ctl_group. A request that is garbage, too long or not whole
 * within CTL_TIMEOUT gets an error if possible, is counted, and the connection is closed.
 *
 * request  {"verb": "status", "args": {...}}
 * reply    {"ok": true, "data": {...}} or {"ok": false, "error": "...", "code": N}
 * events with {"follow": true} answers one frame per line until the client goes.
 */
#ifndef HOKM_CTL_H
#define HOKM_CTL_H

#include <jansson.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/conf.h"
#include "sense/events.h"

#define CTL_REQUEST_MAX  4096
#define CTL_REPLY_MAX    (64u << 20)
#define CTL_CLIENTS_MAX  64
#define CTL_TIMEOUT_NS   (5 * NS_PER_S) /* for a whole request, and for a reply to be read */
#define CTL_BACKLOG_MAX  (1u << 20)     /* unread bytes of a follower: more drops lines, counted */

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

struct ctl_verb {
	const char *name;
	ctl_handler handler;
};

/*
 * Listens on `path` (0660, group ctl_group when set; a dead socket there is replaced, a live one is
 * -EADDRINUSE). `verbs` ends with a NULL name; "events" is the server's own.
 */
int ctl_server_open(sd_event *event, const char *path, const char *group,
		    const struct ctl_verb *verbs, void *arg, struct events *events,
		    struct ctl_server **out);
void ctl_server_close(struct ctl_server *s);
struct ctl_server_stats {
	uint64_t requests, garbage, oversized, timed_out, denied, followers;
};
void ctl_server_get_stats(const struct ctl_server *s, struct ctl_server_stats *out);

/* `hokm-xdp ctl …`: the client. Returns the exit code. */
int ctl_main(int argc, char **argv);

#endif
