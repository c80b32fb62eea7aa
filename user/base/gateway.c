/* SPDX-License-Identifier: GPL-2.0-only */
/* See gateway.h. The tables of the kernel in /proc are memory, no disk. */
#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/gateway.h"

struct route {
	in_addr_t dest;
	struct in_addr gateway; /* 0: the destination is on the link */
};

/* Columns of /proc/net/route: interface, destination, gateway; numbers as the machine has them. */
static bool route_parse(const char *line, char name[IF_NAMESIZE], struct route *out)
{
	char dest[9], gateway[9];

	if (sscanf(line, "%15s %8s %8s", name, dest, gateway) != 3)
		return false;
	out->dest = (in_addr_t)strtoul(dest, NULL, 16);
	out->gateway.s_addr = (in_addr_t)strtoul(gateway, NULL, 16);
	return true;
}

static bool route_read(const char *line, const char *ifname, struct route *out)
{
	char name[IF_NAMESIZE];

	return route_parse(line, name, out) && strcmp(name, ifname) == 0;
}

/* The kernel lists routes by ascending destination, so the default ones are the first. */
int gateway_of_table(FILE *table, const char *ifname, struct in_addr *out)
{
	char line[256], name[IF_NAMESIZE];
	struct route r;

	if (!fgets(line, sizeof(line), table)) /* the names of the columns */
		return -ENOENT;
	while (fgets(line, sizeof(line), table) && route_parse(line, name, &r) && !r.dest)
		if (r.gateway.s_addr && strcmp(name, ifname) == 0) {
			*out = r.gateway;
			return 0;
		}
	return -ENOENT;
}

int gateway_find(const char *ifname, struct in_addr *out)
{
	FILE *f = fopen("/proc/self/net/route", "re");
	int err;

	if (!f)
		return -errno;
	err = gateway_of_table(f, ifname, out);
	fclose(f);
	return err;
}

static bool is_among(const struct in_addr *list, unsigned int n, struct in_addr addr)
{
	for (unsigned int i = 0; i < n; i++)
		if (list[i].s_addr == addr.s_addr)
			return true;
	return false;
}

unsigned int gateways_find(const char *ifname, struct in_addr *out, unsigned int max)
{
	FILE *f = fopen("/proc/self/net/route", "re");
	unsigned int n = 0, lines = 0;
	struct route r;
	char line[256];

	if (!f)
		return 0;
	while (n < max && lines++ < ROUTES_READ && fgets(line, sizeof(line), f))
		if (route_read(line, ifname, &r) && r.gateway.s_addr &&
		    !is_among(out, n, r.gateway))
			out[n++] = r.gateway;
	fclose(f);
	return n;
}

int gateway_mac(const char *ifname, struct in_addr gateway, unsigned char mac[6])
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr = gateway};
	struct arpreq req = {0};
	int err = 0;
	int fd;

	memcpy(&req.arp_pa, &sin, sizeof(sin));
	snprintf(req.arp_dev, sizeof(req.arp_dev), "%.15s", ifname);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (ioctl(fd, SIOCGARP, &req) < 0)
		err = errno == ENXIO ? -ENOENT : -errno;
	close(fd);
	if (err)
		return err;
	if (!(req.arp_flags & ATF_COM))
		return -ENOENT;
	memcpy(mac, req.arp_ha.sa_data, 6);
	return 0;
}
