/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Link state by rtnetlink. Up means IFF_UP and IFF_RUNNING: set up by the operator, and with an
 * operational state of UP or UNKNOWN (RFC 2863), which is what the kernel makes IFF_RUNNING of.
 *
 * The group's messages come as they happen; when the socket's buffer ran over, or a dump must be
 * asked anew, the state is read afresh, so a lost message is never a lost change.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netlink/socket.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/nl.h"
#include "sense/link.h"

struct link_watch {
	int ifindex;
	struct nl_sock *sk;
	sd_event_source *source;
	link_fn fn;
	void *arg;
	bool up;
	bool gone;
	bool seen; /* in a dump */
};

/* A message about our interface: notes its state. */
static void note(struct link_watch *w, const struct nlmsghdr *nlh)
{
	const struct ifinfomsg *ifi;

	if (nlh->nlmsg_type != RTM_NEWLINK && nlh->nlmsg_type != RTM_DELLINK)
		return;
	if (nlh->nlmsg_len < NLMSG_LENGTH(sizeof(*ifi)))
		return;
	ifi = (const void *)((const char *)nlh + NLMSG_HDRLEN);
	/*
	 * A bridge reports a port that left it as a DELLINK of family AF_BRIDGE: the link is still
	 * there.
	 */
	if (ifi->ifi_index != w->ifindex || ifi->ifi_family != AF_UNSPEC)
		return;
	w->seen = true;
	w->gone = nlh->nlmsg_type == RTM_DELLINK;
	w->up = !w->gone && (ifi->ifi_flags & IFF_UP) && (ifi->ifi_flags & IFF_RUNNING);
}

static int note_dumped(struct nlmsghdr *nlh, void *arg)
{
	note(arg, nlh);
	return 0;
}

/* Reads the state afresh, over a socket of its own: the watching one is full of other messages. */
static int refresh(struct link_watch *w)
{
	struct ifinfomsg hdr = {.ifi_family = AF_UNSPEC};
	struct nl_sock *sk;
	int err = nlr_open(&sk);

	if (err)
		return err;
	for (int tries = 0; tries < 3; tries++) {
		w->seen = false;
		err = nlr_dump(sk, RTM_GETLINK, &hdr, sizeof(hdr), note_dumped, w);
		if (err != -EINTR)
			break;
	}
	nl_socket_free(sk);
	if (!err && !w->seen) {
		w->gone = true;
		w->up = false;
	}
	return err;
}

static void tell(struct link_watch *w, bool was_up, bool was_gone)
{
	if (w->up != was_up || w->gone != was_gone)
		w->fn(w->up, w->gone, w->arg);
}

/* Messages were lost: the buffer ran over. */
static void resync(struct link_watch *w)
{
	bool was_up = w->up, was_gone = w->gone;
	int err = refresh(w);

	if (err)
		log_error("could not read the link state after lost messages: %s", strerror(-err));
	tell(w, was_up, was_gone);
}

static void take(struct link_watch *w, const char *buf, size_t len)
{
	const struct nlmsghdr *nlh = (const void *)buf;
	size_t left = len;

	while (left >= sizeof(*nlh) && nlh->nlmsg_len >= sizeof(*nlh) && nlh->nlmsg_len <= left) {
		bool was_up = w->up, was_gone = w->gone;
		size_t step = NLMSG_ALIGN(nlh->nlmsg_len);

		/* Each message by itself: a flap that is over already is still a flap to tell. */
		note(w, nlh);
		tell(w, was_up, was_gone);
		if (step >= left)
			break;
		left -= step;
		nlh = (const void *)((const char *)nlh + step);
	}
}

static int on_readable(sd_event_source *s, int fd, uint32_t revents, void *arg)
{
	struct link_watch *w = arg;
	_Alignas(struct nlmsghdr) char buf[32768];

	(void)s;
	(void)revents;
	for (int i = 0; i < 16; i++) {
		struct sockaddr_nl from = {0};
		socklen_t from_len = sizeof(from);
		ssize_t n = recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &from_len);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (n < 0) {
			resync(w);
			return 0;
		}
		/* Only the kernel's word counts; any process may send to a netlink socket. */
		if (from.nl_pid == 0)
			take(w, buf, (size_t)n);
	}
	return 0;
}

int link_watch_open(sd_event *event, int ifindex, link_fn fn, void *arg, struct link_watch **out)
{
	struct link_watch *w = calloc(1, sizeof(*w));
	int err;

	*out = NULL;
	if (!w)
		return -ENOMEM;
	w->ifindex = ifindex;
	w->fn = fn;
	w->arg = arg;
	err = nlr_open(&w->sk);
	if (err)
		goto fail;
	/* Joined before the state is read, so that no change falls between. */
	if (nl_socket_add_memberships(w->sk, RTNLGRP_LINK, 0) < 0 ||
	    nl_socket_set_nonblocking(w->sk) < 0) {
		err = -EIO;
		goto fail;
	}
	err = refresh(w);
	if (!err && w->gone)
		err = -ENODEV;
	if (err)
		goto fail;
	err = sd_event_add_io(event, &w->source, nl_socket_get_fd(w->sk), EPOLLIN, on_readable, w);
	if (err < 0)
		goto fail;
	*out = w;
	return 0;
fail:
	log_error("could not watch the link state of interface %d: %s", ifindex, strerror(-err));
	link_watch_close(w);
	return err;
}

void link_watch_close(struct link_watch *w)
{
	if (!w)
		return;
	sd_event_source_disable_unref(w->source);
	if (w->sk)
		nl_socket_free(w->sk);
	free(w);
}

bool link_watch_up(const struct link_watch *w)
{
	return w->up;
}

int link_mac(const char *ifname, unsigned char mac[6])
{
	struct ifreq ifr = {0};
	size_t len = strlen(ifname);
	int err = 0;
	int fd;

	if (len >= sizeof(ifr.ifr_name))
		return -ENAMETOOLONG;
	memcpy(ifr.ifr_name, ifname, len + 1);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (ioctl(fd, SIOCGIFHWADDR, &ifr) < 0)
		err = -errno;
	close(fd);
	if (err)
		return err;
	if (ifr.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		return -EPROTOTYPE;
	memcpy(mac, ifr.ifr_hwaddr.sa_data, 6);
	return 0;
}
