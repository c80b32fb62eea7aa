/* SPDX-License-Identifier: GPL-2.0-only */
/* What the providers of AWS have in common: signed requests, and answers in XML. */
#ifndef HOKM_AGENT_DNS_AWS_H
#define HOKM_AGENT_DNS_AWS_H

#include "agent/dns_provider.h"
#include "agent/dns_xml.h"

/* Requests are signed by libcurl (SigV4) with the secrets, for this region and service. */
int dns_aws_login(struct dns_job *j, const char *region, const char *service);

/* A request whose answer goes to fn. An answer that is no success: -1, in AWS's words. */
int dns_aws_ask(struct dns_job *j, const char *method, const char *path, const char *type,
		const char *body, dns_xml_fn fn, void *arg);

/* Does the path of an element end so? */
bool dns_aws_ends(const char *path, const char *end);

#endif
