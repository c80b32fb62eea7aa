/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two network namespaces of the test's own, joined by a veth pair, gone with the test's process:
 *
 *   a: hx0 192.168.1.26/24  <--veth-->  b: hx1 192.168.1.27/24
 *
 * The test runs in a mount namespace of its own too. Everything here ends the test's process with a
 * message when it fails: without it no test of the program can say anything.
 */
#ifndef TESTS_OWN_NETNS_H
#define TESTS_OWN_NETNS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define OWN_SKIPPED 77 /* exit code: not run, needs root */

struct own_netns {
	int a, b; /* descriptors of the namespaces */
	int ifindex_a, ifindex_b;
	struct in_addr addr_a, addr_b;
};

/* Makes both and the veth pair, waits for its link, stays in a. */
void own_netns_make(struct own_netns *n);
void own_netns_enter(int ns_fd);
/* hx0 and hx1 anew, with their addresses. */
void own_netns_link(struct own_netns *n);
/* Runs a program with this NULL-ended argv, output to stderr; its exit status. */
int own_run(const char *const argv[]);
#define RUN(...) own_run((const char *const[]){__VA_ARGS__, NULL})

struct in_addr own_addr(const char *text);
/* True once fn(arg) is, false when it was not within deadline_ms. */
bool own_wait(bool (*fn)(void *), void *arg, uint64_t deadline_ms);

#endif
