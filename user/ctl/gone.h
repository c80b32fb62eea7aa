/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `ctl status` when no daemon answers: what the daemon left in the kernel. The pinned maps say
 * whether this node is owner, because the packet path itself asks nothing else.
 */
#ifndef HOKM_CTL_GONE_H
#define HOKM_CTL_GONE_H

#include <jansson.h>
#include <stdint.h>

struct conf;
struct hokm_left;

/* Why no daemon answers. */
enum gone_why {
	GONE_NO_SOCKET,
	GONE_REFUSED, /* the socket is there, and nobody listens on it */
	GONE_STOPPED, /* the kernel takes the request, and no reply comes */
};

/*
 * The daemon on the socket `path` does not answer, with this -errno; "": no socket was found.
 * Returns a new reference, or NULL when nothing can be said: the caller is not root, there is no
 * configuration of this socket, nothing is pinned, or the error does not mean that it is gone.
 */
json_t *gone_look(const json_t *options, const char *path, int err);

/* The same from facts. Pure. A new reference. */
json_t *gone_json(const struct conf *c, const struct hokm_left *left, enum gone_why why,
		  uint64_t now_ns);

#endif
