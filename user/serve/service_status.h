/* SPDX-License-Identifier: GPL-2.0-only */
/* A service of this node as JSON, for `ctl status`: its checks, passive checks and recovery. */
#ifndef HOKM_SERVICE_STATUS_H
#define HOKM_SERVICE_STATUS_H

#include <jansson.h>
#include <stdint.h>

struct node;

/* `s`: its index; `state`: the one that it shows, as the policy decided. New reference. */
json_t *service_status_json(const struct node *n, unsigned int s, unsigned int state,
			    uint64_t now_ns);

#endif
