/* SPDX-License-Identifier: GPL-2.0-only */
/* Link state of the interface, by rtnetlink on the event loop. */
#ifndef HOKM_SENSE_LINK_H
#define HOKM_SENSE_LINK_H

#include <stdbool.h>
#include <systemd/sd-event.h>

struct link_watch; /* opaque */

/* `gone`: the interface itself was removed. Called from the loop on each change. */
typedef void (*link_fn)(bool up, bool gone, void *arg);

int link_watch_open(sd_event *event, int ifindex, link_fn fn, void *arg, struct link_watch **out);
void link_watch_close(struct link_watch *w);
bool link_watch_up(const struct link_watch *w);
/* MAC of an interface: 0 or -errno. */
int link_mac(const char *ifname, unsigned char mac[6]);

#endif
