/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DNS over TCP (RFC 7766) to the host of a job's endpoint: one connection for all messages of the
 * job. It is closed by the first failure. Each message has the time of dns.timeout.
 */
#ifndef HOKM_AGENT_DNS_TCP_H
#define HOKM_AGENT_DNS_TCP_H

#include "agent/dns_provider.h"

struct dns_tcp {
	int fd; /* -1: not connected */
};

/*
 * Sends a message and takes the next one, of which *got is the length: at least that of a head and
 * at most `size`. 0, or -1 after dns_fail().
 */
int dns_tcp_ask(struct dns_tcp *t, struct dns_job *j, const uint8_t *msg, size_t len,
		uint8_t *answer, size_t size, size_t *got);
void dns_tcp_close(struct dns_tcp *t);

#endif
