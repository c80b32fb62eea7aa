/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fences: the program hokm_fence at the ingress of every other interface of the machine
 * (bpf/fence.h). Which interfaces need one is decided by the caller.
 *
 * A fence stays when the daemon ends, as the other programs do. Only hokm_bpf_cleanup() removes all
 * of them. A filter at our handle and priority is ours.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/socket.h>
#include <string.h>

#include "path/bpf_internal.h"
#include "base/log.h"
#include "base/nl.h"

int hokm_bpf_fence_put(struct hokm_bpf *b, int ifindex)
{
	const struct hokm_fence unseen = {0};
	uint32_t key = (uint32_t)ifindex;
	int err;

	if (b->fence < 0)
		return -EBADF;
	err = bpf_map_update_elem(b->map[MAP_FENCES], &key, &unseen, BPF_NOEXIST);
	if (err && err != -EEXIST)
		return err;
	if (tc_program(ifindex, TC_FENCE) == bpf_prog_id_of(b->fence))
		return 0;
	err = tc_attach(ifindex, TC_FENCE, b->fence);
	return err ? err : 1;
}

int hokm_bpf_fence_remove(struct hokm_bpf *b, int ifindex)
{
	uint32_t key = (uint32_t)ifindex;
	int err;

	if (b->fence < 0)
		return -EBADF;
	err = bpf_map_delete_elem(b->map[MAP_FENCES], &key);
	if (err && err != -ENOENT)
		return err;
	return tc_detach(ifindex, TC_FENCE);
}

int hokm_bpf_fence_get(struct hokm_bpf *b, int ifindex, struct hokm_fence *out)
{
	uint32_t key = (uint32_t)ifindex;

	if (b->map[MAP_FENCES] < 0)
		return -EBADF;
	return bpf_map_lookup_elem(b->map[MAP_FENCES], &key, out);
}

/* The filter is removed after the dump: until then the socket of the dump is in use. */
struct interfaces {
	unsigned int n;
	int index[HOKM_MAX_FENCES];
};

static int add_interface(struct nlmsghdr *nlh, void *arg)
{
	const struct ifinfomsg *ifi = nlmsg_data(nlh);
	struct interfaces *all = arg;

	if (nlh->nlmsg_type != RTM_NEWLINK || nlmsg_datalen(nlh) < (int)sizeof(*ifi) ||
	    all->n == HOKM_MAX_FENCES)
		return 0;
	all->index[all->n++] = ifi->ifi_index;
	return 0;
}

int fence_remove_all(void)
{
	struct ifinfomsg hdr = {.ifi_family = AF_UNSPEC};
	struct interfaces all;
	struct nl_sock *sk;
	int first = nlr_open(&sk);

	if (first)
		return first;
	for (int tries = 0; tries < 3; tries++) {
		all.n = 0;
		first = nlr_dump(sk, RTM_GETLINK, &hdr, sizeof(hdr), add_interface, &all);
		if (first != -EINTR)
			break;
	}
	nl_socket_free(sk);
	if (first)
		log_error("could not list the interfaces, whose fences stay: %s", strerror(-first));
	for (unsigned int i = 0; i < all.n; i++) {
		int err = tc_detach(all.index[i], TC_FENCE);

		first = first ? first : err;
	}
	return first;
}
