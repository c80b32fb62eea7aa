/* SPDX-License-Identifier: GPL-2.0-only */
/* What the packet path counted, as JSON. */
#ifndef HOKM_SERVE_COUNTS_H
#define HOKM_SERVE_COUNTS_H

#include <jansson.h>

#include "daemon/node.h"

/* {"services": {NAME: {COUNTER: N}}, "node": {...}}: new reference; NULL when it cannot be read. */
json_t *counters_json(const struct node *n);

/* {SERVICE: {KIND: [number of each place]}}: the same. */
json_t *latency_json(const struct node *n);

#endif
