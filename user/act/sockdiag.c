/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SOCK_DESTROY by netlink: many requests in one datagram, each acknowledged by its sequence number, which is
 * the index of its connection. Only a few dozen bytes each way, so no library is needed for it.
 *
 * A server that listens on :: has its IPv4 connections in AF_INET6 sockets with mapped addresses. The kernel
 * finds those by an AF_INET request too: the tables are one.
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

#define RECEIVE_BYTES (1 << 20)
#define ANSWER_MS \
	1000 /* the kernel answers before sendto() returns: this is for a kernel that does not */
#define ANSWERS_BYTES 16384

struct request {
	struct nlmsghdr head;
	struct inet_diag_req_v2 diag;
};
_Static_assert(sizeof(struct request) % NLMSG_ALIGNTO == 0, "requests follow each other");

struct sockdiag {
	int fd;
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
		log_error("could not open the socket for ending connections: %s", strerror(-err));
		free(s);
		return err;
	}
	/* An error then carries the head of its request only. */
	if (setsockopt(s->fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on)) ||
	    setsockopt(s->fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes))) {
		err = -errno;
		log_error("could not set up the socket for ending connections: %s", strerror(-err));
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

static void fill(struct request *r, const struct tickle_conn *c, unsigned int index)
{
	memset(r, 0, sizeof(*r));
	r->head.nlmsg_len = sizeof(*r);
	r->head.nlmsg_type = SOCK_DESTROY;
	r->head.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
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

/* What one datagram of answers says; how many answers. *fatal: an error of the whole, not of one. */
static unsigned int read_answers(const unsigned char *buf, size_t len, unsigned int n, bool ended[],
				 int *fatal)
{
	const struct nlmsghdr *h = (const void *)buf;
	unsigned int seen = 0;

	for (; NLMSG_OK(h, len); h = NLMSG_NEXT(h, len)) {
		const struct nlmsgerr *e = NLMSG_DATA(h);

		if (h->nlmsg_type != NLMSG_ERROR || h->nlmsg_len < NLMSG_LENGTH(sizeof(int)) ||
		    h->nlmsg_seq >= n)
			continue;
		seen++;
		ended[h->nlmsg_seq] = !e->error;
		if (e->error == -EOPNOTSUPP || e->error == -EPERM)
			*fatal = e->error;
	}
	return seen;
}

int sockdiag_destroy(struct sockdiag *s, const struct tickle_conn *conns, unsigned int n,
		     bool ended[])
{
	unsigned int seen = 0;
	int fatal = 0, count = 0;

	if (n > TICKLE_MAX)
		return -EINVAL;
	for (unsigned int i = 0; i < n; i++) {
		ended[i] = false;
		fill(&s->requests[i], &conns[i], i);
	}
	if (n && send(s->fd, s->requests, n * sizeof(s->requests[0]), 0) < 0)
		return -errno;
	while (seen < n) {
		struct pollfd p = {.fd = s->fd, .events = POLLIN};
		ssize_t len;

		if (poll(&p, 1, ANSWER_MS) <= 0)
			return -ETIMEDOUT;
		len = recv(s->fd, s->answers, sizeof(s->answers), MSG_DONTWAIT);
		if (len < 0)
			return -errno;
		seen += read_answers(s->answers, (size_t)len, n, ended, &fatal);
	}
	if (fatal)
		return fatal;
	for (unsigned int i = 0; i < n; i++)
		count += ended[i];
	return count;
}
