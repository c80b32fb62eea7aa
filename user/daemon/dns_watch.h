/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * After a change: how many of the zone's own name servers give the new address. A job of its own
 * asks them (agent/dns_propagation.h), so that the next write waits for nothing. At most one runs
 * for a record; a later change ends it and begins another. Nothing here waits, except the close.
 */
#ifndef HOKM_DAEMON_DNS_WATCH_H
#define HOKM_DAEMON_DNS_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/dns_messages.h"

struct dns_watch {
	struct dns_request req;
	bool due;  /* to be started when the former job is gone */
	int fd;    /* -1: none talks */
	pid_t pid; /* until it is reaped; 0: none */
	uint64_t by_ns;
	/* what is known of the last change */
	bool known, ended;
	struct dns_reply last;
};

void dns_watch_init(struct dns_watch *w);
/* After a change; the request is that of the change, the zone is what the provider named. */
void dns_watch_begin(struct dns_watch *w, const struct dns_request *req, const char *zone);
/* True when the job has ended just now: its last reply is in w->last. */
bool dns_watch_tick(struct dns_watch *w, const char *user, uint64_t now_ns);
/* Ends the job; what is known is kept. */
void dns_watch_stop(struct dns_watch *w);
/* The same, and waits for its end. */
void dns_watch_close(struct dns_watch *w);

#endif
