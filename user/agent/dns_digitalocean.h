/* SPDX-License-Identifier: GPL-2.0-only */
/* What the providers of DigitalOcean have in common. */
#ifndef HOKM_AGENT_DNS_DIGITALOCEAN_H
#define HOKM_AGENT_DNS_DIGITALOCEAN_H

#include "agent/dns_provider.h"

/* See dns_words_fn: a failure is {id, message}. */
bool dns_digitalocean_words(const json_t *answer, long status, char *text, size_t size,
			    enum dns_result *result);

#endif
