/* SPDX-License-Identifier: GPL-2.0-only */
/* See ip_rules.h. */
#include "act/ip_rules.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <stdbool.h>

#include "base/nl.h"

#define HOST_BITS 32

/* Of these a rule may have all. Each other attribute may be one by which the kernel decides. */
static bool is_plain(int type)
{
	return type == FRA_DST || type == FRA_SRC || type == FRA_PRIORITY || type == FRA_TABLE ||
	       type == FRA_SUPPRESS_PREFIXLEN || type == FRA_SUPPRESS_IFGROUP ||
	       type == FRA_PROTOCOL || type == FRA_GOTO || type == FRA_PAD || type == FRA_FLOW;
}

static int read_rule(struct nlmsghdr *nlh, void *arg)
{
	const struct fib_rule_hdr *h = nlmsg_data(nlh);
	bool *more = arg;
	struct nlattr *a;
	int left;

	if (nlh->nlmsg_type != RTM_NEWRULE)
		return 0;
	if (!nlmsg_valid_hdr(nlh, sizeof(*h)))
		return -EPROTO;
	if ((h->src_len && h->src_len != HOST_BITS) || h->tos || h->flags & FIB_RULE_INVERT)
		*more = true;
	nlmsg_for_each_attr(a, nlh, sizeof(*h), left) if (!is_plain(nla_type(a))) *more = true;
	return 0;
}

int ip_rules_decide_by_more(void)
{
	struct fib_rule_hdr hdr = {.family = AF_INET};
	struct nl_sock *sk;
	bool more = false;
	int err = nlr_open(&sk);

	if (err)
		return err;
	err = nlr_dump(sk, RTM_GETRULE, &hdr, sizeof(hdr), read_rule, &more);
	nl_socket_free(sk);
	if (err == -EOPNOTSUPP || err == -EAFNOSUPPORT) /* a kernel without policy routing */
		return 0;
	return err ? err : more;
}
