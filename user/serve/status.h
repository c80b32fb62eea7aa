/* SPDX-License-Identifier: GPL-2.0-only */
/* The daemon's state as JSON: `ctl status --json`, and what `ctl status` renders. */
#ifndef HOKM_SERVE_STATUS_H
#define HOKM_SERVE_STATUS_H

#include <jansson.h>

struct daemon;

/* New reference. Times are ages in ms, null for never. Counts the revision (serve/revision.h). */
json_t *status_json(struct daemon *d);

#endif
