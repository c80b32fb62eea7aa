/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two network namespaces of the test, joined by a veth pair. They disappear with its process:
 *
 *   a: hx0 192.168.1.26/24  <--veth-->  b: hx1 192.168.1.27/24
 *
 * The test also runs in its own mount namespace. When a function here fails, it prints a message
 * and ends the process, because no test can run without the namespaces.
 */
#ifndef TESTS_OWN_NETNS_H
#define TESTS_OWN_NETNS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define OWN_SKIPPED 77 /* exit code: the tests did not run, because they need root */

struct own_netns {
	int a, b; /* descriptors of the namespaces */
	int ifindex_a, ifindex_b;
	struct in_addr addr_a, addr_b;
};

/* Makes both namespaces and the veth pair, waits for its link, and stays in a. */
void own_netns_make(struct own_netns *n);
void own_netns_enter(int ns_fd);
/* Makes hx0 and hx1 again, with their addresses. */
void own_netns_link(struct own_netns *n);
/* Runs a program with this NULL-terminated argv, output to stderr. Returns its exit status. */
int own_run(const char *const argv[]);
#define RUN(...) own_run((const char *const[]){__VA_ARGS__, NULL})

struct in_addr own_addr(const char *text);
/* Waits until fn(arg) is true. Returns false when it was not within deadline_ms. */
bool own_wait(bool (*fn)(void *), void *arg, uint64_t deadline_ms);

#endif
