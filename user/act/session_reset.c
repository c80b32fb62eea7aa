/* SPDX-License-Identifier: GPL-2.0-only */
/* See session_reset.h. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "act/session_reset.h"
#include "base/log.h"

int session_reset_open(struct session_reset *r)
{
	int err = tickle_open(&r->tickle);

	if (err)
		return err;
	err = sockdiag_open(&r->sockdiag);
	if (err)
		session_reset_close(r);
	return err;
}

void session_reset_close(struct session_reset *r)
{
	sockdiag_close(r->sockdiag);
	tickle_close(r->tickle);
	memset(r, 0, sizeof(*r));
}

int session_reset_sockets(struct session_reset *r, const struct tickle_conn *conns, unsigned int n)
{
	bool had_socket[TICKLE_MAX];

	return sockdiag_destroy(r->sockdiag, conns, n, had_socket);
}

void session_reset_tell(struct session_reset *r, const struct tickle_conn *conns, unsigned int n)
{
	int sent = tickle_reset(r->tickle, conns, n);

	if (sent < (int)n)
		log_warn("RSTs to %u of %u clients could not be sent: %s",
			 n - (sent > 0 ? (unsigned int)sent : 0), n,
			 strerror(sent < 0 ? -sent : EAGAIN));
}

int session_reset_send(struct session_reset *r, const struct tickle_conn *conns, unsigned int n)
{
	session_reset_tell(r, conns, n);
	return session_reset_sockets(r, conns, n);
}
