/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Requests to a DNS provider over libcurl: HTTPS only, with the certificate verified, without
 * redirects and proxies. The names of the endpoint are resolved before the job is confined (see
 * dns_prepare.c), so that libcurl needs neither files nor threads here. The connection is reused by
 * all requests of a job.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "agent/dns_prepare.h"
#include "agent/dns_provider.h"
#include "base/clock.h"
#include "base/version.h"

#define SET(option, value) (curl_easy_setopt(j->curl, option, value) == CURLE_OK)
#define RETRY_MAX_S        3600
#define FIRST_REFUSAL      400
#define TOO_MANY_REQUESTS  429

static size_t take_body(char *data, size_t size, size_t n, void *arg)
{
	struct dns_job *j = arg;
	size_t len = size * n;
	char *more;

	if (len > DNS_BODY_MAX - j->body_len)
		return 0;
	more = realloc(j->body, j->body_len + len + 1);
	if (!more)
		return 0;
	j->body = more;
	memcpy(j->body + j->body_len, data, len);
	j->body_len += len;
	j->body[j->body_len] = '\0';
	return len;
}

int dns_http_open(struct dns_job *j)
{
	struct curl_blob ca = {.data = j->ca, .len = j->ca_len, .flags = CURL_BLOB_NOCOPY};

	j->curl = curl_easy_init();
	if (j->curl && SET(CURLOPT_PROTOCOLS_STR, "https") && SET(CURLOPT_NOSIGNAL, 1L) &&
	    SET(CURLOPT_PROXY, "") && SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) &&
	    SET(CURLOPT_FOLLOWLOCATION, 0L) && SET(CURLOPT_PATH_AS_IS, 1L) &&
	    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) &&
	    SET(CURLOPT_SSL_VERIFYPEER, 1L) && SET(CURLOPT_SSL_VERIFYHOST, 2L) &&
	    SET(CURLOPT_CAINFO, NULL) && SET(CURLOPT_CAPATH, NULL) &&
	    SET(CURLOPT_CAINFO_BLOB, &ca) && SET(CURLOPT_RESOLVE, j->resolve) &&
	    SET(CURLOPT_TIMEOUT_MS, (long)(j->req->conf.timeout_ns / NS_PER_MS)) &&
	    SET(CURLOPT_ERRORBUFFER, j->curl_error) && SET(CURLOPT_WRITEFUNCTION, take_body) &&
	    SET(CURLOPT_WRITEDATA, j) && SET(CURLOPT_USERAGENT, "hokm-xdp/" HOKM_VERSION))
		return 0;
	return dns_fail(j, DNS_FAILED, "libcurl rejected an option");
}

void dns_http_close(struct dns_job *j)
{
	curl_easy_cleanup(j->curl);
	curl_slist_free_all(j->headers);
	curl_slist_free_all(j->resolve);
	free(j->body);
	free(j->ca);
	explicit_bzero(j->secret, sizeof(j->secret));
}

int dns_header(struct dns_job *j, const char *name, const char *value)
{
	char line[DNS_SECRET_MAX + 64];
	struct curl_slist *more;

	snprintf(line, sizeof(line), "%s: %s", name, value);
	more = curl_slist_append(j->headers, line);
	explicit_bzero(line, sizeof(line));
	if (!more)
		return dns_fail(j, DNS_FAILED, "out of memory");
	j->headers = more;
	return 0;
}

/*
 * What the answer says about the time to wait: Retry-After, or the moment that DigitalOcean names.
 * DigitalOcean sends that moment with every answer, but only an answer that refuses means it.
 */
static uint64_t retry_ns(struct dns_job *j)
{
	struct curl_header *h;
	curl_off_t seconds = 0;

	curl_easy_getinfo(j->curl, CURLINFO_RETRY_AFTER, &seconds);
	if (seconds <= 0 && j->status == TOO_MANY_REQUESTS &&
	    curl_easy_header(j->curl, "ratelimit-reset", 0, CURLH_HEADER, -1, &h) == CURLHE_OK) {
		long long at = strtoll(h->value, NULL, 10), now = (long long)time(NULL);

		seconds = at > now ? at - now : 0;
	}
	if (seconds <= 0)
		return 0;
	return (uint64_t)(seconds > RETRY_MAX_S ? RETRY_MAX_S : seconds) * NS_PER_S;
}

/*
 * The options of one request, after those of the one before are gone. libcurl signs the body of an
 * earlier POST for a GET too, as long as it is set.
 */
static bool set_request(struct dns_job *j, const char *url, const char *method,
			struct curl_slist *headers, const char *body)
{
	return SET(CURLOPT_URL, url) && SET(CURLOPT_HTTPHEADER, headers) &&
	       SET(CURLOPT_POSTFIELDS, body) && SET(CURLOPT_HTTPGET, 1L) &&
	       (!body || SET(CURLOPT_POST, 1L)) && SET(CURLOPT_CUSTOMREQUEST, method);
}

/*
 * When a kept connection turns out to be dead, libcurl sends the request again over a new one. It
 * does so five times in the life of a handle, and a list of records may have more pages than that.
 */
static CURLcode perform(struct dns_job *j)
{
	CURLcode code = curl_easy_perform(j->curl);

	if (code == CURLE_SEND_ERROR && j->answered && SET(CURLOPT_FRESH_CONNECT, 1L)) {
		j->body_len = 0;
		j->body[0] = '\0';
		j->curl_error[0] = '\0';
		code = curl_easy_perform(j->curl);
		(void)SET(CURLOPT_FRESH_CONNECT, 0L);
	}
	j->answered = j->answered || code == CURLE_OK;
	return code;
}

int dns_http(struct dns_job *j, const char *method, const char *path, const char *type,
	     const char *body)
{
	char url[CONF_DNS_URL_MAX + DNS_PATH_MAX], line[96];
	struct curl_slist first = {.data = line, .next = j->headers};
	struct curl_slist *headers = body ? &first : j->headers;
	CURLcode code;

	snprintf(url, sizeof(url), "%s%s", j->base, path);
	snprintf(line, sizeof(line), "Content-Type: %s", type);
	j->body_len = 0;
	j->status = 0;
	j->retry_ns = 0;
	j->curl_error[0] = '\0';
	take_body(url, 0, 0, j);
	if (!j->body)
		return dns_fail(j, DNS_FAILED, "out of memory");
	if (!set_request(j, url, method, headers, body))
		return dns_fail(j, DNS_FAILED, "libcurl rejected an option for %s", url);
	code = perform(j);
	if (code != CURLE_OK)
		return dns_fail(j, DNS_FAILED, "%s %s: %s", method, url,
				j->curl_error[0] ? j->curl_error : curl_easy_strerror(code));
	curl_easy_getinfo(j->curl, CURLINFO_RESPONSE_CODE, &j->status);
	/* Before parts of its words are taken, and cut. */
	if (j->status >= FIRST_REFUSAL)
		dns_mask(j, j->body);
	j->retry_ns = retry_ns(j);
	return 0;
}

enum dns_result dns_status_result(long status)
{
	if (status == 401 || status == 403)
		return DNS_DENIED;
	if (status == TOO_MANY_REQUESTS)
		return DNS_LIMITED;
	return status >= 400 && status < 500 && status != 408 ? DNS_REFUSED : DNS_FAILED;
}

json_t *dns_json(struct dns_job *j, const char *method, const char *path, const json_t *body,
		 dns_words_fn words)
{
	enum dns_result result = DNS_FAILED;
	char text[160] = "";
	char *data = body ? json_dumps(body, JSON_COMPACT) : NULL;
	json_t *answer = NULL;
	int err = body && !data ? dns_fail(j, DNS_FAILED, "out of memory")
				: dns_http(j, method, path, "application/json", data);

	free(data);
	if (err)
		return NULL;
	result = dns_status_result(j->status);
	answer = json_loadb(j->body, j->body_len, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(answer) && words(answer, j->status, text, sizeof(text), &result))
		return answer;
	if (!json_is_object(answer))
		snprintf(text, sizeof(text), "the answer is no JSON object");
	json_decref(answer);
	dns_fail(j, result, "%s answered %s with HTTP %ld: %s", j->provider->name, method,
		 j->status, text[0] ? text : "no words");
	return NULL;
}

int dns_bearer(struct dns_job *j)
{
	char value[DNS_SECRET_MAX + 8];
	int err;

	snprintf(value, sizeof(value), "Bearer %s", j->secret[0]);
	err = dns_header(j, "Authorization", value);
	explicit_bzero(value, sizeof(value));
	return err;
}

int dns_patch(struct dns_job *j, const char *path, json_t *body, dns_words_fn words)
{
	json_t *answer;

	if (!body)
		return dns_fail(j, DNS_FAILED, "out of memory");
	answer = dns_json(j, "PATCH", path, body, words);
	json_decref(body);
	json_decref(answer);
	return answer ? 0 : -1;
}

int dns_pages(struct dns_job *j, int (*find_page)(struct dns_job *j, unsigned int page))
{
	for (unsigned int page = 1; page <= DNS_PAGES_MAX; page++) {
		int more = find_page(j, page);

		if (more != 1)
			return more;
	}
	return dns_fail(j, DNS_FAILED, "the zone has more than %d pages of records", DNS_PAGES_MAX);
}
