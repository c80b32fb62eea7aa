/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Do frames of the full size of this node's interface arrive at each peer, and such frames of the
 * peer here? Where the nodes or a switch between them have different MTUs they do not: small
 * packets pass, so that pulses, adverts and most messages of a game do, and a player who is carried
 * by the node with the larger MTU loses each large message.
 */
#ifndef HOKM_TEST_FULL_FRAMES_H
#define HOKM_TEST_FULL_FRAMES_H

#include "conf/conf.h"
#include "test/report.h"

/* A row for each peer; `interface` is that of the VIP, "" for unknown. */
void test_full_frames(const struct conf *c, const char *interface, struct test_report *t);

#endif
