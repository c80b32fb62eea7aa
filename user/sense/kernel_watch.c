/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See kernel_watch.h. The socket is in the groups RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR,
 * RTNLGRP_IPV4_ROUTE and RTNLGRP_TC. A router may change thousands of routes a second, so a filter
 * in the kernel passes only those of the table `local`.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/socket.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/nl.h"
#include "sense/kernel_watch.h"

#define READS_AT_ONCE 16

struct kernel_watch {
	struct nl_sock *sk;
	sd_event_source *source;
	uint8_t mark;
	kernel_change_fn fn;
	void *arg;
};

/* Refuses messages about routes of other tables. The fields of netlink have host byte order. */
static int attach_filter(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_type)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWROUTE), 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELROUTE), 0, 2),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS,
			 NLMSG_HDRLEN + offsetof(struct rtmsg, rtm_table)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, RT_TABLE_LOCAL, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog prog = {.len = sizeof(code) / sizeof(code[0]), .filter = code};

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) < 0)
		return -errno;
	return 0;
}

/* The index of the interface stands after four bytes in ifinfomsg, ifaddrmsg and tcmsg. */
_Static_assert(offsetof(struct ifinfomsg, ifi_index) == 4, "ifinfomsg");
_Static_assert(offsetof(struct ifaddrmsg, ifa_index) == 4, "ifaddrmsg");
_Static_assert(offsetof(struct tcmsg, tcm_ifindex) == 4, "tcmsg");

static int ifindex_of(const struct nlmsghdr *nlh)
{
	int ifindex = 0;

	if (nlh->nlmsg_len >= NLMSG_HDRLEN + 4 + sizeof(ifindex))
		memcpy(&ifindex, (const char *)nlh + NLMSG_HDRLEN + 4, sizeof(ifindex));
	return ifindex;
}

/* A local route with our mark; *ifindex: its interface. */
static bool is_ours(const struct kernel_watch *w, struct nlmsghdr *nlh, int *ifindex)
{
	struct nlattr *tb[RTA_MAX + 1];
	const struct rtmsg *rtm = nlmsg_data(nlh);

	if (nlmsg_parse(nlh, sizeof(*rtm), tb, RTA_MAX, NULL) < 0 || rtm->rtm_type != RTN_LOCAL ||
	    rtm->rtm_protocol != w->mark)
		return false;
	*ifindex = tb[RTA_OIF] ? (int)nla_get_u32(tb[RTA_OIF]) : 0;
	return true;
}

static void announce_route(struct kernel_watch *w, struct nlmsghdr *nlh)
{
	int ifindex = 0;

	if (nlh->nlmsg_type == RTM_DELROUTE && is_ours(w, nlh, &ifindex))
		w->fn(KERNEL_OURS_GONE, ifindex, w->arg);
	else
		w->fn(KERNEL_ROUTE, 0, w->arg);
}

static void announce(struct kernel_watch *w, struct nlmsghdr *nlh)
{
	switch (nlh->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		w->fn(KERNEL_LINK, ifindex_of(nlh), w->arg);
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		w->fn(KERNEL_ADDR, ifindex_of(nlh), w->arg);
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		announce_route(w, nlh);
		break;
	case RTM_NEWQDISC:
	case RTM_DELQDISC:
	case RTM_NEWTFILTER:
	case RTM_DELTFILTER:
		w->fn(KERNEL_FILTER, ifindex_of(nlh), w->arg);
		break;
	}
}

/* Any process may send to a netlink socket: only messages of the kernel count. */
static int on_message(struct nl_msg *msg, void *arg)
{
	if (nlmsg_get_src(msg)->nl_pid == 0)
		announce(arg, nlmsg_hdr(msg));
	return NL_OK;
}

static int on_readable(sd_event_source *s, int fd, uint32_t revents, void *arg)
{
	struct kernel_watch *w = arg;
	int err = 0;

	(void)s;
	(void)fd;
	(void)revents;
	for (int i = 0; i < READS_AT_ONCE && err >= 0; i++)
		err = nl_recvmsgs_default(w->sk);
	if (err < 0 && err != -NLE_AGAIN && err != -NLE_INTR)
		w->fn(KERNEL_LOST, 0, w->arg);
	return 0;
}

/* Joins the groups. What the kernel announces bears no sequence number. */
static int join(struct kernel_watch *w)
{
	int err = nlr_open(&w->sk);

	if (!err)
		err = attach_filter(nl_socket_get_fd(w->sk));
	if (err)
		return err;
	nl_socket_disable_seq_check(w->sk);
	if (nl_socket_modify_cb(w->sk, NL_CB_VALID, NL_CB_CUSTOM, on_message, w) < 0 ||
	    nl_socket_set_nonblocking(w->sk) < 0 ||
	    nl_socket_add_memberships(w->sk, RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV4_ROUTE,
				      RTNLGRP_TC, 0) < 0)
		return -EIO;
	return 0;
}

void kernel_watch_close(struct kernel_watch *w)
{
	if (!w)
		return;
	sd_event_source_disable_unref(w->source);
	nl_socket_free(w->sk); /* NULL is allowed */
	free(w);
}

int kernel_watch_open(sd_event *event, uint8_t mark, kernel_change_fn fn, void *arg,
		      struct kernel_watch **out)
{
	struct kernel_watch *w = calloc(1, sizeof(*w));
	int err = w ? 0 : -ENOMEM;

	*out = w;
	if (w) {
		*w = (struct kernel_watch){.mark = mark, .fn = fn, .arg = arg};
		err = join(w);
	}
	if (!err)
		err = sd_event_add_io(event, &w->source, nl_socket_get_fd(w->sk), EPOLLIN,
				      on_readable, w);
	if (err >= 0)
		return 0;
	log_error("could not watch what the kernel announces: %s", strerror(-err));
	kernel_watch_close(w);
	*out = NULL;
	return err;
}
