/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The client's end of the control socket: find it, connect, ask, follow. Blocking, with
 * deadlines.
 */
#ifndef HOKM_CTL_CLIENT_H
#define HOKM_CTL_CLIENT_H

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

#include "base/frame.h"

#define CTL_CLIENT_TIMEOUT_S 10 /* a daemon that is stopped takes connections but never answers */
#define CTL_CLIENT_MORE_S    60 /* between the frames of a long reply */

struct ctl_conn {
	int fd;
	struct frame_reader in;
};

/*
 * Path of the socket by the options config, socket and node, else the only socket in `dir`. An exit
 * code of ctl.h, with words to err when it is not 0.
 */
int ctl_socket_find(const json_t *options, const char *dir, char *path, size_t size, FILE *err);

/* 0 or -errno. Caller: ctl_conn_close(). */
int ctl_conn_open(struct ctl_conn *c, const char *path);
void ctl_conn_close(struct ctl_conn *c);

/*
 * One request and its whole reply. 0 and *reply a new reference, or -errno (-ETIMEDOUT: no
 * answer).
 */
int ctl_conn_ask(struct ctl_conn *c, const char *verb, json_t *args, json_t **reply);

/* The next frame of a long reply: the daemon may have to walk and sort first. */
int ctl_conn_more(struct ctl_conn *c, json_t **msg);

/* The next frame of a followed stream, however long that takes. -ENODATA: the daemon closed. */
int ctl_conn_next(struct ctl_conn *c, json_t **msg);

#endif
