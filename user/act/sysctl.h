/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ARP sysctls of the interface: arp_ignore = 1 and arp_announce = 2 while the daemon or its
 * packet path is in place. The former values are saved in a file, so that a later daemon or
 * `cleanup` can restore them after a crash.
 */
#ifndef HOKM_ACT_SYSCTL_H
#define HOKM_ACT_SYSCTL_H

/*
 * Sets both values of `ifname`. The former values are written to `save_file`, unless this file
 * exists already. Returns 0 or -errno, logged.
 */
int sysctl_arp_set(const char *ifname, const char *save_file);

/*
 * Restores the saved values and removes the file. Returns 0, also when there is no file, or -errno,
 * logged.
 */
int sysctl_arp_restore(const char *ifname, const char *save_file);

#endif
