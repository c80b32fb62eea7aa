/* SPDX-License-Identifier: GPL-2.0-only */
/* See notify_deliver.h. What all types share: the transfer, its limits, and how it ended. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/mask.h"
#include "agent/notify_deliver.h"
#include "base/clock.h"
#include "base/version.h"

/* A connection that was idle for this long is not used again: it may be dead without a sign. */
#define IDLE_MAX_S 60L

static const struct deliver_type *const types[] = {
	[NOTIFY_EMAIL] = &deliver_email,   [NOTIFY_SLACK] = &deliver_slack,
	[NOTIFY_SMS] = &deliver_sms,       [NOTIFY_WEBHOOK] = &deliver_webhook,
	[NOTIFY_SYSLOG] = &deliver_syslog,
};

/* Replaces what is not printable, and what is left of a credential that a server has echoed. */
static void make_safe(struct delivery *d)
{
	mask_secret(d->detail, d->conf->credential);
	for (char *p = d->detail; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = ' ';
}

void deliver_say(struct delivery *d, enum deliver_result result, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(d->detail, sizeof(d->detail), fmt, ap);
	va_end(ap);
	d->result = result;
	make_safe(d);
}

static size_t keep_reply(char *data, size_t size, size_t n, void *arg)
{
	struct delivery *d = arg;
	size_t room = sizeof(d->reply) - 1 - d->reply_len, len = size * n;

	memcpy(d->reply + d->reply_len, data, len < room ? len : room);
	d->reply_len += len < room ? len : room;
	d->reply[d->reply_len] = '\0';
	return len;
}

int deliver_add(struct delivery *d, const char *line)
{
	struct curl_slist *list = curl_slist_append(d->list, line);

	if (!list)
		return -ENOMEM;
	d->list = list;
	return 0;
}

int deliver_post(struct delivery *d, const char *url, const char *content_type)
{
	char header[128];
	int err;

	snprintf(header, sizeof(header), "Content-Type: %s", content_type);
	err = deliver_add(d, header);
	/* Without this libcurl would wait for an interim answer before it sends a long body. */
	if (!err)
		err = deliver_add(d, "Expect:");
	if (err)
		return err;
	if (curl_easy_setopt(d->easy, CURLOPT_URL, url) ||
	    curl_easy_setopt(d->easy, CURLOPT_POST, 1L) ||
	    curl_easy_setopt(d->easy, CURLOPT_POSTFIELDSIZE, (long)d->request_len) ||
	    curl_easy_setopt(d->easy, CURLOPT_POSTFIELDS, d->request) ||
	    curl_easy_setopt(d->easy, CURLOPT_HTTPHEADER, d->list))
		return -ENOMEM;
	return 0;
}

/* TLS is verified by libcurl's defaults; redirects are not followed. */
static int prepare(struct delivery *d)
{
	const struct conf_notify *c = d->conf;
	long timeout_ms = (long)(c->timeout_ns / NS_PER_MS);

	d->easy = curl_easy_init();
	if (!d->easy || curl_easy_setopt(d->easy, CURLOPT_ERRORBUFFER, d->error) ||
	    curl_easy_setopt(d->easy, CURLOPT_NOSIGNAL, 1L) ||
	    /* A name server that does not answer holds up this channel only. */
	    curl_easy_setopt(d->easy, CURLOPT_QUICK_EXIT, 1L) ||
	    curl_easy_setopt(d->easy, CURLOPT_TIMEOUT_MS, timeout_ms) ||
	    curl_easy_setopt(d->easy, CURLOPT_MAXAGE_CONN, IDLE_MAX_S) ||
	    /* libcurl ages the addresses that it keeps by the wall clock, which may be set back. */
	    curl_easy_setopt(d->easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L) ||
	    /* A file of certificates that was renewed counts for the next connection. */
	    curl_easy_setopt(d->easy, CURLOPT_CA_CACHE_TIMEOUT, 0L) ||
	    curl_easy_setopt(d->easy, CURLOPT_PROTOCOLS_STR, "http,https,smtp,smtps") ||
	    curl_easy_setopt(d->easy, CURLOPT_NOPROXY, "*") ||
	    curl_easy_setopt(d->easy, CURLOPT_USERAGENT, "hokm-xdp/" HOKM_VERSION) ||
	    curl_easy_setopt(d->easy, CURLOPT_WRITEFUNCTION, keep_reply) ||
	    curl_easy_setopt(d->easy, CURLOPT_WRITEDATA, d) ||
	    curl_easy_setopt(d->easy, CURLOPT_PRIVATE, d))
		return -ENOMEM;
	if (c->ca_file[0] && (curl_easy_setopt(d->easy, CURLOPT_CAINFO, c->ca_file) ||
			      curl_easy_setopt(d->easy, CURLOPT_CAPATH, NULL)))
		return -ENOMEM;
	return 0;
}

int deliver_open(const struct conf_notify *c, const struct notify_message *m, struct delivery **out)
{
	struct delivery *d = calloc(1, sizeof(*d));
	int err = 0;

	*out = NULL;
	if (!d)
		return -ENOMEM;
	d->conf = c;
	if (c->type != NOTIFY_SYSLOG)
		err = prepare(d);
	if (!err)
		err = types[c->type]->fill(d, m);
	if (err) {
		deliver_free(d);
		return err;
	}
	*out = d;
	return 0;
}

void deliver_free(struct delivery *d)
{
	if (!d)
		return;
	curl_easy_cleanup(d->easy);
	curl_slist_free_all(d->list);
	if (d->request)
		explicit_bzero(d->request, d->request_len);
	free(d->request);
	free(d);
}

/* ---- the end ---- */

static void end_http(struct delivery *d, long status)
{
	curl_off_t after_s = 0;

	curl_easy_getinfo(d->easy, CURLINFO_RETRY_AFTER, &after_s);
	if (after_s > 0)
		d->retry_after_s = (uint64_t)after_s;
	if (status >= 200 && status < 300) {
		deliver_say(d, DELIVER_OK, "HTTP %ld", status);
		if (types[d->conf->type]->judge)
			types[d->conf->type]->judge(d);
		return;
	}
	/* 401, 403 and 404 may be a credential or a URL that is corrected later. */
	if (status >= 400 && status < 500 && status != 401 && status != 403 && status != 404 &&
	    status != 408 && status != 429)
		deliver_say(d, DELIVER_REFUSED, "HTTP %ld: %.80s", status, d->reply);
	else
		deliver_say(d, DELIVER_RETRY, "HTTP %ld: %.80s", status, d->reply);
}

/*
 * A reply of 5xx to RCPT or DATA is permanent. One to the login or to MAIL is not: it judges the
 * sender, and the administrator of the server may allow that one later.
 */
static void end_mail_refused(struct delivery *d, CURLcode code, long status)
{
	bool message = (code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR ||
			code == CURLE_WEIRD_SERVER_REPLY) &&
		       status >= 550 && status < 560 &&
		       strncmp(d->error, "MAIL failed", strlen("MAIL failed")) != 0;

	deliver_say(d, message ? DELIVER_REFUSED : DELIVER_RETRY, "%s (last reply %ld)",
		    d->error[0] ? d->error : curl_easy_strerror(code), status);
}

void deliver_end(struct delivery *d, CURLcode code)
{
	long status = 0;

	/* Before they are cut. */
	mask_secret(d->reply, d->conf->credential);
	mask_secret(d->error, d->conf->credential);
	curl_easy_getinfo(d->easy, CURLINFO_RESPONSE_CODE, &status);
	if (types[d->conf->type]->http && code == CURLE_OK)
		end_http(d, status);
	else if (code == CURLE_OK)
		deliver_say(d, DELIVER_OK, "SMTP %ld", status);
	else if (!types[d->conf->type]->http)
		end_mail_refused(d, code, status);
	else
		deliver_say(d, DELIVER_RETRY, "%s",
			    d->error[0] ? d->error : curl_easy_strerror(code));
}
