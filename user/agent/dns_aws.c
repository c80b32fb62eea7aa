/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See dns_aws.h. Failures of Route53 are ErrorResponse/Error/{Code, Message}, those of EC2
 * Response/Errors/Error/{Code, Message}.
 */
#include <stdio.h>
#include <string.h>

#include "agent/dns_aws.h"

int dns_aws_login(struct dns_job *j, const char *region, const char *service)
{
	char user[2 * DNS_SECRET_MAX + 1], scope[CONF_DNS_REGION_MAX + 32];
	CURLcode code;

	snprintf(user, sizeof(user), "%s:%s", j->secret[0], j->secret[1]);
	code = curl_easy_setopt(j->curl, CURLOPT_USERPWD, user);
	explicit_bzero(user, sizeof(user));
	snprintf(scope, sizeof(scope), "aws:amz:%s:%s", region, service);
	if (code != CURLE_OK || curl_easy_setopt(j->curl, CURLOPT_AWS_SIGV4, scope) != CURLE_OK)
		return dns_fail(j, DNS_FAILED, "libcurl cannot sign requests to AWS");
	return j->secret[2][0] ? dns_header(j, "X-Amz-Security-Token", j->secret[2]) : 0;
}

struct failure {
	char code[64], message[160];
};

bool dns_aws_ends(const char *path, const char *end)
{
	size_t lp = strlen(path), le = strlen(end);

	return lp >= le && !strcmp(path + lp - le, end);
}

static int take_failure(const char *path, const char *text, void *arg)
{
	struct failure *f = arg;

	if (dns_aws_ends(path, "/Error/Code"))
		snprintf(f->code, sizeof(f->code), "%.63s", text);
	else if (dns_aws_ends(path, "/Error/Message") || dns_aws_ends(path, "/Messages/Message"))
		snprintf(f->message, sizeof(f->message), "%.159s", text);
	return 0;
}

/* Codes whose HTTP status says something else. */
static const struct {
	const char *code;
	enum dns_result result;
} codes[] = {
	{"Throttling", DNS_LIMITED},           {"PriorRequestNotComplete", DNS_LIMITED},
	{"RequestLimitExceeded", DNS_LIMITED}, {"RequestExpired", DNS_DENIED},
	{"ExpiredToken", DNS_DENIED},          {"AuthFailure", DNS_DENIED},
};

static int answer_failed(struct dns_job *j)
{
	enum dns_result result = dns_status_result(j->status);
	struct failure f = {"", ""};

	(void)dns_xml(j->body, j->body_len, take_failure, &f);
	if (strstr(f.message, "Tried to delete"))
		return dns_fail(j, DNS_FAILED,
				"another writer has changed the record since it was read: %s",
				f.message);
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (!strcmp(f.code, codes[i].code))
			result = codes[i].result;
	return dns_fail(j, result, "%s answered with HTTP %ld: %s%s%s", j->provider->name,
			j->status, f.code[0] ? f.code : "no words", f.message[0] ? ": " : "",
			f.message);
}

int dns_aws_ask(struct dns_job *j, const char *method, const char *path, const char *type,
		const char *body, dns_xml_fn fn, void *arg)
{
	int err = dns_http(j, method, path, type, body);

	if (err)
		return err;
	if (j->status != 200)
		return answer_failed(j);
	err = dns_xml(j->body, j->body_len, fn, arg);
	if (err == -1)
		return -1;
	return err ? dns_fail(j, DNS_FAILED, "%s's answer is no whole XML document",
			      j->provider->name)
		   : 0;
}
