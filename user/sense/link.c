/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The link state and the MAC over rtnetlink. The kernel sends a message to the group RTNLGRP_LINK
 * at each change. When messages were lost because the buffer of the socket was full, those that are
 * still in it are older than the loss, and say nothing of the state now.
 *
 * A state that another thread read is older or newer than a message that came meanwhile, nobody
 * knows: the message may be all that tells of a change after the reading. So the state is read
 * again then. What is newer than a reading that is taken is still to be read from the socket.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <netlink/msg.h>
#include <netlink/socket.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <net/if.h>
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
	struct link_state now;
	bool quiet;      /* between link_watch_expect() and link_watch_follow() */
	bool in_doubt;   /* the state must be read */
	bool unread;     /* it could not be, since it was known the last time */
	uint64_t doubts; /* how many there were in all */
};

static void doubt(struct link_watch *w)
{
	w->in_doubt = true;
	w->doubts++;
}

static void report_change(struct link_watch *w, const struct link_state *was)
{
	if (w->quiet || (w->now.up == was->up && w->now.gone == was->gone &&
			 !memcmp(w->now.mac, was->mac, sizeof(was->mac))))
		return;
	w->fn(w->now.up, w->now.gone, w->arg);
}

static void take(struct link_watch *w, char *buf, size_t len)
{
	struct nlmsghdr *nlh = (void *)buf;
	size_t left = len;

	while (left >= sizeof(*nlh) && nlh->nlmsg_len >= sizeof(*nlh) && nlh->nlmsg_len <= left) {
		struct link_state was = w->now;
		size_t step = NLMSG_ALIGN(nlh->nlmsg_len);

		/*
		 * Each message is reported, so that a short flap within one read is reported too.
		 */
		if (link_state_take(&w->now, w->ifindex, nlh)) {
			if (w->in_doubt)
				doubt(w);
			report_change(w, &was);
		}
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
			doubt(w);
			continue;
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
	err = link_state_read(&w->now, ifindex);
	if (!err && w->now.gone)
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

void link_watch_suspect(struct link_watch *w)
{
	if (!w->in_doubt)
		doubt(w);
}

void link_watch_expect(struct link_watch *w, int ifindex)
{
	w->ifindex = ifindex;
	w->quiet = true;
	doubt(w);
}

int link_watch_follow(struct link_watch *w)
{
	if (w->in_doubt)
		return -EAGAIN;
	if (w->now.gone)
		return -ENODEV;
	w->quiet = false;
	return 0;
}

uint64_t link_watch_doubt(const struct link_watch *w)
{
	return w->in_doubt ? w->doubts : 0;
}

void link_watch_learn(struct link_watch *w, uint64_t number, const struct link_state *s)
{
	struct link_state was = w->now;

	if (!w->in_doubt || number != w->doubts)
		return;
	w->in_doubt = false;
	w->unread = false;
	w->now = *s;
	if (s->gone)
		memcpy(w->now.mac, was.mac, sizeof(was.mac));
	report_change(w, &was);
}

bool link_watch_unread(struct link_watch *w)
{
	const bool first = w->in_doubt && !w->unread;

	w->unread |= first;
	return first;
}

int link_watch_ifindex(const struct link_watch *w)
{
	return w->ifindex;
}

bool link_watch_up(const struct link_watch *w)
{
	return w->now.up;
}

const char *link_watch_text(const struct link_watch *w)
{
	return link_state_text(&w->now);
}

const unsigned char *link_watch_mac(const struct link_watch *w)
{
	return w->now.mac;
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
