/* SPDX-License-Identifier: GPL-2.0-only */
/* Gateways of an interface, and the MAC of the default one, as the kernel knows them. */
#ifndef HOKM_BASE_GATEWAY_H
#define HOKM_BASE_GATEWAY_H

#include <netinet/in.h>
#include <stdio.h>

/*
 * Reads the gateway of the default route over this interface, without waiting for the kernel's lock
 * for network settings. Returns 0, -ENOENT or -errno.
 */
int gateway_find(const char *ifname, struct in_addr *out);
/* The same of an open table in the format of /proc/net/route. Reads no line after the default
 * routes. */
int gateway_of_table(FILE *table, const char *ifname, struct in_addr *out);

/*
 * Reads the gateways of the routes over this interface into out, each one once, the default one
 * first; at most `max` of them, and only of the first ROUTES_READ routes of the main table. Returns
 * their number, which is 0 when the table cannot be read.
 */
#define ROUTES_READ 128
unsigned int gateways_find(const char *ifname, struct in_addr *out, unsigned int max);

/*
 * Reads the MAC of this gateway on this interface. Returns 0, -ENOENT when the kernel has not
 * resolved it, or -errno.
 */
int gateway_mac(const char *ifname, struct in_addr gateway, unsigned char mac[6]);

#endif
