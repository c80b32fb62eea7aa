/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See foreign_vip.h. An address with our mark is ours (act/vip.h). The first address of a subnet on
 * an interface is the primary one; without net.ipv4.conf.*.promote_secondaries its removal removes
 * the others, among which may be the node's own. A /32 has no others.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/socket.h>
#include <string.h>

#include "act/foreign_vip.h"
#include "act/vip.h"
#include "base/log.h"
#include "base/nl.h"

#define MOST 8 /* interfaces that have the VIP, or forms in which they have it */

/* ---- finding ---- */

struct search {
	struct foreign_vip *found;
	bool any;
};

static bool is_ours(struct nlattr *tb[IFA_MAX + 1])
{
	return tb[IFA_PROTO] && nla_get_u8(tb[IFA_PROTO]) == VIP_MARK;
}

static int look_at(struct nlmsghdr *nlh, void *arg)
{
	struct nlattr *tb[IFA_MAX + 1];
	struct search *s = arg;
	const struct ifaddrmsg *ifa = nlmsg_data(nlh);
	struct in_addr local;
	int is = nlr_ipv4(nlh, tb, &local);

	if (is <= 0)
		return is;
	if (s->any || is_ours(tb) || local.s_addr != s->found->vip.s_addr)
		return 0;
	s->any = true;
	s->found->ifindex = (int)ifa->ifa_index;
	s->found->prefix = ifa->ifa_prefixlen;
	s->found->is_primary = ifa->ifa_prefixlen < 32 && !(ifa->ifa_flags & IFA_F_SECONDARY);
	return 0;
}

static int search(struct nl_sock *sk, struct in_addr vip, struct foreign_vip *out)
{
	struct ifaddrmsg hdr = {.ifa_family = AF_INET};
	struct search s = {.found = out};
	int err;

	/* -EINTR: the addresses changed during the dump. */
	for (int tries = 0; tries < 3; tries++) {
		*out = (struct foreign_vip){.vip = vip};
		s.any = false;
		err = nlr_dump(sk, RTM_GETADDR, &hdr, sizeof(hdr), look_at, &s);
		if (err != -EINTR)
			break;
	}
	if (err || !s.any)
		return err;
	if (!if_indextoname((unsigned int)out->ifindex, out->ifname))
		out->ifname[0] = '\0';
	return 1;
}

int foreign_vip_find(struct in_addr vip, struct foreign_vip *out)
{
	struct nl_sock *sk;
	int err = nlr_open(&sk);

	if (err)
		return err;
	err = search(sk, vip, out);
	nl_socket_free(sk);
	return err;
}

void foreign_vip_report(const struct foreign_vip *f)
{
	char addr[INET_ADDRSTRLEN] = "?";

	(void)inet_ntop(AF_INET, &f->vip, addr, sizeof(addr));
	log_error("the VIP %s is an address of %s that hokm-xdp did not set, "
		  "as keepalived leaves it when it is killed: "
		  "remove it first (ip address del %s/%u dev %s), or start with --adopt-address",
		  addr, f->ifname, addr, f->prefix, f->ifname);
}

/* ---- taking over ---- */

static int remove_one(struct nl_sock *sk, const struct foreign_vip *f)
{
	struct ifaddrmsg hdr = {
		.ifa_family = AF_INET,
		.ifa_prefixlen = f->prefix,
		.ifa_index = (unsigned int)f->ifindex,
	};
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_DELADDR, 0);

	if (!msg)
		return -ENOMEM;
	if (nlmsg_append(msg, &hdr, sizeof(hdr), NLMSG_ALIGNTO) < 0 ||
	    nla_put(msg, IFA_LOCAL, sizeof(f->vip), &f->vip) < 0) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	return nlr_request(sk, msg);
}

static int take_one(struct nl_sock *sk, const struct foreign_vip *f)
{
	char addr[INET_ADDRSTRLEN] = "?";
	int err = f->is_primary ? -EBUSY : remove_one(sk, f);

	(void)inet_ntop(AF_INET, &f->vip, addr, sizeof(addr));
	if (err == -EBUSY)
		log_error("%s/%u of %s is the first address of its subnet there: "
			  "other addresses may go with it, so remove it by hand",
			  addr, f->prefix, f->ifname);
	else if (err)
		log_error("could not take over the address %s/%u of %s: %s", addr, f->prefix,
			  f->ifname, strerror(-err));
	else
		log_warn("took over the address %s/%u of %s, which hokm-xdp did not set", addr,
			 f->prefix, f->ifname);
	return err;
}

int foreign_vip_take_over(struct in_addr vip)
{
	struct foreign_vip f;
	struct nl_sock *sk;
	int err = nlr_open(&sk);
	int found = 1;

	if (err)
		return err;
	for (int i = 0; i < MOST && !err && found > 0; i++) {
		found = search(sk, vip, &f);
		err = found < 0 ? found : found ? take_one(sk, &f) : 0;
	}
	nl_socket_free(sk);
	return err;
}
