/* SPDX-License-Identifier: GPL-2.0-only */
/* See session_reset.h. */
#include <errno.h>
#include <string.h>

#include "act/session_reset.h"
#include "base/log.h"

int session_reset_open(struct session_reset *r)
{
	int err;

	memset(r, 0, sizeof(*r));
	err = tickle_open(&r->tickle);
	if (!err)
		err = tickle_open(&r->to_servers);
	if (!err)
		err = sockdiag_open(&r->sockdiag);
	if (err)
		session_reset_close(r);
	return err;
}

void session_reset_close(struct session_reset *r)
{
	sockdiag_close(r->sockdiag);
	tickle_close(r->to_servers);
	tickle_close(r->tickle);
	memset(r, 0, sizeof(*r));
}

/* The same connection with its ends exchanged: a RST for it reaches the server. */
static struct tickle_conn from_client(const struct tickle_conn *c)
{
	return (struct tickle_conn){
		.client = c->vip,
		.vip = c->client,
		.client_port = c->port,
		.port = c->client_port,
		.seq = c->ack,
		.ack = c->seq,
		.known = true,
	};
}

static void reset_elsewhere(struct session_reset *r, const struct tickle_conn *conns,
			    unsigned int n)
{
	struct tickle_conn servers[TICKLE_MAX];
	unsigned int left = 0;

	for (unsigned int i = 0; i < n; i++)
		if (r->elsewhere[i] && conns[i].known)
			servers[left++] = from_client(&conns[i]);
	if (!left || tickle_reset(r->to_servers, servers, left) >= (int)left)
		return;
	log_info("not all of %u servers without a socket here could be sent a RST", left);
	memset(r->elsewhere, 0, sizeof(r->elsewhere));
}

int session_reset_sockets(struct session_reset *r, const struct tickle_conn *conns, unsigned int n)
{
	bool had_socket[TICKLE_MAX] = {false};
	int ended = sockdiag_destroy(r->sockdiag, conns, n, had_socket);

	for (unsigned int i = 0; i < TICKLE_MAX; i++)
		r->elsewhere[i] = ended >= 0 && i < n && !had_socket[i];
	reset_elsewhere(r, conns, ended >= 0 ? n : 0);
	return ended;
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
