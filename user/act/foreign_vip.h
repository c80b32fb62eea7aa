/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VIP that is an address of this machine and that hokm-xdp did not set: keepalived leaves it when
 * it is killed, or an operator set it by hand. With it the machine answers ARP for the VIP on its
 * own account. It is named with the command that removes it, or taken over.
 */
#ifndef HOKM_ACT_FOREIGN_VIP_H
#define HOKM_ACT_FOREIGN_VIP_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct foreign_vip {
	struct in_addr vip;
	int ifindex;
	char ifname[IF_NAMESIZE]; /* "" when the interface is gone meanwhile */
	uint8_t prefix;
	/* Other addresses of its subnet depend on it: the kernel would remove them with it. */
	bool is_primary;
};

/* Finds one. Returns 1, 0 when there is none, or -errno. */
int foreign_vip_find(struct in_addr vip, struct foreign_vip *out);

/* Says which one it is, and what removes it. */
void foreign_vip_report(const struct foreign_vip *f);

/*
 * Removes every one of this VIP; the owner then adds its own. Returns 0, or -errno, logged; -EBUSY
 * when other addresses depend on it.
 */
int foreign_vip_take_over(struct in_addr vip);

#endif
