/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A kernel whose lock RTNL is held by others, for a daemon that is started with this library in
 * LD_PRELOAD: a request to add an address is not sent before the file exists that RTNL_FREE names.
 * After two minutes the request is sent all the same, so that no test leaves a process that waits.
 */
#include <dlfcn.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdlib.h>
#include <unistd.h>

#define STEP_US 10000
#define STEPS   12000

int nl_send_auto(struct nl_sock *sk, struct nl_msg *msg)
{
	int (*next)(struct nl_sock *, struct nl_msg *) = NULL;
	const char *path = getenv("RTNL_FREE");

	*(void **)&next = dlsym(RTLD_NEXT, "nl_send_auto");
	if (path && nlmsg_hdr(msg)->nlmsg_type == RTM_NEWADDR)
		for (int i = 0; i < STEPS && access(path, F_OK); i++)
			usleep(STEP_US);
	return next ? next(sk, msg) : -1;
}
