/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The values of which the files *_status.c make the status: times as ages or rests in ms, counts,
 * addresses. Private to them.
 */
#ifndef HOKM_STATUS_JSON_H
#define HOKM_STATUS_JSON_H

#include <arpa/inet.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"

/* Sets a key; a failed allocation shows as a missing key, never as a wrong one. */
static inline void status_put(json_t *o, const char *key, json_t *value)
{
	if (json_object_set_new(o, key, value))
		log_debug("status: no memory for %s", key);
}

static inline json_t *status_ms(uint64_t ns)
{
	return json_integer((json_int_t)(ns / NS_PER_MS));
}

static inline json_t *status_age(uint64_t then_ns, uint64_t now_ns)
{
	if (!then_ns)
		return json_null();
	return status_ms(now_ns > then_ns ? now_ns - then_ns : 0);
}

static inline json_t *status_left(uint64_t until_ns, uint64_t now_ns)
{
	return status_ms(until_ns > now_ns ? until_ns - now_ns : 0);
}

static inline json_t *status_ipv4(struct in_addr a)
{
	char buf[INET_ADDRSTRLEN];

	return json_string(inet_ntop(AF_INET, &a, buf, sizeof(buf)) ? buf : "?");
}

static inline json_t *status_mac(const __u8 mac[6])
{
	char buf[18];

	snprintf(buf, sizeof(buf), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
		 mac[4], mac[5]);
	return json_string(buf);
}

static inline json_t *status_number(uint64_t n)
{
	return json_integer((json_int_t)n);
}

#endif
