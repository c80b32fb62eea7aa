/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rows of what the test does itself; see report.h. What comes from the network is parsed by
 * processes without rights: the agent of `hokm-xdp probe`, and the job of `hokm-xdp dns test`.
 */
#ifndef HOKM_TEST_ACTIVE_H
#define HOKM_TEST_ACTIVE_H

#include "conf/conf.h"
#include "test/report.h"

/* Is the port of each service open at the VIP? */
void test_ports(const struct conf *c, struct test_report *t);
/* Each check of the configuration once. */
void test_health(const struct conf *c, struct test_report *t);
/* A WebSocket connection to each service through the VIP, or, with a URL, to that one. */
void test_game(const struct conf *c, const char *url, struct test_report *t);
/* What `hokm-xdp dns test` says. */
void test_dns(const struct conf *c, struct test_report *t);
/* The channels of notifications. `send`: with a message to each, else only a connection. */
void test_notify(const struct conf *c, bool send, struct test_report *t);

#endif
