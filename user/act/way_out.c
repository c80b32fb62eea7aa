/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See way_out.h. To connect a socket of UDP sends nothing: the kernel looks for the route. So the
 * rules of policy routing count, for what comes from the VIP too, and the kernel's lock for network
 * settings is not waited for, as rtnetlink does.
 */
#include "act/way_out.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANY_PORT 8765

/* A socket with this address, or -errno. */
static int open_at(struct in_addr vip)
{
	const struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr = vip};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0)
		return -errno;
	if (!bind(fd, (const struct sockaddr *)&sin, sizeof(sin)))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

/*
 * 0: there is one; -ENETUNREACH: there is none; another -errno: nothing can be said. An operator
 * wants a route that drops packets (blackhole). Its error is another one.
 */
static int look_for_route(const struct hokm_client *c)
{
	const struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_addr = c->addr, .sin_port = htons(ANY_PORT)};
	int fd = open_at(c->vip);
	int err = 0;

	if (fd < 0)
		return -ENODEV;
	if (connect(fd, (const struct sockaddr *)&sin, sizeof(sin)) &&
	    (errno == ENETUNREACH || errno == EHOSTUNREACH || errno == EACCES))
		err = -ENETUNREACH;
	close(fd);
	return err;
}

/* The kernel removes the routes of an interface that is down. */
static bool is_up(int ifindex)
{
	struct ifreq ifr = {0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool up = fd >= 0 && if_indextoname((unsigned int)ifindex, ifr.ifr_name) &&
		  !ioctl(fd, SIOCGIFFLAGS, &ifr) && ifr.ifr_flags & IFF_UP &&
		  ifr.ifr_flags & IFF_RUNNING;

	if (fd >= 0)
		close(fd);
	return up;
}

bool way_out_is_lost(unsigned int lost, unsigned int n)
{
	return 2 * lost > n;
}

/* Who is asked for: the clients that are known, else those that had no route the last time. */
static unsigned int take_examples(const struct way_out *w, struct hokm_bpf *b,
				  struct hokm_client list[WAY_OUT_EXAMPLES])
{
	unsigned int n = hokm_bpf_some_clients(b, list, WAY_OUT_EXAMPLES);

	if (n)
		return n;
	memcpy(list, w->lost, w->n_lost * sizeof(*list));
	return w->n_lost;
}

int way_out_look(struct way_out *w, struct hokm_bpf *b)
{
	struct way_out found = {0};
	struct hokm_client list[WAY_OUT_EXAMPLES];
	unsigned int n = take_examples(w, b, list), asked = 0;

	for (unsigned int i = 0; i < n; i++) {
		int err = look_for_route(&list[i]);

		asked += !err || err == -ENETUNREACH;
		if (err == -ENETUNREACH)
			found.lost[found.n_lost++] = list[i];
	}
	if (n && !asked)
		return -ENODEV;
	if (!way_out_is_lost(found.n_lost, asked)) {
		w->n_lost = 0;
		return 0;
	}
	if (!is_up(hokm_bpf_ifindex(b)))
		return -ENODEV;
	*w = found;
	return -ENETUNREACH;
}
