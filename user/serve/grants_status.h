/* SPDX-License-Identifier: GPL-2.0-only */
/* The grants of the members as JSON, for `ctl status`. */
#ifndef HOKM_SERVE_GRANTS_STATUS_H
#define HOKM_SERVE_GRANTS_STATUS_H

#include <jansson.h>

struct quorum;
struct vrrp;

/* New reference; null where no majority is configured or in force. */
json_t *grants_status_json(const struct quorum *q, const struct vrrp *v);

#endif
