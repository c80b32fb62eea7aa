/* SPDX-License-Identifier: GPL-2.0-only */
/* DNS failover as JSON. */
#ifndef HOKM_SERVE_DNS_STATUS_H
#define HOKM_SERVE_DNS_STATUS_H

#include <jansson.h>
#include <stdbool.h>

struct dns;

/* New reference; null when DNS failover is off. */
json_t *dns_status_json(const struct dns *d, bool history);

#endif
