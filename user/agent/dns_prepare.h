/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a DNS job does before it is confined: secrets, certificates, the addresses of the endpoint.
 */
#ifndef HOKM_AGENT_DNS_PREPARE_H
#define HOKM_AGENT_DNS_PREPARE_H

#include "agent/dns_provider.h"

/*
 * Reads the provider's secrets into j->secret: from the file dns.credentials, else from the file
 * hokm-dns in systemd's CREDENTIALS_DIRECTORY, else from the environment. A file has lines
 * NAME=VALUE, and nobody but its owner and root has access to it. As root.
 */
int dns_read_secrets(struct dns_job *j);
/* Reads the certificates of the authorities. */
int dns_read_ca(struct dns_job *j);
/* Splits the endpoint and resolves its host. As the user of the agent: it parses answers. */
int dns_resolve(struct dns_job *j);

/* dns_http.c */
int dns_http_open(struct dns_job *j);
void dns_http_close(struct dns_job *j);

#endif
