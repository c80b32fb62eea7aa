/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See conn_socket.h. The event loop asks, so nothing waits here: the kernel writes its answer while
 * send() runs, and an answer that is not there then is an error. An AF_INET question finds the
 * connections of a server that listens on :: too.
 */
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/sock_state.h"
#include "sense/conn_socket.h"

#define ANSWER_BYTES 4096

struct query {
	struct nlmsghdr head;
	struct inet_diag_req_v2 diag;
};

static int take(struct nlmsghdr *h, size_t len)
{
	const struct inet_diag_msg *m = NLMSG_DATA(h);
	const struct nlmsgerr *e = NLMSG_DATA(h);

	if (!NLMSG_OK(h, len))
		return -EBADMSG;
	if (h->nlmsg_type == NLMSG_ERROR && h->nlmsg_len >= NLMSG_LENGTH(sizeof(e->error)))
		return e->error == -ENOENT ? 0 : e->error;
	if (h->nlmsg_type != SOCK_DIAG_BY_FAMILY || h->nlmsg_len < NLMSG_LENGTH(sizeof(*m)))
		return -EBADMSG;
	return sock_is_connection(m->idiag_state);
}

static int ask(int fd, const struct query *q)
{
	_Alignas(struct nlmsghdr) unsigned char answer[ANSWER_BYTES];
	ssize_t got;

	if (send(fd, q, sizeof(*q), MSG_DONTWAIT) < 0)
		return -errno;
	got = recv(fd, answer, sizeof(answer), MSG_DONTWAIT);
	if (got < 0)
		return -errno;
	return take((void *)answer, (size_t)got);
}

int conn_socket(struct in_addr vip, __be16 port, struct in_addr client, __be16 client_port)
{
	const struct query q = {
		.head = {.nlmsg_len = sizeof(q),
			 .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			 .nlmsg_flags = NLM_F_REQUEST},
		.diag = {.sdiag_family = AF_INET,
			 .sdiag_protocol = IPPROTO_TCP,
			 .idiag_states = UINT32_MAX,
			 .id = {.idiag_sport = port,
				.idiag_dport = client_port,
				.idiag_src = {vip.s_addr},
				.idiag_dst = {client.s_addr},
				.idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE}}},
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	int found;

	if (fd < 0)
		return -errno;
	found = ask(fd, &q);
	close(fd);
	return found;
}
