/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The job that asks the name servers of the zone after a change, until all of them give the new
 * address or dns.propagation is over. It has no credentials, and changes nothing. The change counts
 * as made whatever it finds: success is what the provider's API says.
 */
#ifndef HOKM_AGENT_DNS_PROPAGATION_H
#define HOKM_AGENT_DNS_PROPAGATION_H

#include "agent/dns_messages.h"

/* 0, or -1 when the parent is gone. */
int dns_propagation_job(const struct dns_request *req, const char *user);

#endif
