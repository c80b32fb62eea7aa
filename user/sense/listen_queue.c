/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See listen_queue.h. One dump for each address family: a server that listens on :: has IPv4
 * connections too. The kernel filters by state and port, so that its answer is one datagram however
 * many sockets the machine has; the few listeners of the port are compared here.
 *
 * The event loop asks, so nothing waits here: the kernel writes its answer while send() runs, and
 * an answer that is not there then is an error.
 */
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sense/listen_queue.h"

#define ANSWERS_BYTES 16384
/* Datagrams of one dump: some thousand sockets that listen on one port. */
#define ANSWERS_MAX 16

struct query {
	struct nlmsghdr head;
	struct inet_diag_req_v2 diag;
};

/* Does the socket take connections for the address? Its own is that address, or any. */
static bool takes(const struct inet_diag_msg *m, struct in_addr vip)
{
	static const uint32_t any[4];
	const uint32_t mapped[4] = {0, 0, htonl(0xffff), vip.s_addr};

	if (m->idiag_family == AF_INET)
		return !m->id.idiag_src[0] || m->id.idiag_src[0] == vip.s_addr;
	return !memcmp(m->id.idiag_src, any, sizeof(any)) ||
	       !memcmp(m->id.idiag_src, mapped, sizeof(mapped));
}

/* Takes one datagram of the dump. Returns true when it was the last one. */
static bool take(struct nlmsghdr *h, size_t len, struct in_addr vip, uint16_t port, int *found)
{
	for (; NLMSG_OK(h, len); h = NLMSG_NEXT(h, len)) {
		const struct inet_diag_msg *m = NLMSG_DATA(h);

		if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR)
			return true;
		if (h->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
		    h->nlmsg_len < NLMSG_LENGTH(sizeof(*m)) || m->idiag_state != TCP_LISTEN ||
		    m->id.idiag_sport != htons(port) || !takes(m, vip))
			continue;
		/* The kernel lets in one connection more than the length that listen() gave. */
		if (m->idiag_rqueue > m->idiag_wqueue)
			*found = LISTEN_FULL;
		else if (*found == LISTEN_NONE)
			*found = LISTEN_OPEN;
	}
	return false;
}

static int ask_family(int fd, uint8_t family, struct in_addr vip, uint16_t port, int *found)
{
	_Alignas(struct nlmsghdr) unsigned char answers[ANSWERS_BYTES];
	struct query q = {
		.head = {.nlmsg_len = sizeof(q),
			 .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.diag = {.sdiag_family = family,
			 .sdiag_protocol = IPPROTO_TCP,
			 .idiag_states = 1u << TCP_LISTEN,
			 .id.idiag_sport = htons(port)},
	};

	if (send(fd, &q, sizeof(q), MSG_DONTWAIT) < 0)
		return -errno;
	for (unsigned int i = 0; i < ANSWERS_MAX; i++) {
		ssize_t got = recv(fd, answers, sizeof(answers), MSG_DONTWAIT);

		if (got < 0)
			return -errno;
		if (take((void *)answers, (size_t)got, vip, port, found))
			return 0;
	}
	return -EMSGSIZE;
}

int listen_queue(struct in_addr vip, uint16_t port)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	int found = LISTEN_NONE, err;

	if (fd < 0)
		return -errno;
	err = ask_family(fd, AF_INET, vip, port, &found);
	if (!err)
		err = ask_family(fd, AF_INET6, vip, port, &found);
	close(fd);
	return err ? err : found;
}
