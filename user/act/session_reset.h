/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Terminates established connections whose sockets are on this node: SOCK_DESTROY removes the
 * socket, and a RST of our own notifies the client. Each user opens one for itself: the daemon's
 * loop has one, and `ctl conns kill`, which runs on a thread, has another.
 */
#ifndef HOKM_ACT_SESSION_RESET_H
#define HOKM_ACT_SESSION_RESET_H

#include <stdbool.h>

#include "act/sockdiag.h"
#include "act/tickle.h"

struct session_reset {
	struct sockdiag *sockdiag;
	struct tickle *tickle;
	/* The rest is of the thread that destroys sockets. */
	struct tickle *to_servers;
	/*
	 * Of the last batch: its socket is not here. Never set where the kernel did not take the
	 * request, or where a server could not be sent the RST.
	 */
	bool elsewhere[TICKLE_MAX];
};

/* 0 or -errno, logged. */
int session_reset_open(struct session_reset *r);
void session_reset_close(struct session_reset *r);
/*
 * Sends a RST to the client of each of n <= TICKLE_MAX connections, without waiting: SOCK_DESTROY
 * may wait long, and for a socket that is still in the handshake the kernel sends none.
 */
void session_reset_tell(struct session_reset *r, const struct tickle_conn *conns, unsigned int n);
/*
 * Terminates n <= TICKLE_MAX connections: first the RSTs, in any case, then the sockets. Returns
 * how many of them had a socket, or -errno when the kernel did not take the request at all.
 */
int session_reset_send(struct session_reset *r, const struct tickle_conn *conns, unsigned int n);
/*
 * Destroys the sockets alone, for clients that know already. Returns as session_reset_send(). The
 * server of a connection without a socket here may be in another network namespace (a container
 * behind NAT): it is sent a RST in the client's name, which the kernel translates as it did the
 * client's packets.
 */
int session_reset_sockets(struct session_reset *r, const struct tickle_conn *conns, unsigned int n);

#endif
