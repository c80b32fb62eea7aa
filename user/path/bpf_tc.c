/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Egress, and the fences: BPF filters of the clsact qdisc in direct-action mode, with a handle and
 * a priority of our own. A filter stays when the daemon ends. It has no pin; the pin prog_egress
 * names the program of the egress filter and so tells whether that filter is ours.
 *
 * Other programs may use the same qdisc: it is removed only when neither direction has a filter.
 *
 * The qdisc `ingress` stands where clsact would, and has one list of filters, for both parents: a
 * filter for egress is accepted there, and sees incoming packets only.
 */
#include <errno.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/socket.h>
#include <string.h>

#include "path/bpf_internal.h"
#include "base/log.h"
#include "base/nl.h"

#define HOOK(name, index, which)                           \
	LIBBPF_OPTS(bpf_tc_hook, name, .ifindex = (index), \
		    .attach_point = (which) == TC_FENCE ? BPF_TC_INGRESS : BPF_TC_EGRESS)

static const char *filter_name(enum tc_filter which)
{
	return which == TC_FENCE ? "fence" : "egress filter";
}

struct qdisc_search {
	int ifindex;
	bool found;
};

static int find_ingress_qdisc(struct nlmsghdr *nlh, void *arg)
{
	struct qdisc_search *s = arg;
	struct nlattr *tb[TCA_MAX + 1];
	const struct tcmsg *tcm = nlmsg_data(nlh);

	if (nlh->nlmsg_type != RTM_NEWQDISC ||
	    nlmsg_parse(nlh, sizeof(*tcm), tb, TCA_MAX, NULL) < 0 || !tb[TCA_KIND])
		return 0;
	if (tcm->tcm_ifindex == s->ifindex && !nla_strcmp(tb[TCA_KIND], "ingress"))
		s->found = true;
	return 0;
}

/* An error of the dump is no answer: then attaching tells. */
static bool has_ingress_qdisc(int ifindex)
{
	struct tcmsg tcm = {.tcm_family = AF_UNSPEC, .tcm_ifindex = ifindex};
	struct qdisc_search s = {.ifindex = ifindex};
	struct nl_sock *sk;

	if (nlr_open(&sk))
		return false;
	(void)nlr_dump(sk, RTM_GETQDISC, &tcm, sizeof(tcm), find_ingress_qdisc, &s);
	nl_socket_free(sk);
	return s.found;
}

int tc_attach(int ifindex, enum tc_filter which, int prog_fd)
{
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = prog_fd, .flags = BPF_TC_F_REPLACE,
		    .handle = TC_HANDLE, .priority = TC_PRIORITY);
	HOOK(hook, ifindex, which);
	int err = bpf_tc_hook_create(&hook);

	if (err && err != -EEXIST)
		return err;
	if (err && which == TC_EGRESS && has_ingress_qdisc(ifindex))
		return -EBUSY;
	return bpf_tc_attach(&hook, &opts);
}

uint32_t tc_listed(int ifindex, enum tc_filter which)
{
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = TC_HANDLE, .priority = TC_PRIORITY);
	HOOK(hook, ifindex, which);

	return bpf_tc_query(&hook, &opts) ? 0 : opts.prog_id;
}

uint32_t tc_program(int ifindex, enum tc_filter which)
{
	uint32_t id = tc_listed(ifindex, which);

	return id && which == TC_EGRESS && has_ingress_qdisc(ifindex) ? 0 : id;
}

static int count_filter(struct nlmsghdr *nlh, void *arg)
{
	unsigned int *n = arg;

	*n += nlh->nlmsg_type == RTM_NEWTFILTER;
	return 0;
}

/* Returns how many filters clsact has in both directions, or -errno. */
static int count_filters(int ifindex)
{
	const uint32_t parents[] = {
		TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS), TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS)};
	unsigned int n = 0;
	struct nl_sock *sk;
	int err = nlr_open(&sk);

	for (int i = 0; !err && i < 2; i++) {
		struct tcmsg tcm = {.tcm_ifindex = ifindex, .tcm_parent = parents[i]};

		err = nlr_dump(sk, RTM_GETTFILTER, &tcm, sizeof(tcm), count_filter, &n);
	}
	if (sk)
		nl_socket_free(sk);
	return err ? err : (int)n;
}

static void remove_unused_qdisc(int ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, both, .ifindex = ifindex,
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
	int n = count_filters(ifindex);
	int err;

	if (n)
		return;
	err = bpf_tc_hook_destroy(&both);
	if (err && err != -ENOENT && err != -EINVAL)
		log_warn("could not remove the clsact qdisc of interface %d: %s", ifindex,
			 strerror(-err));
}

int tc_detach(int ifindex, enum tc_filter which)
{
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = TC_HANDLE, .priority = TC_PRIORITY);
	HOOK(hook, ifindex, which);
	int err;

	if (!tc_listed(ifindex, which))
		return 0;
	err = bpf_tc_detach(&hook, &opts);
	if (err && err != -ENOENT) {
		log_error("could not remove the %s of interface %d: %s", filter_name(which),
			  ifindex, strerror(-err));
		return err;
	}
	remove_unused_qdisc(ifindex);
	return 0;
}
