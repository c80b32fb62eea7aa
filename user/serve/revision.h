/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The revision of the status: a number that grows when what status says of ownership, state,
 * orders, services, checks, players or peers is another than when it was asked for last. Every
 * output of a status shows its revision too: `ctl status --json`, `hokm-xdp top`, the status page,
 * the metrics. Two that show the same revision must show the same state, however old it is. It
 * counts from 1 at each start of the daemon. Ages, counters and times are no part of it, because
 * they always change.
 */
#ifndef HOKM_SERVE_REVISION_H
#define HOKM_SERVE_REVISION_H

#include <jansson.h>
#include <stdint.h>

#include "daemon/front_ops.h"

/* The revision of this status; *r knows the former one. Nothing else changes. */
uint64_t revision_of(struct revision *r, const json_t *status);

#endif
