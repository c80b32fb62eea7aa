/* SPDX-License-Identifier: GPL-2.0-only */
/* The MAC of the default gateway, as the kernel knows it. */
#ifndef HOKM_BASE_GATEWAY_H
#define HOKM_BASE_GATEWAY_H

/*
 * Reads the MAC of the gateway of the default route over this interface, and its address as text.
 * Returns 0, -ENOENT when there is no such route or the kernel has not resolved it, or -errno.
 */
int gateway_mac(const char *ifname, unsigned char mac[6], char addr[16]);

#endif
