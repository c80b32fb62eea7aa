/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What ctl can ask of the daemon. A verb that changes something stores the operator's order in the
 * daemon's state and notes it: settle() carries it out in the same turn of the loop, before the
 * reply is sent.
 */
#ifndef HOKM_SERVE_VERBS_H
#define HOKM_SERVE_VERBS_H

#include "serve/serve.h"

/* The argument of the handlers is the daemon. */
extern const struct ctl_verb serve_verbs[];
extern const struct event_names serve_event_names;

/* The verbs that a monitor has too; an order for the record, and the level of the log. */
struct daemon;
struct dns;
int serve_dns_order(struct dns *d, const json_t *args, json_t **data, char *error, size_t size);
int serve_log_level(void *arg, const json_t *args, json_t **data, char *error, size_t size);

/* As agent/http_listener.h says: new reference. A part that cannot be read is left out. */
json_t *serve_state(struct daemon *d);
json_t *serve_line(const struct event_line *line);

#endif
