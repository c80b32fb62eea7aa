/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Check `tcp`: the check passes when the port accepts a connection and, with tls, the TLS handshake
 * succeeds.
 */
#include "agent/check.h"

static void tcp_ended(struct check_run *r, CURLcode code)
{
	if (code == CURLE_OK)
		check_pass(r, "port %u accepts connections", r->request.check.port);
	else
		check_fail_curl(r, code);
}

const struct check_kind check_tcp = {
	.name = "tcp",
	.start = check_easy_connect,
	.ended = tcp_ended,
	.late = check_late_connect,
};
