/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Programs and filters of others that see a packet before our filter does. One of them may end the
 * chain (TC_ACT_OK, a drop, a redirect), and then our filter never sees the packet.
 *
 *   tcx        programs at the tcx hook (Linux 6.6) run before all filters of clsact. Older kernels
 *              refuse the query
 *   filters    those with a smaller priority run first; of the same priority, those that the
 *              kernel lists first
 *
 * Whether a program ends the chain cannot be read from the kernel, so each one is named.
 */
#include <errno.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/socket.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "path/bpf_internal.h"
#include "base/nl.h"

/* enum bpf_attach_type of Linux 6.6. */
#define TCX_INGRESS ((enum bpf_attach_type)46)
#define TCX_EGRESS  ((enum bpf_attach_type)47)

struct foreign_scan {
	struct hokm_foreign *list;
	unsigned int n, max;
	bool ours_seen;
};

static struct hokm_foreign *add(struct foreign_scan *s)
{
	if (s->n == s->max)
		return NULL;
	memset(&s->list[s->n], 0, sizeof(s->list[s->n]));
	return &s->list[s->n++];
}

/* Without CAP_SYS_ADMIN the name stays empty. */
static void name_program(struct hokm_foreign *f)
{
	struct bpf_prog_info info = {0};
	uint32_t len = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(f->id);

	if (fd < 0)
		return;
	if (!bpf_obj_get_info_by_fd(fd, &info, &len))
		snprintf(f->name, sizeof(f->name), "%.*s", BPF_OBJ_NAME_LEN, info.name);
	close(fd);
}

static void scan_tcx(struct foreign_scan *s, int ifindex, enum bpf_attach_type hook)
{
	uint32_t ids[16];
	uint32_t n = sizeof(ids) / sizeof(ids[0]);

	/* Also -ENOSPC when there are more: the ids that fit are filled in. */
	if (bpf_prog_query(ifindex, hook, 0, NULL, ids, &n) && errno != ENOSPC)
		return;
	for (uint32_t i = 0; i < n && i < sizeof(ids) / sizeof(ids[0]); i++) {
		struct hokm_foreign *f = add(s);

		if (!f)
			return;
		snprintf(f->kind, sizeof(f->kind), "tcx");
		f->id = ids[i];
		name_program(f);
	}
}

static void read_program(struct hokm_foreign *f, struct nlattr *options)
{
	struct nlattr *tb[TCA_BPF_MAX + 1];

	if (!options || nla_parse_nested(tb, TCA_BPF_MAX, options, NULL) < 0)
		return;
	if (tb[TCA_BPF_ID])
		f->id = nla_get_u32(tb[TCA_BPF_ID]);
	if (tb[TCA_BPF_NAME])
		nla_strlcpy(f->name, tb[TCA_BPF_NAME], sizeof(f->name));
}

static bool is_listed(const struct foreign_scan *s, const char *kind, uint32_t priority)
{
	for (unsigned int i = 0; i < s->n; i++)
		if (s->list[i].priority == priority && !strcmp(s->list[i].kind, kind))
			return true;
	return false;
}

static int scan_filter(struct nlmsghdr *nlh, void *arg)
{
	struct foreign_scan *s = arg;
	struct nlattr *tb[TCA_MAX + 1];
	const struct tcmsg *tcm = nlmsg_data(nlh);
	struct hokm_foreign *f;
	uint32_t priority;
	bool is_bpf;

	if (nlh->nlmsg_type != RTM_NEWTFILTER ||
	    nlmsg_parse(nlh, sizeof(*tcm), tb, TCA_MAX, NULL) < 0 || !tb[TCA_KIND])
		return 0;
	priority = TC_H_MAJ(tcm->tcm_info) >> 16;
	is_bpf = !nla_strcmp(tb[TCA_KIND], "bpf");
	if (is_bpf && priority == TC_PRIORITY && tcm->tcm_handle == TC_HANDLE)
		s->ours_seen = true;
	if (s->ours_seen || priority > TC_PRIORITY)
		return 0;
	/* The kernel also lists the head of each priority, without a handle. */
	if (is_bpf ? !tcm->tcm_handle : is_listed(s, nla_data(tb[TCA_KIND]), priority))
		return 0;
	f = add(s);
	if (!f)
		return 0;
	nla_strlcpy(f->kind, tb[TCA_KIND], sizeof(f->kind));
	f->priority = priority;
	if (is_bpf)
		read_program(f, tb[TCA_OPTIONS]);
	return 0;
}

int hokm_bpf_foreign(const struct hokm_bpf *b, int ifindex, struct hokm_foreign *list,
		     unsigned int max)
{
	bool egress = ifindex == b->ifindex;
	struct foreign_scan s = {.list = list, .max = max};
	struct tcmsg tcm = {
		.tcm_family = AF_UNSPEC,
		.tcm_ifindex = ifindex,
		.tcm_parent = TC_H_MAKE(TC_H_CLSACT, egress ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS),
	};
	struct nl_sock *sk;
	int err = nlr_open(&sk);

	if (err)
		return err;
	scan_tcx(&s, ifindex, egress ? TCX_EGRESS : TCX_INGRESS);
	err = nlr_dump(sk, RTM_GETTFILTER, &tcm, sizeof(tcm), scan_filter, &s);
	nl_socket_free(sk);
	for (unsigned int i = 0; i < s.n; i++)
		list[i].ifindex = ifindex;
	return err ? err : (int)s.n;
}
