/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Check `http`: GET of a path. The check passes when the status is the expected one and, if a text
 * is configured, the first CHECK_BODY_MAX bytes of the body contain it.
 *
 * The body is searched while it arrives and is not kept. Only `tail` has the last bytes, because
 * the text may begin there and continue in the next read. The transfer is aborted as soon as the
 * result is known.
 */
#include <stdio.h>
#include <string.h>

#include "agent/check.h"

struct http_state {
	size_t header_bytes;
	size_t body_bytes;
	char tail[CONF_NAME_MAX];
	size_t tail_bytes;
	bool found;
	bool enough; /* we aborted the transfer, because the result is known */
};

static size_t on_header(char *data, size_t size, size_t n, void *arg)
{
	struct check_run *r = arg;
	struct http_state *s = r->priv;

	(void)data;
	s->header_bytes += size * n;
	return s->header_bytes > CHECK_HEADERS_MAX ? 0 : size * n;
}

/* Returns true when the text begins in the tail of earlier data and ends in `data`. */
static bool found_across(const struct http_state *s, const char *data, size_t len, const char *text,
			 size_t text_len)
{
	char seam[2 * CONF_NAME_MAX];
	size_t take = len < CONF_NAME_MAX ? len : CONF_NAME_MAX;

	memcpy(seam, s->tail, s->tail_bytes);
	memcpy(seam + s->tail_bytes, data, take);
	return memmem(seam, s->tail_bytes + take, text, text_len);
}

/* Keeps the last `keep` bytes, in which the text may begin: one byte less than its length. */
static void keep_tail(struct http_state *s, const char *data, size_t len, size_t keep)
{
	if (len >= keep) {
		memcpy(s->tail, data + len - keep, keep);
		s->tail_bytes = keep;
		return;
	}
	if (s->tail_bytes + len > keep) {
		size_t drop = s->tail_bytes + len - keep;

		memmove(s->tail, s->tail + drop, s->tail_bytes - drop);
		s->tail_bytes -= drop;
	}
	memcpy(s->tail + s->tail_bytes, data, len);
	s->tail_bytes += len;
}

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
	struct check_run *r = arg;
	struct http_state *s = r->priv;
	const char *text = r->request.check.body;
	const size_t text_len = strlen(text);
	size_t len = size * n;

	if (len > CHECK_BODY_MAX - s->body_bytes)
		len = CHECK_BODY_MAX - s->body_bytes;
	s->body_bytes += len;
	if (text_len && !s->found) {
		s->found = memmem(data, len, text, text_len) ||
			   found_across(s, data, len, text, text_len);
		keep_tail(s, data, len, text_len - 1);
	}
	s->enough = s->body_bytes == CHECK_BODY_MAX || s->found;
	return s->enough ? CURL_WRITEFUNC_ERROR : size * n;
}

static void http_start(struct check_run *r)
{
	char host[sizeof(r->request.host) + 8];

	if (!check_easy_make(r, r->request.check.path))
		return;
	if (r->request.host[0]) {
		snprintf(host, sizeof(host), "Host: %s", r->request.host);
		r->headers = curl_slist_append(NULL, host);
	}
	if ((r->request.host[0] && !r->headers) ||
	    curl_easy_setopt(r->easy, CURLOPT_HTTPHEADER, r->headers) != CURLE_OK ||
	    curl_easy_setopt(r->easy, CURLOPT_FORBID_REUSE, 1L) != CURLE_OK ||
	    curl_easy_setopt(r->easy, CURLOPT_HEADERFUNCTION, on_header) != CURLE_OK ||
	    curl_easy_setopt(r->easy, CURLOPT_HEADERDATA, r) != CURLE_OK ||
	    curl_easy_setopt(r->easy, CURLOPT_WRITEFUNCTION, on_body) != CURLE_OK ||
	    curl_easy_setopt(r->easy, CURLOPT_WRITEDATA, r) != CURLE_OK)
		check_fail(r, HOKM_R_CHECK_ERROR, "libcurl rejected an option, or out of memory");
	else
		check_easy_start(r);
}

static void judge(struct check_run *r)
{
	const struct conf_check *c = &r->request.check;
	const struct http_state *s = r->priv;
	long status = 0;

	curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status != (long)c->status)
		check_fail(r, HOKM_R_CHECK_STATUS, "GET %.64s: status %ld, expected %u", c->path,
			   status, c->status);
	else if (c->body[0] && !s->found)
		check_fail(r, HOKM_R_CHECK_BODY, "GET %.48s: \"%s\" is not in the first %zu bytes",
			   c->path, c->body, s->body_bytes);
	else
		check_pass(r, "GET %.64s: status %ld", c->path, status);
}

static void http_ended(struct check_run *r, CURLcode code)
{
	const struct http_state *s = r->priv;

	if (s->header_bytes > CHECK_HEADERS_MAX)
		check_fail(r, HOKM_R_CHECK_ERROR, "GET %.64s: more than %d bytes of headers",
			   r->request.check.path, CHECK_HEADERS_MAX);
	else if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && s->enough))
		judge(r);
	else
		check_fail_curl(r, code);
}

static void http_late(struct check_run *r)
{
	const struct http_state *s = r->priv;

	check_fail(r, HOKM_R_CHECK_TIMEOUT, "GET %.64s: %s within %llu ms", r->request.check.path,
		   s->header_bytes ? "the answer was not complete" : "no answer",
		   (unsigned long long)(r->request.check.timeout_ns / NS_PER_MS));
}

const struct check_kind check_http = {
	.name = "http",
	.priv_bytes = sizeof(struct http_state),
	.start = http_start,
	.ended = http_ended,
	.late = http_late,
};
