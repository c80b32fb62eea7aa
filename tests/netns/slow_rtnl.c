/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A kernel whose lock RTNL is held by others, for a daemon that is started with this library in
 * LD_PRELOAD: a request to add an address is not sent before the file exists that RTNL_FREE names.
 * While the file exists that RTNL_HELD names, nothing that takes the lock goes on in the first
 * thread of the process, which is that of the event loop: no netlink request, no multicast group.
 * After two minutes each of them goes on all the same, so that no test leaves a process that waits.
 */
#include <dlfcn.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define STEP_US 10000
#define STEPS   12000

/* Waits until the file of this variable exists, or does not exist any more. */
static void wait_for_file(const char *variable, bool exists)
{
	const char *path = getenv(variable);

	for (int i = 0; path && i < STEPS && !access(path, F_OK) != exists; i++)
		usleep(STEP_US);
}

static void take_lock(void)
{
	if (gettid() == getpid())
		wait_for_file("RTNL_HELD", false);
}

int nl_send_auto(struct nl_sock *sk, struct nl_msg *msg)
{
	int (*next)(struct nl_sock *, struct nl_msg *) = NULL;

	*(void **)&next = dlsym(RTLD_NEXT, "nl_send_auto");
	take_lock();
	if (nlmsg_hdr(msg)->nlmsg_type == RTM_NEWADDR)
		wait_for_file("RTNL_FREE", true);
	return next ? next(sk, msg) : -1;
}

int nl_send_simple(struct nl_sock *sk, int type, int flags, void *buf, size_t size)
{
	int (*next)(struct nl_sock *, int, int, void *, size_t) = NULL;

	*(void **)&next = dlsym(RTLD_NEXT, "nl_send_simple");
	take_lock();
	return next ? next(sk, type, flags, buf, size) : -1;
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	int (*next)(int, int, int, const void *, socklen_t) = NULL;

	*(void **)&next = dlsym(RTLD_NEXT, "setsockopt");
	if (level == IPPROTO_IP && (name == IP_ADD_MEMBERSHIP || name == IP_DROP_MEMBERSHIP))
		take_lock();
	return next ? next(fd, level, name, value, len) : -1;
}
