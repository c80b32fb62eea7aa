/* SPDX-License-Identifier: GPL-2.0-only */
/* The arbiter `gateway` as JSON, for `ctl status`. */
#ifndef HOKM_SERVE_ARBITER_STATUS_H
#define HOKM_SERVE_ARBITER_STATUS_H

#include <jansson.h>

struct gateway_watch;

/* New reference; null where the gateway is no arbiter. */
json_t *arbiter_status_json(const struct gateway_watch *w);

#endif
