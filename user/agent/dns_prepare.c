/* SPDX-License-Identifier: GPL-2.0-only */
/* See dns_prepare.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/dns_prepare.h"
#include "agent/dns_resolver.h"
#include "agent/secret_file.h"
#include "base/clock.h"

#define SECRET_FILE_MAX 8192
#define CA_FILE_MAX     (4u << 20)
#define CREDENTIAL      "hokm-dns"
#define DNS_PORT        "53"
#define LOOKUP_NS       (4 * NS_PER_S)

/* A line of the file: NAME=VALUE; others are ignored. */
static void take_line(struct dns_job *j, const char *line)
{
	for (unsigned int i = 0; i < DNS_SECRETS_MAX && j->provider->secrets[i]; i++) {
		const char *name = j->provider->secrets[i];
		size_t len = strlen(name);

		if (!strncmp(line, name, len) && line[len] == '=')
			snprintf(j->secret[i], DNS_SECRET_MAX, "%s", line + len + 1);
	}
}

static int read_file(struct dns_job *j, const char *path, bool by_systemd)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	const char *why = fd < 0 ? strerror(errno) : secret_not_safe(fd, by_systemd);
	size_t len = 0;
	char *text = why ? NULL : secret_read_all(fd, SECRET_FILE_MAX, &len);
	char *save = NULL;

	if (fd >= 0)
		close(fd);
	if (!text)
		return dns_fail(j, DNS_DENIED, "the credentials %s are not used: %s", path,
				why ? why : strerror(errno));
	for (char *line = strtok_r(text, "\r\n", &save); line; line = strtok_r(NULL, "\r\n", &save))
		take_line(j, line);
	explicit_bzero(text, len);
	free(text);
	return 0;
}

/* From the environment; what was read is wiped there. */
static void read_environment(struct dns_job *j)
{
	for (unsigned int i = 0; i < DNS_SECRETS_MAX && j->provider->secrets[i]; i++) {
		char *value = getenv(j->provider->secrets[i]);

		if (!value)
			continue;
		snprintf(j->secret[i], DNS_SECRET_MAX, "%s", value);
		explicit_bzero(value, strlen(value));
	}
}

/* A secret goes into a header: a line break in it would be another header. */
static bool is_plain(const char *s)
{
	for (; *s; s++)
		if (*s <= ' ' || *s > '~')
			return false;
	return true;
}

int dns_read_secrets(struct dns_job *j)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	char path[CONF_DNS_PATH_MAX + sizeof(CREDENTIAL) + 1] = "";
	int err = 0;

	if (j->req->conf.credentials[0])
		snprintf(path, sizeof(path), "%s", j->req->conf.credentials);
	else if (folder && strlen(folder) < CONF_DNS_PATH_MAX)
		snprintf(path, sizeof(path), "%s/" CREDENTIAL, folder);
	if (path[0] && (j->req->conf.credentials[0] || !access(path, F_OK)))
		err = read_file(j, path, !j->req->conf.credentials[0]);
	else
		read_environment(j);
	for (unsigned int i = 0; !err && i < DNS_SECRETS_MAX && j->provider->secrets[i]; i++) {
		if (i < j->provider->needed && !j->secret[i][0])
			err = dns_fail(j, DNS_DENIED,
				       "%s is not given: "
				       "neither in the environment nor in a file of credentials",
				       j->provider->secrets[i]);
		else if (!is_plain(j->secret[i]))
			err = dns_fail(j, DNS_DENIED, "%s has blanks or unprintable bytes",
				       j->provider->secrets[i]);
	}
	return err;
}

int dns_read_ca(struct dns_job *j)
{
	const char *path = j->req->conf.ca_file;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		j->ca = secret_read_all(fd, CA_FILE_MAX, &j->ca_len);
	if (fd < 0 || !j->ca || !j->ca_len)
		dns_fail(j, DNS_REFUSED,
			 "the certificates of the authorities could not be read from %s: %s", path,
			 j->ca ? "it is empty" : strerror(errno));
	if (fd >= 0)
		close(fd);
	return j->ca_len ? 0 : -1;
}

static void take_address(struct dns_job *j, const struct sockaddr *at, socklen_t len)
{
	struct dns_set *texts = &j->hosts;
	char text[NI_MAXHOST];

	if (texts->n == DNS_HOSTS_MAX ||
	    getnameinfo(at, len, text, sizeof(text), NULL, 0, NI_NUMERICHOST) ||
	    strlen(text) >= DNS_ADDRESS_MAX)
		return;
	memcpy(&j->host[texts->n], at, len);
	snprintf(texts->value[texts->n++], DNS_ADDRESS_MAX, "%s", text);
	j->n_hosts = texts->n;
}
_Static_assert(DNS_HOSTS_MAX <= DNS_VALUES_MAX, "a set has room for all addresses");

/* For CURLOPT_RESOLVE "host:port:address,address". */
static int note_addresses(struct dns_job *j, const char *host, const char *port)
{
	char line[CONF_DNS_URL_MAX + DNS_HOSTS_MAX * (DNS_ADDRESS_MAX + 3)];
	size_t at = (size_t)snprintf(line, sizeof(line), "%s:%s:", host, port);

	for (unsigned int i = 0; i < j->n_hosts; i++) {
		const char *text = j->hosts.value[i];
		bool v6 = strchr(text, ':');

		at += (size_t)snprintf(line + at, sizeof(line) - at, "%s%s%s%s", i ? "," : "",
				       v6 ? "[" : "", text, v6 ? "]" : "");
	}
	j->resolve = j->n_hosts ? curl_slist_append(NULL, line) : NULL;
	return j->resolve ? 0 : dns_fail(j, DNS_FAILED, "%s has no address", host);
}

/*
 * Where an earlier job found the provider. Its certificate or its key proves that it is still it.
 */
static void take_known(struct dns_job *j, const char *port)
{
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
	struct addrinfo *list = NULL;

	for (unsigned int i = 0; i < j->req->known.n; i++) {
		if (getaddrinfo(j->req->known.value[i], port, &hints, &list))
			continue;
		take_address(j, list->ai_addr, list->ai_addrlen);
		freeaddrinfo(list);
	}
}

/* By the C library, which knows no TTL. 0 or an error of getaddrinfo(). */
static int ask_system(struct dns_job *j, const char *host, const char *port, int flags)
{
	const struct addrinfo hints = {
		.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = flags};
	struct addrinfo *list = NULL;
	int err = getaddrinfo(host, port, &hints, &list);

	if (err)
		return err;
	for (const struct addrinfo *a = list; a; a = a->ai_next)
		take_address(j, a->ai_addr, a->ai_addrlen);
	freeaddrinfo(list);
	return 0;
}

/* The shortest TTL of all parts of the answer, within the limits. */
static uint32_t ttl_of(const struct ares_addrinfo *list)
{
	int ttl_s = DNS_HOSTS_MAX_S;

	for (const struct ares_addrinfo_cname *c = list->cnames; c; c = c->next)
		ttl_s = c->ttl < ttl_s ? c->ttl : ttl_s;
	for (const struct ares_addrinfo_node *a = list->nodes; a; a = a->ai_next)
		ttl_s = a->ai_ttl < ttl_s ? a->ai_ttl : ttl_s;
	return ttl_s < DNS_HOSTS_MIN_S ? DNS_HOSTS_MIN_S : (uint32_t)ttl_s;
}

/* By c-ares. 0 or its status. */
static int ask_dns(struct dns_job *j, const char *host, const char *port)
{
	struct ares_addrinfo *list = NULL;
	int status = resolver_lookup(host, port, clock_now_ns() + LOOKUP_NS, &list);

	if (status != ARES_SUCCESS)
		return status;
	for (const struct ares_addrinfo_node *a = list->nodes; a; a = a->ai_next)
		take_address(j, a->ai_addr, a->ai_addrlen);
	j->hosts_ttl_s = ttl_of(list);
	ares_freeaddrinfo(list);
	return ARES_SUCCESS;
}

/*
 * Fills j->host. When the name server does not answer, an address that is known is used at once. In
 * all other cases the C library is asked too: it may have sources of names that c-ares does not
 * know. 0 or an error of getaddrinfo().
 */
static int find_host(struct dns_job *j, const char *host, const char *port)
{
	int status, err;

	if (j->req->fresh)
		take_known(j, port);
	if (j->n_hosts || !ask_system(j, host, port, AI_NUMERICHOST))
		return 0;
	status = ask_dns(j, host, port);
	if (status == ARES_ETIMEOUT || status == ARES_ECONNREFUSED)
		take_known(j, port);
	if (j->n_hosts)
		return 0;
	err = ask_system(j, host, port, 0);
	if (err)
		take_known(j, port);
	return j->n_hosts ? 0 : err;
}

static int resolve(struct dns_job *j, const char *host, const char *port)
{
	char plain[CONF_DNS_URL_MAX];
	size_t v6 = host[0] == '[';
	int err;

	/* libcurl leaves the brackets at an IPv6 address. */
	snprintf(plain, sizeof(plain), "%.*s", (int)(strlen(host) - 2 * v6), host + v6);
	err = find_host(j, plain, port);
	if (err)
		return dns_fail(j, DNS_FAILED, "the name of the provider, %s, was not resolved: %s",
				host, gai_strerror(err));
	return note_addresses(j, host, port);
}

/* The port of the URL, or that of its scheme: 53 where libcurl knows none. */
static char *port_of(CURLU *url)
{
	char *port = NULL;

	if (curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK)
		return port;
	return curl_url_set(url, CURLUPART_PORT, DNS_PORT, 0) == CURLUE_OK &&
			       curl_url_get(url, CURLUPART_PORT, &port, 0) == CURLUE_OK
		       ? port
		       : NULL;
}

int dns_resolve(struct dns_job *j)
{
	const char *from = j->req->conf.endpoint[0] ? j->req->conf.endpoint : j->provider->endpoint;
	char *host = NULL, *port = NULL;
	CURLU *url = curl_url();
	const char *region;
	int err;

	if (!from)
		from = "";
	region = j->req->conf.endpoint[0] ? NULL : strstr(from, "%s");
	if (region)
		snprintf(j->base, sizeof(j->base), "%.*s%s%s", (int)(region - from), from,
			 j->req->conf.region, region + 2);
	else
		snprintf(j->base, sizeof(j->base), "%s", from);
	if (!url ||
	    curl_url_set(url, CURLUPART_URL, j->base, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK ||
	    curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK || !(port = port_of(url)))
		err = dns_fail(j, DNS_REFUSED, "the endpoint \"%s\" is no URL", j->base);
	else
		err = resolve(j, host, port);
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(url);
	return err;
}
