/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The client's end of the control socket: finds the socket, connects, sends a request and receives
 * the reply. All calls block; each has a time limit, ctl_conn_next() excepted.
 */
#ifndef HOKM_CTL_CLIENT_H
#define HOKM_CTL_CLIENT_H

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

#include "base/frame.h"

/* The kernel accepts connections for a daemon that is stopped, but no reply ever comes. */
#define CTL_CLIENT_TIMEOUT_S 10
#define CTL_CLIENT_MORE_S    60 /* between the frames of a long reply */

struct ctl_conn {
	int fd;
	struct frame_reader in;
};

/*
 * Finds the path of the socket: by the options socket, config and node, or else the only socket in
 * `dir`. Returns CTL_EXIT_OK, or another exit code after the cause was written to `err`.
 */
int ctl_socket_find(const json_t *options, const char *dir, char *path, size_t size, FILE *err);

/* 0 or -errno. Caller: ctl_conn_close(). */
int ctl_conn_open(struct ctl_conn *c, const char *path);
/* The same without waiting, for a socket that does not block: -ETIMEDOUT when no place is free. */
int ctl_conn_open_now(struct ctl_conn *c, const char *path);
void ctl_conn_close(struct ctl_conn *c);

/*
 * Sends a request and receives its reply, or the first frame of it. Returns 0 and a new reference
 * in *reply, or -errno; -ETIMEDOUT when there was no reply within CTL_CLIENT_TIMEOUT_S.
 */
int ctl_conn_ask(struct ctl_conn *c, const char *verb, json_t *args, json_t **reply);

/*
 * Receives the next frame of a long reply, for which the daemon may have to walk and sort the map
 * of connections. Returns as ctl_conn_ask(), after at most CTL_CLIENT_MORE_S.
 */
int ctl_conn_more(struct ctl_conn *c, json_t **msg);

/*
 * Receives the next frame of `events -f`, without a time limit. Returns as ctl_conn_ask(); -ENODATA
 * when the daemon closed the connection.
 */
int ctl_conn_next(struct ctl_conn *c, json_t **msg);

#endif
