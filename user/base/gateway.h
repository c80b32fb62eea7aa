/* SPDX-License-Identifier: GPL-2.0-only */
/* Gateways of an interface, and the MAC of the default one, as the kernel knows them. */
#ifndef HOKM_BASE_GATEWAY_H
#define HOKM_BASE_GATEWAY_H

#include <netinet/in.h>

/*
 * Reads the gateway of the default route over this interface, without waiting for the kernel's lock
 * for network settings. Returns 0, -ENOENT or -errno.
 */
int gateway_find(const char *ifname, struct in_addr *out);

/*
 * Reads the gateways of the routes over this interface into out, each one once, the default one
 * first; at most `max` of them, and only of the first ROUTES_READ routes of the main table. Returns
 * their number, which is 0 when the table cannot be read.
 */
#define ROUTES_READ 128
unsigned int gateways_find(const char *ifname, struct in_addr *out, unsigned int max);

/*
 * Reads the MAC of the gateway of the default route over this interface, and its address as text.
 * Returns 0, -ENOENT when there is no such route or the kernel has not resolved it, or -errno.
 */
int gateway_mac(const char *ifname, unsigned char mac[6], char addr[16]);

#endif
