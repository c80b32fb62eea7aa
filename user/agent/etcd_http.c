/* SPDX-License-Identifier: GPL-2.0-only */
/* See etcd_http.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/etcd_http.h"
#include "agent/mask.h"
#include "agent/messages.h"
#include "agent/secret_file.h"
#include "base/ascii.h"
#include "base/clock.h"
#include "base/version.h"

#define CREDENTIAL   "hokm-etcd"
#define BODY_MAX     65536
#define FILE_MAX     (4u << 20)
#define POLL_MS      1000
#define LOGIN_PATH   "/v3/auth/authenticate"
#define TRY_LEAST_NS (10 * NS_PER_MS)
#define HTTP_OK      200
/* The shortest time for a login: etcd hashes the password for some 100 ms. */
#define LOGIN_NS       (2 * NS_PER_S)
#define HTTP_OLD_LOGIN 400
#define HTTP_NO_LOGIN  401
#define SET(option, v) (curl_easy_setopt(h->curl, option, v) == CURLE_OK)

static void complain(char text[ETCD_TEXT_MAX], const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void complain(char text[ETCD_TEXT_MAX], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(text, ETCD_TEXT_MAX, fmt, ap) < 0)
		text[0] = '\0';
	va_end(ap);
	ascii_only(text);
}

/* ---- files ---- */

static void take_line(struct etcd_http *h, const char *line)
{
	if (!strncmp(line, "ETCD_USER=", 10))
		snprintf(h->user, sizeof(h->user), "%s", line + 10);
	else if (!strncmp(line, "ETCD_PASSWORD=", 14))
		snprintf(h->password, sizeof(h->password), "%s", line + 14);
}

/* The file with a zero behind it; NULL, with the words in problem. Caller: free(). */
static char *read_file(struct etcd_http *h, const char *path, bool secret, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	const char *why = fd < 0 ? strerror(errno) : secret ? secret_not_safe(fd, false) : NULL;
	char *text = why ? NULL : secret_read_all(fd, FILE_MAX, len);

	if (!text)
		complain(h->problem, "%s is not used: %s", path, why ? why : strerror(errno));
	if (fd >= 0)
		close(fd);
	return text;
}

static void read_blob(struct etcd_http *h, const char *path, bool secret, struct curl_blob *to)
{
	size_t len = 0;

	to->data = path[0] ? read_file(h, path, secret, &len) : NULL;
	to->len = len;
	to->flags = CURL_BLOB_NOCOPY;
}

static void read_environment(struct etcd_http *h)
{
	char *user = getenv("ETCD_USER"), *password = getenv("ETCD_PASSWORD");

	if (user)
		snprintf(h->user, sizeof(h->user), "%s", user);
	if (!password)
		return;
	snprintf(h->password, sizeof(h->password), "%s", password);
	explicit_bzero(password, strlen(password));
}

static void read_credentials(struct etcd_http *h)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY"),
		   *named = h->settings->conf.credentials;
	char path[CONF_ETCD_PATH_MAX + sizeof(CREDENTIAL) + 1] = "", *text, *save = NULL;
	size_t len = 0;

	if (named[0])
		snprintf(path, sizeof(path), "%s", named);
	else if (folder && strlen(folder) < CONF_ETCD_PATH_MAX)
		snprintf(path, sizeof(path), "%s/" CREDENTIAL, folder);
	if (!path[0] || (!named[0] && access(path, F_OK))) {
		read_environment(h);
		return;
	}
	/* What systemd gives has the rights that systemd gives it. */
	text = read_file(h, path, named[0] != '\0', &len);
	if (!text)
		return;
	for (char *line = strtok_r(text, "\r\n", &save); line; line = strtok_r(NULL, "\r\n", &save))
		take_line(h, line);
	explicit_bzero(text, len);
	free(text);
}

void etcd_http_read_files(struct etcd_http *h)
{
	const struct conf_etcd *c = &h->settings->conf;
	bool tls = false;

	for (unsigned int i = 0; i < c->n_endpoints; i++)
		tls |= !strncmp(c->endpoint[i], "https:", 6);
	read_credentials(h);
	if (!tls)
		return;
	read_blob(h, c->ca_file, false, &h->ca);
	read_blob(h, c->cert_file, false, &h->cert);
	read_blob(h, c->key_file, true, &h->key);
}

/* ---- the handle ---- */

static size_t take_body(char *data, size_t size, size_t n, void *arg)
{
	struct etcd_http *h = arg;
	size_t len = size * n;

	if (len > BODY_MAX - h->body_len)
		return 0;
	memcpy(h->body + h->body_len, data, len);
	h->body_len += len;
	return len;
}

static bool set_tls(struct etcd_http *h)
{
	return (!h->ca.data || SET(CURLOPT_CAINFO_BLOB, &h->ca)) &&
	       (!h->cert.data ||
		(SET(CURLOPT_SSLCERT_BLOB, &h->cert) && SET(CURLOPT_SSLCERTTYPE, "PEM"))) &&
	       (!h->key.data ||
		(SET(CURLOPT_SSLKEY_BLOB, &h->key) && SET(CURLOPT_SSLKEYTYPE, "PEM")));
}

void etcd_http_open(struct etcd_http *h)
{
	h->cluster = h->settings->cluster;
	h->body = malloc(BODY_MAX);
	h->curl = curl_easy_init();
	h->multi = curl_multi_init();
	if (!h->body || !h->multi || !h->curl || !SET(CURLOPT_PROTOCOLS_STR, "http,https") ||
	    /* A name that is being resolved ends with its question, and is resolved once. */
	    !SET(CURLOPT_QUICK_EXIT, 1L) || !SET(CURLOPT_DNS_CACHE_TIMEOUT, -1L) ||
	    !SET(CURLOPT_NOSIGNAL, 1L) || !SET(CURLOPT_PROXY, "") ||
	    !SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) || !SET(CURLOPT_FOLLOWLOCATION, 0L) ||
	    !SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) ||
	    !SET(CURLOPT_TCP_NODELAY, 1L) || !SET(CURLOPT_SSL_VERIFYPEER, 1L) ||
	    !SET(CURLOPT_SSL_VERIFYHOST, 2L) || !SET(CURLOPT_CAINFO, NULL) ||
	    !SET(CURLOPT_CAPATH, NULL) || !SET(CURLOPT_ERRORBUFFER, h->error) ||
	    !SET(CURLOPT_WRITEFUNCTION, take_body) || !SET(CURLOPT_WRITEDATA, h) ||
	    !SET(CURLOPT_USERAGENT, "hokm-xdp/" HOKM_VERSION) || !set_tls(h))
		complain(h->problem, "libcurl has no memory, or rejected an option");
}

void etcd_http_close(struct etcd_http *h)
{
	curl_easy_cleanup(h->curl);
	curl_multi_cleanup(h->multi);
	free(h->body);
	free(h->ca.data);
	free(h->cert.data);
	if (h->key.data)
		explicit_bzero(h->key.data, h->key.len);
	free(h->key.data);
	explicit_bzero(h->password, sizeof(h->password));
}

/* ---- one request ---- */

/* As curl_easy_perform(), but a question ends when the daemon has another one. */
static CURLcode perform(struct etcd_http *h, bool login)
{
	struct curl_waitfd daemon = {.fd = AGENT_FD, .events = CURL_WAIT_POLLIN};
	CURLcode code = CURLE_ABORTED_BY_CALLBACK;
	int running = 1, left;
	CURLMsg *end;

	if (curl_multi_add_handle(h->multi, h->curl) != CURLM_OK)
		return CURLE_OUT_OF_MEMORY;
	while (running && !h->superseded) {
		if (curl_multi_perform(h->multi, &running) != CURLM_OK ||
		    (running &&
		     curl_multi_poll(h->multi, &daemon, !login, POLL_MS, NULL) != CURLM_OK))
			break;
		h->superseded = running && !login && daemon.revents != 0;
	}
	end = curl_multi_info_read(h->multi, &left);
	if (!running && end && end->msg == CURLMSG_DONE)
		code = end->data.result;
	curl_multi_remove_handle(h->multi, h->curl);
	return code;
}

static long ms_until(uint64_t by_ns, uint64_t now_ns)
{
	return by_ns > now_ns ? (long)((by_ns - now_ns) / NS_PER_MS) + 1 : 1;
}

/*
 * The status of the answer, whose body is in h->body; 0: none, with the words in `text`. A login
 * gets its connection in the time of a question.
 */
static long post(struct etcd_http *h, const char *path, const char *body, uint64_t by_ns,
		 char text[ETCD_TEXT_MAX])
{
	const char *base = h->settings->conf.endpoint[h->at];
	char url[CONF_ETCD_URL_MAX + 32], login[ETCD_TOKEN_MAX + 32];
	char type[] = "Content-Type: application/json";
	struct curl_slist second = {.data = login}, first = {.data = type};
	const bool logs_in = !strcmp(path, LOGIN_PATH);
	uint64_t now_ns = clock_now_ns(), end_ns = by_ns;
	long status = 0;
	CURLcode code;

	if (logs_in && end_ns < now_ns + LOGIN_NS)
		end_ns = now_ns + LOGIN_NS;
	first.next = h->token[0] ? &second : NULL;
	snprintf(login, sizeof(login), "Authorization: %s", h->token);
	snprintf(url, sizeof(url), "%s%s", base, path);
	h->body_len = 0;
	h->error[0] = '\0';
	if (!SET(CURLOPT_URL, url) || !SET(CURLOPT_HTTPHEADER, &first) ||
	    !SET(CURLOPT_POSTFIELDS, body) ||
	    !SET(CURLOPT_CONNECTTIMEOUT_MS, ms_until(by_ns, now_ns)) ||
	    !SET(CURLOPT_TIMEOUT_MS, ms_until(end_ns, now_ns))) {
		complain(text, "libcurl rejected an option for %s", base);
		return 0;
	}
	code = perform(h, logs_in);
	explicit_bzero(login, sizeof(login));
	if (code == CURLE_OK)
		curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &status);
	else
		complain(text, "%s: %s", base, h->error[0] ? h->error : curl_easy_strerror(code));
	return status;
}

/* The words of an answer that is no success. A cluster may repeat what it was sent. */
static void refused(struct etcd_http *h, long status, char text[ETCD_TEXT_MAX])
{
	char words[ETCD_TEXT_MAX / 2];

	etcd_json_words(h->body, h->body_len, words, sizeof(words));
	mask_secret(words, h->password);
	complain(text, "%s answered with HTTP %ld: %s", h->settings->conf.endpoint[h->at], status,
		 words);
}

/* True when there is a token, or none is needed. The question has its whole time after a login. */
static bool log_in(struct etcd_http *h, uint64_t *by_ns, char text[ETCD_TEXT_MAX])
{
	uint64_t began_ns = clock_now_ns();
	char *body;
	long status;

	if (!h->user[0] || h->token[0])
		return true;
	body = etcd_json_login(h->user, h->password);
	status = body ? post(h, LOGIN_PATH, body, *by_ns, text) : 0;
	*by_ns += clock_now_ns() - began_ns;
	if (body)
		explicit_bzero(body, strlen(body));
	free(body);
	if (status != HTTP_OK) {
		if (status)
			refused(h, status, text);
		return false;
	}
	if (!etcd_json_token(h->body, h->body_len, h->token))
		return true;
	complain(text, "%s: the login was answered without a token",
		 h->settings->conf.endpoint[h->at]);
	return false;
}

/* One endpoint. True when its answer is good. */
static bool try_endpoint(struct etcd_http *h, const struct etcd_question *q, const char *body,
			 uint64_t by_ns, struct etcd_reply *out)
{
	const char *path = q->op == ETCD_READ ? "/v3/kv/range" : "/v3/kv/txn";
	const char *base = h->settings->conf.endpoint[h->at];
	uint64_t cluster = 0;
	long status;

	snprintf(out->endpoint, sizeof(out->endpoint), "%s", base);
	if (!log_in(h, &by_ns, out->text))
		return false;
	status = post(h, path, body, by_ns, out->text);
	/* The token has run out, the member that knew it is gone, or users have changed. */
	if ((status == HTTP_NO_LOGIN || status == HTTP_OLD_LOGIN) && h->user[0]) {
		h->token[0] = '\0';
		if (!log_in(h, &by_ns, out->text))
			return false;
		status = post(h, path, body, by_ns, out->text);
	}
	if (status && status != HTTP_OK)
		refused(h, status, out->text);
	if (status != HTTP_OK)
		return false;
	etcd_json_read(h->body, h->body_len, q, out, &cluster);
	if (out->valid && h->cluster && cluster != h->cluster) {
		out->valid = out->moved = false;
		complain(out->text, "%s belongs to another cluster than the endpoint before it",
			 base);
	}
	if (out->valid)
		h->cluster = cluster;
	return out->valid;
}

void etcd_http_log_in(struct etcd_http *h)
{
	uint64_t by_ns = clock_now_ns() + LOGIN_NS;
	char text[ETCD_TEXT_MAX];

	/* The first question says what is wrong, if it is wrong still. */
	if (!h->problem[0] && !log_in(h, &by_ns, text))
		h->at = (h->at + 1) % h->settings->conf.n_endpoints;
}

void etcd_http_ask(struct etcd_http *h, const struct etcd_question *q, struct etcd_reply *out)
{
	const unsigned int n = h->settings->conf.n_endpoints;
	uint64_t began_ns = clock_now_ns(), end_ns = began_ns + q->limit_ns;
	char *body = q->op == ETCD_READ ? etcd_json_range(h->settings->key)
					: etcd_json_write(h->settings->key, q);

	memset(out, 0, sizeof(*out));
	out->seq = q->seq;
	h->superseded = false;
	if (h->problem[0] || !body)
		complain(out->text, "%s", h->problem[0] ? h->problem : "out of memory");
	/* The second try of the only endpoint is for a connection that broke while it was idle. */
	for (unsigned int i = 0; body && !h->problem[0] && i < (n > 1 ? n : 2); i++) {
		uint64_t now_ns = clock_now_ns(), left_ns = end_ns > now_ns ? end_ns - now_ns : 0;

		if (left_ns < TRY_LEAST_NS)
			break;
		/* An endpoint that does not answer leaves time for the next ones. */
		if (i + 1 < n)
			left_ns /= 2;
		if (try_endpoint(h, q, body, now_ns + left_ns, out) || h->superseded)
			break;
		h->at = (h->at + 1) % n;
	}
	free(body);
	out->cluster = h->cluster;
	out->took_ns = clock_now_ns() - began_ns;
}
