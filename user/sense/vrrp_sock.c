/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The raw VRRP socket (RFC 9568 section 5.1): protocol 112, TTL 255, DSCP CS6, on one interface.
 *
 * The socket is not bound to the address of the node: a raw socket that is bound to an address
 * receives only packets sent to this address, but adverts are sent to the multicast group. Instead,
 * IP_PKTINFO sets the source address of each message.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/link_state.h"
#include "base/log.h"
#include "decide/vrrp_wire.h"
#include "sense/sock.h"
#include "sense/vrrp_sock.h"

#define WHO         "VRRP"
#define RECV_BUFFER (256 * 1024)

struct vrrp_sock {
	int fd;
	int ifindex;
	struct in_addr addr;
	bool multicast;
	bool firm;
};

static int set_options(const struct vrrp_sock *s)
{
	const struct sock_option options[] = {
		{SOL_SOCKET, SO_BINDTOIFINDEX, s->ifindex, "SO_BINDTOIFINDEX"},
		{SOL_SOCKET, SO_RCVBUF, RECV_BUFFER, "SO_RCVBUF"},
		{IPPROTO_IP, IP_TTL, 255, "IP_TTL"},
		{IPPROTO_IP, IP_MULTICAST_TTL, 255, "IP_MULTICAST_TTL"},
		{IPPROTO_IP, IP_MULTICAST_LOOP, 0, "IP_MULTICAST_LOOP"},
		{IPPROTO_IP, IP_MULTICAST_ALL, 0, "IP_MULTICAST_ALL"},
		{IPPROTO_IP, IP_TOS, SOCK_TOS_CS6, "IP_TOS"},
		/* After IP_TOS, which sets a priority of its own. */
		{SOL_SOCKET, SO_PRIORITY, SOCK_PRIORITY, "SO_PRIORITY"},
	};

	return sock_set_all(s->fd, WHO, options, sizeof(options) / sizeof(options[0]));
}

static int send_to_group(const struct vrrp_sock *s)
{
	struct ip_mreqn m = {.imr_address = s->addr, .imr_ifindex = s->ifindex};

	return sock_set(s->fd, WHO, IPPROTO_IP, IP_MULTICAST_IF, &m, sizeof(m), "IP_MULTICAST_IF");
}

static int join(const struct vrrp_sock *s)
{
	const struct in_addr group = {.s_addr = htonl(VRRP_GROUP)};
	int err = send_to_group(s);

	if (err)
		return err;
	err = link_group_move(s->fd, group, s->ifindex, s->ifindex);
	if (err)
		log_error("%s socket: could not join 224.0.0.18: %s", WHO, strerror(-err));
	return err;
}

int vrrp_sock_open(int ifindex, struct in_addr addr, bool multicast, struct vrrp_sock **out)
{
	struct vrrp_sock *s = calloc(1, sizeof(*s));
	int err;

	*out = NULL;
	if (!s)
		return -ENOMEM;
	s->ifindex = ifindex;
	s->addr = addr;
	s->multicast = multicast;
	s->fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, VRRP_IPPROTO);
	if (s->fd < 0) {
		err = -errno;
		log_error("could not open the VRRP socket: %s%s", strerror(-err),
			  err == -EPERM ? "; CAP_NET_RAW is needed" : "");
		goto fail;
	}
	err = set_options(s);
	if (!err && multicast)
		err = join(s);
	if (err)
		goto fail;
	*out = s;
	return 0;
fail:
	vrrp_sock_close(s);
	return err;
}

void vrrp_sock_close(struct vrrp_sock *s)
{
	if (!s)
		return;
	if (s->fd >= 0)
		close(s->fd);
	free(s);
}

int vrrp_sock_set_interface(struct vrrp_sock *s, int ifindex)
{
	int err = sock_set_interface(s->fd, WHO, ifindex);

	s->ifindex = ifindex;
	return err || !s->multicast ? err : send_to_group(s);
}

int vrrp_sock_set_firm(struct vrrp_sock *s, bool firm)
{
	/* The kernel derives the priority for the queueing discipline from the TOS. */
	const struct sock_option options[] = {
		{IPPROTO_IP, IP_TOS, firm ? SOCK_TOS_CS6 | VRRP_TOS_FIRM_SENT : SOCK_TOS_CS6,
		 "IP_TOS"},
		{SOL_SOCKET, SO_PRIORITY, SOCK_PRIORITY, "SO_PRIORITY"},
	};
	int err;

	if (s->firm == firm)
		return 0;
	err = sock_set_all(s->fd, WHO, options, sizeof(options) / sizeof(options[0]));
	if (!err)
		s->firm = firm;
	return err;
}

bool vrrp_sock_multicast(const struct vrrp_sock *s)
{
	return s->multicast;
}

int vrrp_sock_fd(const struct vrrp_sock *s)
{
	return s->fd;
}

/*
 * A lease is bound to adverts that left (architecture rule 1). When a filter or a queue of the
 * interface drops a packet, the kernel hides that from a raw socket without IP_RECVERR. The option
 * also collects the ICMP errors that others send, up to the size of the receive buffer, so it is
 * set for the sending alone. An ICMP error that comes just then fails another packet than the one
 * it is about: that one is sent again.
 */
static int send_surely(const struct vrrp_sock *s, const struct msghdr *mh, size_t len)
{
	const int on = 1, off = 0;
	int pending, err;
	socklen_t pending_len = sizeof(pending);
	ssize_t n;

	if (setsockopt(s->fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on)))
		return -errno;
	n = sendmsg(s->fd, mh, 0);
	err = n < 0 ? -errno : 0;
	/*
	 * Unsetting it empties the queue of errors. The last one is kept for the next recv(), which
	 * would fail: asking for it takes it away.
	 */
	if (setsockopt(s->fd, IPPROTO_IP, IP_RECVERR, &off, sizeof(off)) ||
	    getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &pending, &pending_len))
		return -errno;
	if (err && err != -ENOBUFS) {
		n = sendmsg(s->fd, mh, 0);
		err = n < 0 ? -errno : 0;
	}
	return err ? err : (size_t)n == len ? 0 : -EIO;
}

int vrrp_sock_send(struct vrrp_sock *s, const uint8_t *msg, size_t len, struct in_addr dest)
{
	struct in_pktinfo info = {.ipi_ifindex = s->ifindex, .ipi_spec_dst = s->addr};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = dest};
	uint8_t copy[VRRP_PACKET_MAX];
	struct iovec iov = {.iov_base = copy, .iov_len = len};
	union {
		char buf[CMSG_SPACE(sizeof(struct in_pktinfo))];
		struct cmsghdr align;
	} control = {0};
	struct msghdr mh = {
		.msg_name = &to,
		.msg_namelen = sizeof(to),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	struct cmsghdr *cm = CMSG_FIRSTHDR(&mh);

	if (len > sizeof(copy))
		return -EMSGSIZE;
	memcpy(copy, msg, len);
	cm->cmsg_level = IPPROTO_IP;
	cm->cmsg_type = IP_PKTINFO;
	cm->cmsg_len = CMSG_LEN(sizeof(info));
	memcpy(CMSG_DATA(cm), &info, sizeof(info));
	return send_surely(s, &mh, len);
}

ssize_t vrrp_sock_recv(struct vrrp_sock *s, uint8_t *buf, size_t size)
{
	ssize_t n = recv(s->fd, buf, size, 0);

	return n < 0 ? -errno : n;
}
