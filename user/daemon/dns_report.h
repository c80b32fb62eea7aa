/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What log, events and history say of a DNS record (daemon/dns.h). A trouble is reported when it
 * begins, and its end is reported too, so that no notification about it is repeated without limit.
 * What was reported is in the book: an end is reported after a restart as well.
 */
#ifndef HOKM_DAEMON_DNS_REPORT_H
#define HOKM_DAEMON_DNS_REPORT_H

#include "daemon/dns.h"

/* The wall clock, for the history. */
int64_t dns_wall_s(void);
/* An entry of the history. */
void dns_note(struct dns *d, unsigned int t, const char *what, const char *text);
/* What a job has found. To be called before it becomes the last one of its line. */
void dns_report_result(struct dns *d, unsigned int t, const struct dns_reply *r);
/* The circuit breaker, when it has another state. */
void dns_report_breaker(struct dns *d, unsigned int t);
/* Once after the start: what the operator has set may be of a machine that has left the group. */
void dns_report_held(struct dns *d, unsigned int t);
/* This node does not write the record any more: its trouble is not this node's. */
void dns_report_left(struct dns *d, unsigned int t);

#endif
