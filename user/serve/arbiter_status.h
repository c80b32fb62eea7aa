/* SPDX-License-Identifier: GPL-2.0-only */
/* The arbiters `gateway` and `etcd` as JSON, for `ctl status`. */
#ifndef HOKM_SERVE_ARBITER_STATUS_H
#define HOKM_SERVE_ARBITER_STATUS_H

#include <jansson.h>

struct etcd_watch;
struct gateway_watch;

/* New reference; null where neither is the arbiter. */
json_t *arbiter_status_json(const struct gateway_watch *w, const struct etcd_watch *e);

#endif
