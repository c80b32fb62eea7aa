/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SOCK_DESTROY over netlink, with many requests in one datagram. The sequence number of an answer
 * gives the index of its connection. Each datagram uses higher numbers, so that a late answer
 * matches no connection. Messages have a few dozen bytes, so this file uses no library.
 *
 * There are two steps. When no socket has the addresses of a connection, the kernel returns the
 * listener, and SOCK_DESTROY would close the listener. So the first step queries each socket and
 * its state. The second step destroys those that are connections, by their cookie, which is unique.
 *
 * A server that listens on :: has its IPv4 connections in AF_INET6 sockets with mapped addresses.
 * An AF_INET request finds those too, because the kernel has one table for both.
 */
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "act/sockdiag.h"
#include "base/log.h"
#include "base/sock_state.h"

#define RECEIVE_BYTES (1 << 20)
/* Wait for an answer. The kernels that we know answer before send() returns. */
#define ANSWER_MS     1000
#define ANSWERS_BYTES 16384

struct request {
	struct nlmsghdr head;
	struct inet_diag_req_v2 diag;
};
_Static_assert(sizeof(struct request) % NLMSG_ALIGNTO == 0,
	       "requests need no padding between them");

struct sockdiag {
	int fd;
	uint32_t base; /* sequence number of index 0 */
	struct request requests[TICKLE_MAX];
	_Alignas(struct nlmsghdr) unsigned char answers[ANSWERS_BYTES];
};

int sockdiag_open(struct sockdiag **out)
{
	struct sockdiag *s = calloc(1, sizeof(*s));
	const int bytes = RECEIVE_BYTES, on = 1;
	int err;

	*out = NULL;
	if (!s)
		return -ENOMEM;
	s->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (s->fd < 0) {
		err = -errno;
		log_error("could not open the socket for terminating connections: %s",
			  strerror(-err));
		free(s);
		return err;
	}
	/* With NETLINK_CAP_ACK an error message has only the header of its request. */
	if (setsockopt(s->fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on)) ||
	    setsockopt(s->fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes))) {
		err = -errno;
		log_error("could not set up the socket for terminating connections: %s",
			  strerror(-err));
		sockdiag_close(s);
		return err;
	}
	*out = s;
	return 0;
}

void sockdiag_close(struct sockdiag *s)
{
	if (!s)
		return;
	close(s->fd);
	free(s);
}

/* ask() adds the base to the sequence number, which is the index here. */
static void fill(struct request *r, const struct tickle_conn *c, unsigned int index)
{
	memset(r, 0, sizeof(*r));
	r->head.nlmsg_len = sizeof(*r);
	r->head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
	r->head.nlmsg_flags = NLM_F_REQUEST;
	r->head.nlmsg_seq = index;
	r->diag.sdiag_family = AF_INET;
	r->diag.sdiag_protocol = IPPROTO_TCP;
	r->diag.idiag_states = UINT32_MAX;
	r->diag.id.idiag_sport = c->port;
	r->diag.id.idiag_dport = c->client_port;
	r->diag.id.idiag_src[0] = c->vip.s_addr;
	r->diag.id.idiag_dst[0] = c->client.s_addr;
	r->diag.id.idiag_cookie[0] = r->diag.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
}

/* Results of the answers, by index of the connection. */
struct answers {
	unsigned int n, seen;
	bool *good;            /* step one: it is a connection; step two: it is destroyed */
	uint32_t (*cookie)[2]; /* filled by step one */
	uint32_t base;
	int fatal; /* an error of the whole request */
};

static void take_answer(struct answers *a, struct nlmsghdr *h)
{
	const struct nlmsgerr *e = NLMSG_DATA(h);
	const struct inet_diag_msg *m = NLMSG_DATA(h);
	uint32_t i = h->nlmsg_seq - a->base;

	if (i >= a->n)
		return;
	if (h->nlmsg_type == NLMSG_ERROR && h->nlmsg_len >= NLMSG_LENGTH(sizeof(int))) {
		a->good[i] = !e->error;
		if (e->error == -EOPNOTSUPP || e->error == -EPERM)
			a->fatal = e->error;
	} else if (h->nlmsg_type == SOCK_DIAG_BY_FAMILY &&
		   h->nlmsg_len >= NLMSG_LENGTH(sizeof(*m))) {
		a->good[i] = sock_is_connection(m->idiag_state);
		memcpy(a->cookie[i], m->id.idiag_cookie, sizeof(a->cookie[0]));
	} else {
		return;
	}
	a->seen++;
}

/* Sends the first `requests` requests and reads all answers. Returns 0 or -errno. */
static int ask(struct sockdiag *s, unsigned int requests, struct answers *a)
{
	s->base += TICKLE_MAX;
	a->base = s->base;
	for (unsigned int i = 0; i < requests; i++)
		s->requests[i].head.nlmsg_seq += s->base;
	if (requests && send(s->fd, s->requests, requests * sizeof(s->requests[0]), 0) < 0)
		return -errno;
	a->seen = 0;
	while (a->seen < requests) {
		struct pollfd p = {.fd = s->fd, .events = POLLIN};
		ssize_t got = recv(s->fd, s->answers, sizeof(s->answers), MSG_DONTWAIT);
		struct nlmsghdr *h = (void *)s->answers;
		size_t len = got > 0 ? (size_t)got : 0;

		if (got < 0 && errno != EAGAIN)
			return -errno;
		if (got < 0 && poll(&p, 1, ANSWER_MS) <= 0)
			return -ETIMEDOUT;
		for (; NLMSG_OK(h, len); h = NLMSG_NEXT(h, len))
			take_answer(a, h);
	}
	return a->fatal;
}

int sockdiag_destroy(struct sockdiag *s, const struct tickle_conn *conns, unsigned int n,
		     bool ended[])
{
	uint32_t cookie[TICKLE_MAX][2];
	struct answers a = {.n = n, .good = ended, .cookie = cookie};
	unsigned int found = 0;
	int count = 0, err;

	if (n > TICKLE_MAX)
		return -EINVAL;
	for (unsigned int i = 0; i < n; i++) {
		ended[i] = false;
		fill(&s->requests[i], &conns[i], i);
	}
	err = ask(s, n, &a);
	for (unsigned int i = 0; !err && i < n; i++) {
		struct request *r = &s->requests[found];

		if (!ended[i])
			continue;
		ended[i] = false;
		fill(r, &conns[i], i);
		r->head.nlmsg_type = SOCK_DESTROY;
		r->head.nlmsg_flags |= NLM_F_ACK;
		memcpy(r->diag.id.idiag_cookie, cookie[i], sizeof(cookie[i]));
		found++;
	}
	if (!err)
		err = ask(s, found, &a);
	for (unsigned int i = 0; !err && i < n; i++)
		count += ended[i];
	return err ? err : count;
}
