/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VIP addresses and local routes over rtnetlink.
 *
 * The kernel keeps a mark on both: IFA_PROTO on the address (Linux 5.18) and the protocol number on
 * the route. So a later daemon, or `cleanup` after a crash, knows what it may remove, and an
 * address of the operator or of another program never counts as ours.
 *
 * The address is a /32 with IFA_F_NOPREFIXROUTE. The kernel adds only its own local route for it,
 * and removes that route together with the address. Our routes stay, so a node that released the
 * VIP still accepts steered packets, and its sockets keep working.
 *
 * There are two of them for each VIP, of which the kernel takes the first:
 *
 *   local VIP dev eth0   first. Packet filters may drop what is for an address of another interface
 *                        than that by which it came (nft: `fib daddr . iif type != local drop`)
 *   local VIP dev lo     behind it. It stays when the interface loses its last address: then the
 *                        kernel removes all routes of the interface
 */
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/socket.h>
#include <stdlib.h>
#include <string.h>

#include "act/vip.h"
#include "base/log.h"
#include "base/nl.h"

#define VIP_PROTO VIP_MARK

struct vip {
	struct nl_sock *sk;
	int ifindex;
	int lo_ifindex;
};

int vip_open(int ifindex, struct vip **out)
{
	struct vip *v = calloc(1, sizeof(*v));
	int err;

	*out = NULL;
	if (!v)
		return -ENOMEM;
	v->ifindex = ifindex;
	v->lo_ifindex = (int)if_nametoindex("lo");
	if (!v->lo_ifindex) {
		err = -errno;
		log_error("there is no interface lo for the local route of the VIP: %s",
			  strerror(-err));
		goto fail;
	}
	err = nlr_open(&v->sk);
	if (err) {
		log_error("could not open an rtnetlink socket: %s", strerror(-err));
		goto fail;
	}
	*out = v;
	return 0;
fail:
	vip_close(v);
	return err;
}

void vip_close(struct vip *v)
{
	if (!v)
		return;
	if (v->sk)
		nl_socket_free(v->sk);
	free(v);
}

void vip_set_interface(struct vip *v, int ifindex)
{
	v->ifindex = ifindex;
}

/* What a dump of all IPv4 addresses tells about one of them. */
struct addr_scan {
	struct in_addr addr;
	int ifindex; /* the interface in question */
	bool ours;   /* addr/32 on ifindex with our mark */
	bool here;   /* on ifindex, ours or not */
};

/* A /32 with our mark. */
static bool is_marked(const struct ifaddrmsg *ifa, struct nlattr *tb[IFA_MAX + 1])
{
	return ifa->ifa_prefixlen == 32 && tb[IFA_PROTO] && nla_get_u8(tb[IFA_PROTO]) == VIP_PROTO;
}

static int scan_addr(struct nlmsghdr *nlh, void *arg)
{
	struct addr_scan *s = arg;
	struct nlattr *tb[IFA_MAX + 1];
	const struct ifaddrmsg *ifa = nlmsg_data(nlh);
	struct in_addr local;
	int is = nlr_ipv4(nlh, tb, &local);

	if (is <= 0)
		return is;
	if (local.s_addr != s->addr.s_addr || (int)ifa->ifa_index != s->ifindex)
		return 0;
	s->here = true;
	if (is_marked(ifa, tb))
		s->ours = true;
	return 0;
}

static int scan(struct nl_sock *sk, struct addr_scan *s)
{
	struct ifaddrmsg hdr = {.ifa_family = AF_INET};
	int err;

	/* -EINTR: the addresses changed during the dump. */
	for (int tries = 0; tries < 3; tries++) {
		s->ours = s->here = false;
		err = nlr_dump(sk, RTM_GETADDR, &hdr, sizeof(hdr), scan_addr, s);
		if (err != -EINTR)
			break;
	}
	return err;
}

static struct nl_msg *addr_message(const struct vip *v, int type, int flags, struct in_addr vip)
{
	struct ifaddrmsg hdr = {
		.ifa_family = AF_INET,
		.ifa_prefixlen = 32,
		.ifa_scope = RT_SCOPE_UNIVERSE,
		.ifa_index = (unsigned int)v->ifindex,
	};
	struct nl_msg *msg = nlmsg_alloc_simple(type, flags);

	if (!msg)
		return NULL;
	if (nlmsg_append(msg, &hdr, sizeof(hdr), NLMSG_ALIGNTO) < 0 ||
	    nla_put(msg, IFA_LOCAL, sizeof(vip), &vip) < 0 ||
	    nla_put(msg, IFA_ADDRESS, sizeof(vip), &vip) < 0 ||
	    nla_put_u32(msg, IFA_FLAGS, IFA_F_NOPREFIXROUTE | IFA_F_PERMANENT) < 0 ||
	    nla_put_u8(msg, IFA_PROTO, VIP_PROTO) < 0) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

/* Returns 1 when the kernel did what was asked, 0 when there was nothing to do, or -errno. */
static int changed(int err, int nothing_to_do)
{
	if (err == nothing_to_do)
		return 0;
	return err ? err : 1;
}

int vip_addr_again(struct vip *v, struct in_addr vip)
{
	struct nl_msg *msg = addr_message(v, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, vip);

	return changed(msg ? nlr_request(v->sk, msg) : -ENOMEM, -EEXIST);
}

int vip_addr_add(struct vip *v, struct in_addr vip)
{
	int added = vip_addr_again(v, vip);

	return added < 0 ? added : 0;
}

int vip_addr_del(struct vip *v, struct in_addr vip)
{
	bool present;
	struct nl_msg *msg;
	int err = vip_addr_present(v, vip, &present);

	if (err || !present)
		return err;
	msg = addr_message(v, RTM_DELADDR, 0, vip);
	err = msg ? nlr_request(v->sk, msg) : -ENOMEM;
	return err == -EADDRNOTAVAIL ? 0 : err;
}

int vip_addr_present(struct vip *v, struct in_addr vip, bool *present)
{
	struct addr_scan s = {.addr = vip, .ifindex = v->ifindex};
	int err = scan(v->sk, &s);

	*present = !err && s.ours;
	return err;
}

int vip_addr_here(struct vip *v, struct in_addr addr, bool *here)
{
	struct addr_scan s = {.addr = addr, .ifindex = v->ifindex};
	int err = scan(v->sk, &s);

	*here = !err && s.here;
	return err;
}

/* oif: 0 for whichever there is, to remove it. */
static int route_request(struct vip *v, int type, int flags, struct in_addr vip, int oif)
{
	struct rtmsg hdr = {
		.rtm_family = AF_INET,
		.rtm_dst_len = 32,
		.rtm_table = RT_TABLE_LOCAL,
		.rtm_protocol = VIP_PROTO,
		.rtm_scope = RT_SCOPE_HOST,
		.rtm_type = RTN_LOCAL,
	};
	struct nl_msg *msg = nlmsg_alloc_simple(type, flags);

	if (!msg)
		return -ENOMEM;
	if (nlmsg_append(msg, &hdr, sizeof(hdr), NLMSG_ALIGNTO) < 0 ||
	    nla_put(msg, RTA_DST, sizeof(vip), &vip) < 0 ||
	    (oif && nla_put_u32(msg, RTA_OIF, (uint32_t)oif) < 0)) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	return nlr_request(v->sk, msg);
}

/* Has the VIP an interface besides lo? Only then there is a second route. */
static bool has_interface(const struct vip *v)
{
	return v->ifindex && v->ifindex != v->lo_ifindex;
}

int vip_route_again(struct vip *v, struct in_addr vip)
{
	/*
	 * No NLM_F_EXCL: the local route that the kernel made for the address may exist, and ours
	 * are added beside it, one in front and one behind.
	 */
	int put = changed(
		route_request(v, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_APPEND, vip, v->lo_ifindex),
		-EEXIST);
	int err = 0;

	if (put >= 0 && has_interface(v))
		err = changed(route_request(v, RTM_NEWROUTE, NLM_F_CREATE, vip, v->ifindex),
			      -EEXIST);
	/* The kernel itself removes that of the interface: only the other one tells of others. */
	return err < 0 ? err : put;
}

int vip_route_add(struct vip *v, struct in_addr vip)
{
	int added = vip_route_again(v, vip);

	return added < 0 ? added : 0;
}

/* What a dump of our routes tells about one VIP. */
struct route_scan {
	const struct vip *v;
	struct in_addr vip;
	bool on_lo, on_interface;
};

static bool is_our_route(const struct rtmsg *rtm)
{
	return rtm->rtm_protocol == VIP_PROTO && rtm->rtm_type == RTN_LOCAL &&
	       rtm->rtm_table == RT_TABLE_LOCAL && rtm->rtm_dst_len == 32;
}

static int scan_route(struct nlmsghdr *nlh, void *arg)
{
	struct route_scan *s = arg;
	struct nlattr *tb[RTA_MAX + 1];
	const struct rtmsg *rtm = nlmsg_data(nlh);
	struct in_addr dst;
	int oif;

	if (nlh->nlmsg_type != RTM_NEWROUTE)
		return 0;
	if (nlmsg_parse(nlh, sizeof(*rtm), tb, RTA_MAX, NULL) < 0)
		return -EPROTO;
	if (!is_our_route(rtm) || !tb[RTA_DST] || !tb[RTA_OIF])
		return 0;
	memcpy(&dst, nla_data(tb[RTA_DST]), sizeof(dst));
	if (dst.s_addr != s->vip.s_addr)
		return 0;
	oif = (int)nla_get_u32(tb[RTA_OIF]);
	s->on_lo |= oif == s->v->lo_ifindex;
	s->on_interface |= oif == s->v->ifindex;
	return 0;
}

/* The kernel dumps only what the header names, and not all routes of a router. */
static int dump_our_routes(struct vip *v, nlr_fn fn, void *arg)
{
	struct rtmsg hdr = {
		.rtm_family = AF_INET,
		.rtm_table = RT_TABLE_LOCAL,
		.rtm_protocol = VIP_PROTO,
		.rtm_type = RTN_LOCAL,
	};
	const int on = 1;

	if (setsockopt(nl_socket_get_fd(v->sk), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on,
		       sizeof(on)) < 0)
		return -errno;
	return nlr_dump(v->sk, RTM_GETROUTE, &hdr, sizeof(hdr), fn, arg);
}

int vip_route_present(struct vip *v, struct in_addr vip, bool *present)
{
	struct route_scan s = {.v = v, .vip = vip};
	int err;

	for (int tries = 0; tries < 3; tries++) {
		s.on_lo = s.on_interface = false;
		err = dump_our_routes(v, scan_route, &s);
		if (err != -EINTR)
			break;
	}
	*present = !err && s.on_lo && (s.on_interface || !has_interface(v));
	return err;
}

int vip_route_del(struct vip *v, struct in_addr vip)
{
	int err;

	do /* by our mark, on whatever interface a daemon before this one added it */
		err = route_request(v, RTM_DELROUTE, 0, vip, 0);
	while (!err);
	return err == -ESRCH ? 0 : err;
}

/* ---- what was left behind ---- */

#define LEFT_MAX 64 /* in one dump; a second dump shows the others */

struct left {
	const struct in_addr *keep;
	unsigned int n_keep;
	int keep_on; /* the interface on which addresses of `keep` stay */
	unsigned int n;
	struct {
		int ifindex; /* of an address; 0: a route */
		struct in_addr addr;
	} list[LEFT_MAX];
};

static void note_left(struct left *l, int ifindex, const struct nlattr *attr)
{
	struct in_addr addr;

	if (!attr || nla_len(attr) != (int)sizeof(addr) || l->n == LEFT_MAX)
		return;
	memcpy(&addr, nla_data(attr), sizeof(addr));
	for (unsigned int i = 0; i < l->n_keep; i++)
		if (l->keep[i].s_addr == addr.s_addr && (!ifindex || ifindex == l->keep_on))
			return;
	for (unsigned int i = 0; i < l->n; i++) /* both routes of a VIP are removed at once */
		if (!ifindex && !l->list[i].ifindex && l->list[i].addr.s_addr == addr.s_addr)
			return;
	l->list[l->n].ifindex = ifindex;
	l->list[l->n++].addr = addr;
}

static int left_addr(struct nlmsghdr *nlh, void *arg)
{
	struct nlattr *tb[IFA_MAX + 1];
	const struct ifaddrmsg *ifa = nlmsg_data(nlh);
	struct in_addr local;
	int is = nlr_ipv4(nlh, tb, &local);

	if (is <= 0)
		return is;
	if (is_marked(ifa, tb))
		note_left(arg, (int)ifa->ifa_index, tb[IFA_LOCAL]);
	return 0;
}

static int left_route(struct nlmsghdr *nlh, void *arg)
{
	struct nlattr *tb[RTA_MAX + 1];
	const struct rtmsg *rtm = nlmsg_data(nlh);

	if (nlh->nlmsg_type != RTM_NEWROUTE)
		return 0;
	if (nlmsg_parse(nlh, sizeof(*rtm), tb, RTA_MAX, NULL) < 0)
		return -EPROTO;
	if (is_our_route(rtm))
		note_left(arg, 0, tb[RTA_DST]);
	return 0;
}

static int find_left(struct vip *v, struct left *l)
{
	struct ifaddrmsg hdr = {.ifa_family = AF_INET};
	int err;

	for (int tries = 0; tries < 3; tries++) {
		l->n = 0;
		err = nlr_dump(v->sk, RTM_GETADDR, &hdr, sizeof(hdr), left_addr, l);
		if (!err)
			err = dump_our_routes(v, left_route, l);
		if (err != -EINTR)
			break;
	}
	return err;
}

static int remove_left(struct vip *v, int ifindex, struct in_addr addr)
{
	int own = v->ifindex;
	int err;

	if (!ifindex)
		return vip_route_del(v, addr);
	v->ifindex = ifindex;
	err = vip_addr_del(v, addr);
	v->ifindex = own;
	return err;
}

int vip_remove_others(struct vip *v, const struct in_addr *keep, unsigned int n_keep)
{
	struct left l = {.keep = keep, .n_keep = n_keep, .keep_on = v->ifindex};
	int removed = 0;

	do {
		int err = find_left(v, &l);

		for (unsigned int i = 0; i < l.n && !err; i++)
			err = remove_left(v, l.list[i].ifindex, l.list[i].addr);
		if (err)
			return err;
		removed += (int)l.n;
	} while (l.n == LEFT_MAX);
	return removed;
}
