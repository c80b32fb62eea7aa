/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two network namespaces for one test, joined by a veth pair. They end with the process:
 *
 *   a: hx0 192.168.1.26/24  <--veth-->  b: hx1 192.168.1.27/24
 *
 * The test also runs in its own mount namespace. Each function here ends the process with a message
 * when it fails, because no test can run without its namespaces.
 */
#ifndef TESTS_OWN_NETNS_H
#define TESTS_OWN_NETNS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define OWN_SKIPPED 77 /* exit code: the test was not run, it needs root */

struct own_netns {
	int a, b; /* descriptors of the namespaces */
	int ifindex_a, ifindex_b;
	struct in_addr addr_a, addr_b;
};

/* Makes both namespaces and the veth pair, waits for its link, stays in a. */
void own_netns_make(struct own_netns *n);
void own_netns_enter(int ns_fd);
/* Makes hx0 and hx1 with their addresses, again after they were deleted. */
void own_netns_link(struct own_netns *n);
/* Runs a program with a NULL-terminated argv and its output on stderr. Its exit status. */
int own_run(const char *const argv[]);
#define RUN(...) own_run((const char *const[]){__VA_ARGS__, NULL})

struct in_addr own_addr(const char *text);
/* Waits until fn(arg) is true; false when it is not within deadline_ms. */
bool own_wait(bool (*fn)(void *), void *arg, uint64_t deadline_ms);

#endif
