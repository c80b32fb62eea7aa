/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The link state and the MAC over rtnetlink. A link is up when it has IFF_UP and IFF_RUNNING: the
 * operator set it up, and its operational state is UP or UNKNOWN (RFC 2863), from which the kernel
 * derives IFF_RUNNING.
 *
 * The kernel sends a message to the group RTNLGRP_LINK at each change. When messages were lost
 * because the buffer of the socket was full, the state is read again, so that no change is missed.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
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
	bool gone; /* the interface was removed */
	bool seen; /* the present dump had a message about the interface */
	unsigned char mac[6];
	bool mac_changed; /* since the last report */
};

/* Notes the MAC from a message about our interface. */
static void note_mac(struct link_watch *w, struct nlmsghdr *nlh)
{
	const struct nlattr *a = nlmsg_find_attr(nlh, sizeof(struct ifinfomsg), IFLA_ADDRESS);

	if (!a || nla_len(a) != sizeof(w->mac))
		return;
	w->mac_changed |= memcmp(w->mac, nla_data(a), sizeof(w->mac)) != 0;
	memcpy(w->mac, nla_data(a), sizeof(w->mac));
}

/* Notes the state from a message, when it is about our interface. */
static void note(struct link_watch *w, struct nlmsghdr *nlh)
{
	const struct ifinfomsg *ifi;

	if (nlh->nlmsg_type != RTM_NEWLINK && nlh->nlmsg_type != RTM_DELLINK)
		return;
	if (nlh->nlmsg_len < NLMSG_LENGTH(sizeof(*ifi)))
		return;
	ifi = (const void *)((const char *)nlh + NLMSG_HDRLEN);
	/*
	 * When a port leaves a bridge, the kernel sends DELLINK with family AF_BRIDGE, but the link
	 * still exists.
	 */
	if (ifi->ifi_index != w->ifindex || ifi->ifi_family != AF_UNSPEC)
		return;
	w->seen = true;
	w->gone = nlh->nlmsg_type == RTM_DELLINK;
	w->up = !w->gone && (ifi->ifi_flags & IFF_UP) && (ifi->ifi_flags & IFF_RUNNING);
	if (!w->gone)
		note_mac(w, nlh);
}

static int note_dumped(struct nlmsghdr *nlh, void *arg)
{
	note(arg, nlh);
	return 0;
}

/* Reads the state over another socket, because the watching socket has other messages waiting. */
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

static void report_change(struct link_watch *w, bool was_up, bool was_gone)
{
	if (w->up == was_up && w->gone == was_gone && !w->mac_changed)
		return;
	w->mac_changed = false;
	w->fn(w->up, w->gone, w->arg);
}

/* Called when messages were lost. */
static void resync(struct link_watch *w)
{
	bool was_up = w->up, was_gone = w->gone;
	int err = refresh(w);

	if (err)
		log_error(
			"could not read the link state again after netlink messages were lost: %s",
			strerror(-err));
	report_change(w, was_up, was_gone);
}

static void take(struct link_watch *w, char *buf, size_t len)
{
	struct nlmsghdr *nlh = (void *)buf;
	size_t left = len;

	while (left >= sizeof(*nlh) && nlh->nlmsg_len >= sizeof(*nlh) && nlh->nlmsg_len <= left) {
		bool was_up = w->up, was_gone = w->gone;
		size_t step = NLMSG_ALIGN(nlh->nlmsg_len);

		/* Each message is reported, so that a short flap within one read is reported too.
		 */
		note(w, nlh);
		report_change(w, was_up, was_gone);
		if (step >= left)
			break;
		left -= step;
		nlh = (void *)((char *)nlh + step);
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
		/* Any process may send to a netlink socket: only messages of the kernel count. */
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
	/* The group is joined before the state is read, so that no change is missed between. */
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
	w->mac_changed = false;
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

int link_watch_follow(struct link_watch *w, int ifindex)
{
	int err;

	w->ifindex = ifindex;
	err = refresh(w);
	w->mac_changed = false;
	return err || !w->gone ? err : -ENODEV;
}

bool link_watch_up(const struct link_watch *w)
{
	return w->up;
}

const unsigned char *link_watch_mac(const struct link_watch *w)
{
	return w->mac;
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
