/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * arp_ignore = 1 and arp_announce = 2 on the interface while the daemon or its data path is in
 * place; what was there before is remembered in a file, so that a later daemon or `cleanup` can
 * restore it after a crash.
 */
#ifndef HOKM_ACT_SYSCTL_H
#define HOKM_ACT_SYSCTL_H

/*
 * Sets both for `ifname`, saving the former values to `save_file` unless it exists already.
 * 0 or -errno, logged.
 */
int sysctl_arp_set(const char *ifname, const char *save_file);

/* Puts the saved values back and removes the file; no file: nothing to do, 0. */
int sysctl_arp_restore(const char *ifname, const char *save_file);

#endif
