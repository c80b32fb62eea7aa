/* SPDX-License-Identifier: GPL-2.0-only */
/* See link_state.h. */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/socket.h>
#include <string.h>
#include <sys/socket.h>

#include "base/link_state.h"
#include "base/nl.h"

#define TRIES 3
/* IFF_LOWER_UP of linux/if.h, which cannot be included together with net/if.h. */
#define LOWER_UP 0x10000
#define UP_FLAGS (IFF_UP | IFF_RUNNING | LOWER_UP)

static void take_mac(struct link_state *s, struct nlmsghdr *nlh)
{
	const struct nlattr *a = nlmsg_find_attr(nlh, sizeof(struct ifinfomsg), IFLA_ADDRESS);

	if (a && nla_len(a) == sizeof(s->mac))
		memcpy(s->mac, nla_data(a), sizeof(s->mac));
}

/* The kind of its master is a name such as "bridge". */
static bool is_port(struct nlmsghdr *nlh)
{
	struct nlattr *a = nlmsg_find_attr(nlh, sizeof(struct ifinfomsg), IFLA_LINKINFO);
	struct nlattr *kind = a ? nla_find(nla_data(a), nla_len(a), IFLA_INFO_SLAVE_KIND) : NULL;

	return kind && nla_strcmp(kind, "vrf") != 0;
}

static bool is_named(const struct nlattr *kind, const char *a, const char *b)
{
	return kind && (!nla_strcmp(kind, a) || !nla_strcmp(kind, b));
}

/* A link of this network namespace on top of the interface, which gets all of its frames. */
static bool is_passthru_of(int ifindex, struct nlmsghdr *nlh)
{
	const size_t head = sizeof(struct ifinfomsg);
	const struct nlattr *lower = nlmsg_find_attr(nlh, head, IFLA_LINK);
	struct nlattr *info = nlmsg_find_attr(nlh, head, IFLA_LINKINFO);
	struct nlattr *data, *mode;

	if (!lower || (int)nla_get_u32(lower) != ifindex || !info ||
	    nlmsg_find_attr(nlh, head, IFLA_LINK_NETNSID) ||
	    !is_named(nla_find(nla_data(info), nla_len(info), IFLA_INFO_KIND), "macvlan",
		      "macvtap"))
		return false;
	data = nla_find(nla_data(info), nla_len(info), IFLA_INFO_DATA);
	mode = data ? nla_find(nla_data(data), nla_len(data), IFLA_MACVLAN_MODE) : NULL;
	return mode && nla_get_u32(mode) == MACVLAN_MODE_PASSTHRU;
}

/* A message about another link. */
static bool take_other(struct link_state *s, int ifindex, struct nlmsghdr *nlh)
{
	const struct ifinfomsg *ifi = (const void *)((const char *)nlh + NLMSG_HDRLEN);
	const int before = s->passthru;

	if (nlh->nlmsg_type == RTM_NEWLINK && is_passthru_of(ifindex, nlh))
		s->passthru = ifi->ifi_index;
	else if (ifi->ifi_index == s->passthru)
		s->passthru = 0;
	s->up = s->able && !s->passthru;
	return s->passthru != before;
}

bool link_state_take(struct link_state *s, int ifindex, struct nlmsghdr *nlh)
{
	const struct ifinfomsg *ifi;

	if (nlh->nlmsg_type != RTM_NEWLINK && nlh->nlmsg_type != RTM_DELLINK)
		return false;
	if (nlh->nlmsg_len < NLMSG_LENGTH(sizeof(*ifi)))
		return false;
	ifi = (const void *)((const char *)nlh + NLMSG_HDRLEN);
	/*
	 * When a port leaves a bridge, the kernel sends DELLINK with family AF_BRIDGE, but the link
	 * still exists.
	 */
	if (ifi->ifi_family != AF_UNSPEC)
		return false;
	if (ifi->ifi_index != ifindex)
		return take_other(s, ifindex, nlh);
	s->gone = nlh->nlmsg_type == RTM_DELLINK;
	s->up = !s->gone && (ifi->ifi_flags & UP_FLAGS) == UP_FLAGS;
	s->no_arp = s->up && (ifi->ifi_flags & IFF_NOARP);
	s->port = s->up && is_port(nlh);
	s->able = s->up && !s->no_arp && !s->port;
	s->up = s->able && !s->passthru;
	if (!s->gone)
		take_mac(s, nlh);
	return true;
}

const char *link_state_text(const struct link_state *s)
{
	if (s->gone)
		return "was removed";
	if (s->up)
		return "has its link back";
	if (s->no_arp)
		return "answers no ARP, so no client finds this node; "
		       "`ip link set dev NAME arp on` mends it";
	if (s->port)
		return "is a port of a bridge or bond, which takes all of its packets; "
		       "take it out: `ip link set dev NAME nomaster`; "
		       "or let the key interface name the bridge or bond";
	if (s->able)
		return "is below a macvlan or macvtap of mode passthru, "
		       "which gets all of its packets; "
		       "remove that one (`ip -d link` shows it), or let it use another interface";
	return "lost its link";
}

struct reading {
	struct link_state *s;
	int ifindex;
	bool seen;
};

static int on_message(struct nlmsghdr *nlh, void *arg)
{
	struct reading *r = arg;

	r->seen |= link_state_take(r->s, r->ifindex, nlh);
	return 0;
}

int link_state_read(struct link_state *s, int ifindex)
{
	struct ifinfomsg hdr = {.ifi_family = AF_UNSPEC};
	struct reading r = {.s = s, .ifindex = ifindex};
	struct nl_sock *sk;
	int err = nlr_open(&sk);

	if (err)
		return err;
	for (int tries = 0; tries < TRIES; tries++) {
		r.seen = false;
		s->passthru = 0;
		err = nlr_dump(sk, RTM_GETLINK, &hdr, sizeof(hdr), on_message, &r);
		if (err != -EINTR)
			break;
	}
	nl_socket_free(sk);
	if (!err && !r.seen) {
		s->gone = true;
		s->up = s->able = false;
	}
	return err;
}

int link_group_move(int fd, struct in_addr group, int former, int ifindex)
{
	struct ip_mreqn m = {.imr_multiaddr = group, .imr_ifindex = former};

	/*
	 * The kernel left the group on the former interface when that was removed, and the socket
	 * does not know it: also when the new one has the same number.
	 */
	if (former)
		(void)setsockopt(fd, IPPROTO_IP, IP_DROP_MEMBERSHIP, &m, sizeof(m));
	m.imr_ifindex = ifindex;
	if (!setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof(m)) || errno == EADDRINUSE)
		return 0;
	return -errno;
}
