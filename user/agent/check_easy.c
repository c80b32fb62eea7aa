/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kinds of checks that use libcurl have in common: making an easy handle, and translating
 * the codes of libcurl to reasons.
 *
 * A check goes to a numeric address with HTTP/1.1 on its own connection. It uses no proxy and
 * follows no redirect. With TLS the certificate is not verified: a check goes to the node itself,
 * by address, and tests whether the game answers, not the identity of the server.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/check.h"
#include "base/clock.h"
#include "base/version.h"

#define SET(easy, option, value) (curl_easy_setopt(easy, option, value) == CURLE_OK)

static bool set_options(struct check_run *r, const char *url)
{
	CURL *easy = r->easy;

	return SET(easy, CURLOPT_PRIVATE, r) && SET(easy, CURLOPT_URL, url) &&
	       SET(easy, CURLOPT_PROTOCOLS_STR, "http,https") && SET(easy, CURLOPT_NOSIGNAL, 1L) &&
	       SET(easy, CURLOPT_PROXY, "") && SET(easy, CURLOPT_FRESH_CONNECT, 1L) &&
	       SET(easy, CURLOPT_FOLLOWLOCATION, 0L) &&
	       SET(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) &&
	       SET(easy, CURLOPT_SSL_ENABLE_ALPN, 0L) && SET(easy, CURLOPT_PATH_AS_IS, 1L) &&
	       SET(easy, CURLOPT_SSL_VERIFYPEER, 0L) && SET(easy, CURLOPT_SSL_VERIFYHOST, 0L) &&
	       SET(easy, CURLOPT_CAINFO, NULL) && SET(easy, CURLOPT_CAPATH, NULL) &&
	       SET(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L) &&
	       SET(easy, CURLOPT_USERAGENT, "hokm-xdp/" HOKM_VERSION);
}

bool check_easy_make(struct check_run *r, const char *path)
{
	const struct conf_check *c = &r->request.check;
	char addr[INET_ADDRSTRLEN];
	char url[CONF_PATH_MAX + 64];

	r->easy = curl_easy_init();
	if (!r->easy || !inet_ntop(AF_INET, &c->addr, addr, sizeof(addr))) {
		check_fail(r, HOKM_R_CHECK_ERROR, "out of memory");
		return false;
	}
	snprintf(url, sizeof(url), "http%s://%s:%u%s", c->tls ? "s" : "", addr, c->port, path);
	/* A websocket check without TLS writes it itself (check_websocket.c). */
	if (set_options(r, url) &&
	    (c->proxy != CONF_PROXY_V1 || !c->tls || SET(r->easy, CURLOPT_HAPROXYPROTOCOL, 1L)))
		return true;
	check_fail(r, HOKM_R_CHECK_ERROR, "libcurl rejected an option for %s", url);
	return false;
}

void check_easy_connect(struct check_run *r)
{
	if (!check_easy_make(r, ""))
		return;
	if (SET(r->easy, CURLOPT_CONNECT_ONLY, 1L))
		check_easy_start(r);
	else
		check_fail(r, HOKM_R_CHECK_ERROR, "libcurl rejected the option CONNECT_ONLY");
}

void check_late_connect(struct check_run *r)
{
	check_fail(r, HOKM_R_CHECK_TIMEOUT, "port %u did not accept within %llu ms",
		   r->request.check.port,
		   (unsigned long long)(r->request.check.timeout_ns / NS_PER_MS));
}

void check_easy_start(struct check_run *r)
{
	CURLMcode code = curl_multi_add_handle(check_engine_multi(r->engine), r->easy);

	if (code != CURLM_OK)
		check_fail(r, HOKM_R_CHECK_ERROR, "libcurl could not start the check: %s",
			   curl_multi_strerror(code));
}

/* A moment of the transfer, in nanoseconds from its start; 0 when it was not reached. */
static uint64_t moment_ns(const struct check_run *r, CURLINFO info)
{
	curl_off_t us = 0;

	if (curl_easy_getinfo(r->easy, info, &us) != CURLE_OK || us <= 0)
		return 0;
	return (uint64_t)us * (NS_PER_MS / 1000);
}

static void set_step(struct check_run *r, enum check_step step, uint64_t from_ns, uint64_t to_ns)
{
	if (to_ns)
		r->step_ns[step] = to_ns > from_ns ? to_ns - from_ns : 1;
}

void check_easy_steps(struct check_run *r)
{
	uint64_t connected_ns, secured_ns, answered_ns;

	if (!r->easy)
		return;
	connected_ns = moment_ns(r, CURLINFO_CONNECT_TIME_T);
	secured_ns = moment_ns(r, CURLINFO_APPCONNECT_TIME_T);
	set_step(r, CHECK_STEP_CONNECT, 0, connected_ns);
	set_step(r, CHECK_STEP_TLS, connected_ns, secured_ns);
	/* Of a request that libcurl made. A kind that writes its own notes these steps itself. */
	answered_ns = moment_ns(r, CURLINFO_STARTTRANSFER_TIME_T);
	if (r->request.check.kind != CHECK_HTTP || !answered_ns)
		return;
	set_step(r, CHECK_STEP_ANSWER, secured_ns ? secured_ns : connected_ns, answered_ns);
	if (r->ended && r->reason != HOKM_R_CHECK_TIMEOUT)
		set_step(r, CHECK_STEP_END, answered_ns, moment_ns(r, CURLINFO_TOTAL_TIME_T));
}

void check_easy_drop(struct check_run *r)
{
	/* Removing a handle that was never added does nothing. */
	if (r->easy)
		curl_multi_remove_handle(check_engine_multi(r->engine), r->easy);
	curl_easy_cleanup(r->easy);
	r->easy = NULL;
	curl_slist_free_all(r->headers);
	r->headers = NULL;
}

static void fail_connect(struct check_run *r, const char *addr)
{
	const struct conf_check *c = &r->request.check;
	long os_errno = 0;

	curl_easy_getinfo(r->easy, CURLINFO_OS_ERRNO, &os_errno);
	if (os_errno == ECONNREFUSED)
		check_fail(r, HOKM_R_CHECK_REFUSED, "%s:%u refused the connection", addr, c->port);
	else
		check_fail(r, HOKM_R_CHECK_CONNECT, "could not connect to %s:%u: %s", addr, c->port,
			   os_errno ? strerror((int)os_errno) : "unknown cause");
}

void check_fail_curl(struct check_run *r, CURLcode code)
{
	const struct conf_check *c = &r->request.check;
	char addr[INET_ADDRSTRLEN] = "?";

	inet_ntop(AF_INET, &c->addr, addr, sizeof(addr));
	switch (code) {
	case CURLE_COULDNT_CONNECT:
		fail_connect(r, addr);
		break;
	case CURLE_SSL_CONNECT_ERROR:
		check_fail(r, HOKM_R_CHECK_CONNECT, "TLS handshake with %s:%u failed", addr,
			   c->port);
		break;
	case CURLE_OPERATION_TIMEDOUT:
		check_fail(r, HOKM_R_CHECK_TIMEOUT, "%s:%u: %s", addr, c->port,
			   curl_easy_strerror(code));
		break;
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_PARTIAL_FILE:
		check_fail(r, HOKM_R_CHECK_CLOSED, "%s:%u closed the connection: %s", addr, c->port,
			   curl_easy_strerror(code));
		break;
	default:
		check_fail(r, HOKM_R_CHECK_ERROR, "%s:%u: %s", addr, c->port,
			   curl_easy_strerror(code));
	}
}
