/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading XML of a provider: a function is called at the end of each element. */
#ifndef HOKM_AGENT_DNS_XML_H
#define HOKM_AGENT_DNS_XML_H

#include <stddef.h>

/*
 * `path` has the names of the element and of those around it: "/ErrorResponse/Error/Code". `text`
 * is the text directly in it, cut after 1 KiB. Not 0: stop.
 */
typedef int (*dns_xml_fn)(const char *path, const char *text, void *arg);

/* 0; -1 when fn() stopped it; -EBADMSG when it is no whole XML document, or has a DOCTYPE. */
int dns_xml(const char *body, size_t len, dns_xml_fn fn, void *arg);

#endif
