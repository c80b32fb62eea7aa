/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Announcements of the kernel about what the daemon sets: interfaces, IPv4 addresses, local routes,
 * and filters with their qdiscs. A struct kernel_watch listens to rtnetlink on the event loop. It
 * tells only that something has changed; what is there now is read by who set it.
 *
 * It is used by the thread of the event loop only.
 */
#ifndef HOKM_SENSE_KERNEL_WATCH_H
#define HOKM_SENSE_KERNEL_WATCH_H

#include <stdint.h>
#include <systemd/sd-event.h>

struct kernel_watch; /* opaque */

enum kernel_change {
	KERNEL_LINK,      /* an interface was made, changed or removed */
	KERNEL_ADDR,      /* an IPv4 address was added or removed */
	KERNEL_ROUTE,     /* a route of the table `local` was added or removed */
	KERNEL_OURS_GONE, /* the same: one with our mark was removed, also by this program */
	KERNEL_FILTER,    /* a qdisc or filter of an interface was added, changed or removed */
	KERNEL_LOST,      /* announcements were lost: anything may have changed */
};

/*
 * Called from the loop for each announcement. `ifindex` is 0 for KERNEL_ROUTE, and when unknown.
 *
 * That the kernel itself removes the routes of an interface, with its last address, it does not
 * announce: KERNEL_OURS_GONE tells of a program.
 */
typedef void (*kernel_change_fn)(enum kernel_change change, int ifindex, void *arg);

/*
 * mark: the protocol number of our routes. Returns 0 or -errno, logged. The caller closes *out with
 * kernel_watch_close().
 */
int kernel_watch_open(sd_event *event, uint8_t mark, kernel_change_fn fn, void *arg,
		      struct kernel_watch **out);
void kernel_watch_close(struct kernel_watch *w);

#endif
