/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a DNS provider has to be able to do, and what a job offers to it. A provider is a row of the
 * table in dns_job.c and a file of its own.
 *
 * All functions run in the process of a job, one after another, and may wait for the provider's
 * answer. They return 0, or -1 after they have called dns_fail().
 */
#ifndef HOKM_AGENT_DNS_PROVIDER_H
#define HOKM_AGENT_DNS_PROVIDER_H

#include <curl/curl.h>
#include <jansson.h>
#include <sys/socket.h>

#include "agent/dns_messages.h"

#define DNS_SECRETS_MAX 3
#define DNS_SECRET_MAX  2048 /* session tokens of AWS are long */
#define DNS_ID_MAX      128
#define DNS_BODY_MAX    (4u << 20)
#define DNS_PATH_MAX    1024
#define DNS_PAGES_MAX   200
#define DNS_HOSTS_MAX   8 /* addresses of the endpoint */

struct dns_job;

struct dns_provider {
	const char *name;
	/* The base of all URLs, without a slash at its end; %s stands for the region. NULL: the
	 * configuration has it. */
	const char *endpoint;
	bool own_protocol; /* it does not speak HTTPS, so that dns_http() is not for it */
	/* The record is an address, and its value the id of the machine that has it, or none. */
	bool floating;
	/* Names of the secrets in the environment and in a file of credentials. */
	const char *secrets[DNS_SECRETS_MAX];
	unsigned int needed; /* how many of them must be there, in this order */
	/* Sets the options of job->curl that carry the credentials. */
	int (*login)(struct dns_job *j);
	/* Are the credentials good? NULL: find() shows it. */
	int (*verify)(struct dns_job *j);
	/* Sets job->zone and job->zone_id. NULL: find() does. */
	int (*find_zone)(struct dns_job *j);
	/* Sets job->present, ids and ttl_s. No record is no failure. */
	int (*find)(struct dns_job *j);
	/* Changes the record as planned, and nothing else. */
	int (*change)(struct dns_job *j, const struct dns_plan *plan);
	/* Waits until the change is in force at the provider's servers. NULL: it is at once. */
	int (*await)(struct dns_job *j);
	/* Frees what login() has made. NULL: nothing. */
	void (*logout)(struct dns_job *j);
};

extern const struct dns_provider dns_cloudflare;
extern const struct dns_provider dns_route53;
extern const struct dns_provider dns_digitalocean;
extern const struct dns_provider dns_rfc2136;
extern const struct dns_provider dns_digitalocean_ip;
extern const struct dns_provider dns_aws_eip, dns_aws_private;

/* The table; NULL for none. */
const struct dns_provider *dns_provider_of(enum conf_dns_provider p);

struct dns_job {
	const struct dns_request *req;
	const struct dns_provider *provider;
	char secret[DNS_SECRETS_MAX][DNS_SECRET_MAX]; /* "": not given */

	/* what the provider reported */
	char zone[CONF_DNS_NAME_MAX];
	char zone_id[DNS_ID_MAX];
	struct dns_set present;
	/* Of the values, where each is a record; at Route53 the text that it has for them. */
	char id[DNS_VALUES_MAX][DNS_ID_MAX];
	char name[4 * CONF_DNS_NAME_MAX]; /* of the record, as the provider writes it */
	char extra[DNS_ID_MAX];           /* more that a change must repeat */
	char change_id[DNS_ID_MAX], change_status[16];
	uint32_t ttl_s;
	bool hidden; /* name servers give other addresses than the record has */

	char plan[192]; /* in words */

	/* the failure */
	enum dns_result result;
	uint64_t retry_ns;
	char text[sizeof(((struct dns_reply *)NULL)->text)];

	/* the endpoint, for a protocol of its own */
	struct sockaddr_storage host[DNS_HOSTS_MAX];
	unsigned int n_hosts;
	struct dns_set hosts; /* the same as texts */
	uint32_t hosts_ttl_s; /* see struct dns_reply */
	void *own;            /* made by login() */

	/* dns_http.c */
	CURL *curl;
	struct curl_slist *resolve, *headers;
	char base[CONF_DNS_URL_MAX];
	char *ca;
	size_t ca_len;
	char *body; /* of the last answer, with a zero behind its end */
	size_t body_len;
	bool answered; /* a request of this job */
	long status;
	char curl_error[CURL_ERROR_SIZE];
};

/* Notes how the job failed, without secrets and unprintable bytes. Returns -1. */
int dns_fail(struct dns_job *j, enum dns_result r, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * dns_http.c: a request to base + path. `body` NULL: none. 0 when an answer came, whatever its
 * status, which is in j->status, j->body and j->retry_ns.
 */
int dns_http(struct dns_job *j, const char *method, const char *path, const char *type,
	     const char *body);
/* Adds a header to all requests. */
int dns_header(struct dns_job *j, const char *name, const char *value);
/* The class of an HTTP status that is no success. */
enum dns_result dns_status_result(long status);
/*
 * The same with JSON both ways. `body` is borrowed, NULL for none. `words` finds the provider's
 * words in an answer that is no success; it returns whether the answer is one. NULL after
 * dns_fail(). Caller: json_decref().
 */
typedef bool (*dns_words_fn)(const json_t *answer, long status, char *words, size_t size,
			     enum dns_result *result);
json_t *dns_json(struct dns_job *j, const char *method, const char *path, const json_t *body,
		 dns_words_fn words);

/* Logs in with the first secret as a bearer token. */
int dns_bearer(struct dns_job *j);
/* A PATCH; takes over `body`, which is NULL when there was no memory. 0 or -1. */
int dns_patch(struct dns_job *j, const char *path, json_t *body, dns_words_fn words);
/* Calls find_page() with 1, 2 ... while it returns 1: there are more pages. 0 or -1. */
int dns_pages(struct dns_job *j, int (*find_page)(struct dns_job *j, unsigned int page));

/* Waits between two questions: longer each time, from 0 on. */
void dns_pause(int *pause_ms);

/* A value of the record: an address, which gets the form of inet_ntop(), or an id. */
int dns_add_value(struct dns_job *j, const char *address, const char *id);
/* The same name, whatever the case and a dot at the end? */
bool dns_same_name(const char *a, const char *b);
/*
 * Calls try_zone() with the zone of the configuration, or with the record's name and each name
 * above it until one is found: 1 found, 0 not, -1 failed.
 */
int dns_try_zones(struct dns_job *j, int (*try_zone)(struct dns_job *j, const char *zone));
/* Masks the secrets in a text that the provider wrote. dns_fail() does it for its own. */
void dns_mask(const struct dns_job *j, char *text);
/* The name as it stands in a query: '*' is the only character that needs an escape. */
const char *dns_escape(const char *name, char *dst, size_t size);

#endif
