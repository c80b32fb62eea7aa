/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One daemon for each network namespace. Two would take each other's VIPs, routes, fences and
 * sysctls for leftovers, whatever name, interface, control socket or bpffs their files name.
 */
#ifndef HOKM_DAEMON_NETNS_LOCK_H
#define HOKM_DAEMON_NETNS_LOCK_H

/* Descriptors; -1: not held. */
struct netns_lock {
	int name;  /* the socket whose name is the lock */
	int words; /* the socket whose name says who holds it */
};

#define NETNS_LOCK_NONE ((struct netns_lock){.name = -1, .words = -1})

/*
 * Takes the lock for this process, which has read the configuration `file`. -EADDRINUSE when
 * another process of root or of this user holds it. 0 or -errno, logged. Caller:
 * netns_lock_release().
 */
int netns_lock_take(const char *file, struct netns_lock *l);
/* Releases the lock; one that is not held is fine. The end of the process releases it too. */
void netns_lock_release(struct netns_lock *l);

#endif
