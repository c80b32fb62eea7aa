/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The link state of the interface, and its MAC. A struct link_watch listens to rtnetlink on the
 * event loop and calls one function at each change of either. It is used by the thread of the event
 * loop only, and after its opening it asks the kernel nothing, because the answer may take long.
 *
 * When messages were lost, when the interface was made again, and when the caller has a sign that
 * the link may be lost, the state is in doubt: another thread has to read it (base/link_state.h),
 * and link_watch_learn() takes what it read.
 */
#ifndef HOKM_SENSE_LINK_H
#define HOKM_SENSE_LINK_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/link_state.h"

struct link_watch; /* opaque */

/*
 * Called from the loop at each change of the link state or of the MAC. `gone`: the interface itself
 * was removed.
 */
typedef void (*link_fn)(bool up, bool gone, void *arg);

/*
 * Begins to watch the interface. Returns 0, -ENODEV when there is no such interface, or another
 * -errno, logged. The caller closes *out with link_watch_close().
 */
int link_watch_open(sd_event *event, int ifindex, link_fn fn, void *arg, struct link_watch **out);
void link_watch_close(struct link_watch *w);

/* The link may be lost, although no message tells it: its state is to be read. */
void link_watch_suspect(struct link_watch *w);

/*
 * The interface was made again, with this index: that one is watched from now on. Its state is in
 * doubt, and nothing is reported before link_watch_follow().
 */
void link_watch_expect(struct link_watch *w, int ifindex);
/*
 * It is in use. Returns 0, -ENODEV when it is gone again, or -EAGAIN while its state is in doubt.
 */
int link_watch_follow(struct link_watch *w);

/*
 * Non-zero while the state is in doubt: the number of this doubt. The caller that has the state
 * read notes it before, and gives it back with the state. A state that was read for an earlier
 * doubt, or while messages about the interface came, is not taken: then there is a new doubt.
 */
uint64_t link_watch_doubt(const struct link_watch *w);
void link_watch_learn(struct link_watch *w, uint64_t doubt, const struct link_state *s);
/* It could not be read. True when that is to be reported: once for a series of doubts. */
bool link_watch_unread(struct link_watch *w);

int link_watch_ifindex(const struct link_watch *w);
/* Returns the present state: true when the link is up. */
bool link_watch_up(const struct link_watch *w);
/* What happened to it last: link_state_text(). */
const char *link_watch_text(const struct link_watch *w);
/* Returns the present MAC, six bytes: the last one when the interface was removed. */
const unsigned char *link_watch_mac(const struct link_watch *w);

/* Reads the MAC of an interface. Returns 0, -EPROTOTYPE when it is not ethernet, or -errno. */
int link_mac(const char *ifname, unsigned char mac[6]);

#endif
