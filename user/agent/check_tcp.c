/* SPDX-License-Identifier: GPL-2.0-only */
/* Check `tcp`: passed when the port accepts a connection (and, with tls, the handshake ends). */
#include "agent/check.h"

static void tcp_start(struct check_run *r)
{
	if (!check_easy_make(r, ""))
		return;
	if (curl_easy_setopt(r->easy, CURLOPT_CONNECT_ONLY, 1L) != CURLE_OK)
		check_fail(r, HOKM_R_CHECK_ERROR, "libcurl cannot only connect");
	else
		check_easy_start(r);
}

static void tcp_ended(struct check_run *r, CURLcode code)
{
	if (code == CURLE_OK)
		check_pass(r, "port %u accepts connections", r->request.check.port);
	else
		check_fail_curl(r, code);
}

static void tcp_late(struct check_run *r)
{
	check_fail(r, HOKM_R_CHECK_TIMEOUT, "port %u did not accept within %llu ms",
		   r->request.check.port,
		   (unsigned long long)(r->request.check.timeout_ns / NS_PER_MS));
}

const struct check_kind check_tcp = {
	.name = "tcp",
	.start = tcp_start,
	.ended = tcp_ended,
	.late = tcp_late,
};
