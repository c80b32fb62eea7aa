/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ARP sysctls: arp_ignore = 1 of the interface and at most 1 of all interfaces, arp_announce =
 * 2 of the interface and of all interfaces, while the daemon or its packet path is in place. The
 * former values are saved in a file, so that a later daemon or `cleanup` can restore them after a
 * crash.
 */
#ifndef HOKM_ACT_SYSCTL_H
#define HOKM_ACT_SYSCTL_H

#include <net/if.h>
#include <stdbool.h>

/*
 * The name of an interface now: another program may have given it another one than `ifname`, and
 * its sysctls with it. Without the interface it is `ifname`.
 */
const char *sysctl_name_now(int ifindex, const char *ifname, char buf[IF_NAMESIZE]);

/*
 * Sets the values for `ifname`. The former values are written to `save_file`, unless it has those
 * of this interface already; one that an earlier daemon used, by this file, gets its own back. That
 * they cannot be saved is a warning. Returns 0 or -errno, logged.
 */
int sysctl_arp_set(const char *ifname, const char *save_file);

/*
 * What an earlier version saved in `former` is in `save_file` from now on, unless that has values
 * of this boot, or cannot be read.
 */
void sysctl_arp_take_over(const char *ifname, const char *former, const char *save_file);

/*
 * Reads the values back and sets those that another program changed. Returns how many there were,
 * or -errno. `say`: each is logged. An interface that was made again has new values by itself.
 */
int sysctl_arp_again(const char *ifname, bool say);

/*
 * Sysctls that the daemon leaves as it found them: arp_ignore of `all` that silences no owner,
 * rp_filter of the interface, whether reverse path filtering is strict there, and arp_filter of
 * both.
 */
struct sysctl_kept {
	int all_arp_ignore, rp_filter, all_arp_filter, arp_filter;
	bool strict;
};

/* Reads them. Returns 0 or -errno. */
int sysctl_kept_read(const char *ifname, struct sysctl_kept *k);
/*
 * Reads them again, and puts back what has become worse than it `was`. Returns how many there were,
 * each logged, or -errno.
 */
int sysctl_kept_again(const char *ifname, const struct sysctl_kept *was);

/*
 * Restores the saved values of the interface that the file names, else of `ifname`, and removes the
 * file. Returns 0, also when there is no file, or -errno,
 * logged.
 */
int sysctl_arp_restore(const char *ifname, const char *save_file);

#endif
