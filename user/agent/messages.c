/* SPDX-License-Identifier: GPL-2.0-only */
/* See messages.h. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "agent/messages.h"

void agent_request_fill(struct agent_request *out, unsigned int id, const struct conf_service *svc,
			unsigned int check, struct in_addr vip)
{
	char addr[INET_ADDRSTRLEN];

	memset(out, 0, sizeof(*out));
	out->id = id;
	out->check = svc->checks[check];
	if (inet_ntop(AF_INET, &vip, addr, sizeof(addr)))
		snprintf(out->host, sizeof(out->host), "%s:%u", addr, svc->port);
}

const char *check_kind_name(enum conf_check_kind kind)
{
	static const char *const names[] = {
		[CHECK_WEBSOCKET] = "websocket",
		[CHECK_HTTP] = "http",
		[CHECK_TCP] = "tcp",
		[CHECK_EXEC] = "exec",
	};

	return names[kind];
}
