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

/* An operator wants a route that drops packets (blackhole). Its error is another one. */
static bool has_no_route(int fd, struct in_addr client)
{
	const struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_addr = client, .sin_port = htons(ANY_PORT)};

	return connect(fd, (const struct sockaddr *)&sin, sizeof(sin)) &&
	       (errno == ENETUNREACH || errno == EHOSTUNREACH || errno == EACCES);
}

/* The kernel removes the routes of an interface that is down. */
static bool is_up(int fd, int ifindex)
{
	struct ifreq ifr = {0};

	return if_indextoname((unsigned int)ifindex, ifr.ifr_name) &&
	       !ioctl(fd, SIOCGIFFLAGS, &ifr) && ifr.ifr_flags & IFF_UP &&
	       ifr.ifr_flags & IFF_RUNNING;
}

bool way_out_is_lost(unsigned int lost, unsigned int n)
{
	return 2 * lost > n;
}

/* Who is asked for: the clients that are known, else those that had no route the last time. */
static unsigned int take_examples(const struct way_out *w, const struct hokm_bpf *b,
				  struct in_addr list[WAY_OUT_EXAMPLES])
{
	unsigned int n = hokm_bpf_some_clients(b, list, WAY_OUT_EXAMPLES);

	if (n)
		return n;
	memcpy(list, w->lost, w->n_lost * sizeof(*list));
	return w->n_lost;
}

int way_out_look(struct way_out *w, const struct hokm_bpf *b, struct in_addr vip)
{
	struct way_out found = {0};
	struct in_addr clients[WAY_OUT_EXAMPLES];
	unsigned int n = take_examples(w, b, clients);
	int fd, err = 0;

	if (!n)
		return 0;
	fd = open_at(vip);
	if (fd < 0)
		return -ENODEV;
	for (unsigned int i = 0; i < n; i++)
		if (has_no_route(fd, clients[i]))
			found.lost[found.n_lost++] = clients[i];
	if (way_out_is_lost(found.n_lost, n))
		err = is_up(fd, hokm_bpf_ifindex(b)) ? -ENETUNREACH : -ENODEV;
	close(fd);
	if (err == -ENETUNREACH)
		*w = found;
	else if (!err)
		w->n_lost = 0;
	return err;
}
