/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Cloudflare, API version 4. An answer is {success, errors: [{code, message}], result,
 * result_info}. Each value of a name is a record of its own. A change is a PATCH of the content
 * alone, so that the proxied flag, the TTL, the comment and the tags stay.
 */
#include <stdio.h>
#include <string.h>

#include "agent/dns_provider.h"

#define PER_PAGE 100
/* The token has a form that Cloudflare does not know; answered with status 400. */
#define BAD_HEADER 6003

/* Their own words for a failure: "Invalid API Token (1000)". */
static bool words(const json_t *answer, long status, char *text, size_t size,
		  enum dns_result *result)
{
	const json_t *first = json_array_get(json_object_get(answer, "errors"), 0);
	const char *message = json_string_value(json_object_get(first, "message"));
	json_int_t code = json_integer_value(json_object_get(first, "code"));

	if (status == 200 && json_is_true(json_object_get(answer, "success")))
		return true;
	if (code == BAD_HEADER)
		*result = DNS_DENIED;
	if (message)
		snprintf(text, size, "%s (%lld)", message, (long long)code);
	return false;
}

static int verify(struct dns_job *j)
{
	json_t *answer = dns_json(j, "GET", "/user/tokens/verify", NULL, words);
	const char *status = json_string_value(
		json_object_get(json_object_get(answer, "result"), "status"));
	int err = answer ? 0 : -1;

	if (answer && (!status || strcmp(status, "active") != 0))
		err = dns_fail(j, DNS_DENIED, "the token is not active but %s",
			       status ? status : "of an unknown state");
	json_decref(answer);
	return err;
}

static int try_zone(struct dns_job *j, const char *zone)
{
	char path[DNS_PATH_MAX];
	json_t *answer, *item;
	size_t i;
	int found = 0;

	snprintf(path, sizeof(path), "/zones?name=%s&per_page=50", zone);
	answer = dns_json(j, "GET", path, NULL, words);
	if (!answer)
		return -1;
	json_array_foreach (json_object_get(answer, "result"), i, item) {
		const char *name = json_string_value(json_object_get(item, "name"));
		const char *id = json_string_value(json_object_get(item, "id"));

		if (!name || !id || !dns_same_name(name, zone) || strlen(id) >= DNS_ID_MAX)
			continue;
		snprintf(j->zone, sizeof(j->zone), "%s", zone);
		snprintf(j->zone_id, sizeof(j->zone_id), "%s", id);
		found = 1;
	}
	json_decref(answer);
	return found;
}

static int find_zone(struct dns_job *j)
{
	return dns_try_zones(j, try_zone) == 1 ? 0 : -1;
}

static int take_record(struct dns_job *j, const json_t *item)
{
	const char *name = json_string_value(json_object_get(item, "name"));
	const char *type = json_string_value(json_object_get(item, "type"));
	const char *content = json_string_value(json_object_get(item, "content"));
	const char *id = json_string_value(json_object_get(item, "id"));

	if (!name || !type || !dns_same_name(name, j->req->conf.record) ||
	    strcmp(type, conf_dns_type_name(j->req->type)) != 0)
		return 0;
	if (!content || !id)
		return dns_fail(j, DNS_FAILED,
				"Cloudflare reported a record without content or id");
	j->ttl_s = (uint32_t)json_integer_value(json_object_get(item, "ttl"));
	/* Clients get addresses of Cloudflare's proxies. */
	j->hidden = json_is_true(json_object_get(item, "proxied"));
	return dns_add_value(j, content, id);
}

/* One page of the records. 1: there are more, 0: it was the last, -1: failed. */
static int find_page(struct dns_job *j, unsigned int page)
{
	char name[CONF_DNS_NAME_MAX + 8], path[DNS_PATH_MAX];
	json_t *answer, *item;
	json_int_t pages;
	size_t i;
	int err = 0;

	snprintf(path, sizeof(path),
		 "/zones/%s/dns_records?type=%s&name.exact=%s&page=%u&per_page=%d", j->zone_id,
		 conf_dns_type_name(j->req->type),
		 dns_escape(j->req->conf.record, name, sizeof(name)), page, PER_PAGE);
	answer = dns_json(j, "GET", path, NULL, words);
	if (!answer)
		return -1;
	json_array_foreach (json_object_get(answer, "result"), i, item)
		if (!err)
			err = take_record(j, item);
	pages = json_integer_value(
		json_object_get(json_object_get(answer, "result_info"), "total_pages"));
	if (!err && !json_is_array(json_object_get(answer, "result")))
		err = dns_fail(j, DNS_FAILED, "Cloudflare's answer has no list of records");
	json_decref(answer);
	return err ? -1 : pages > page;
}

static int find(struct dns_job *j)
{
	return dns_pages(j, find_page);
}

static int change(struct dns_job *j, const struct dns_plan *plan)
{
	char path[DNS_PATH_MAX];
	json_t *body = json_pack("{s:s}", "content", plan->after.value[plan->at]);

	snprintf(path, sizeof(path), "/zones/%s/dns_records/%s", j->zone_id, j->id[plan->at]);
	return dns_patch(j, path, body, words);
}

const struct dns_provider dns_cloudflare = {
	.name = "Cloudflare",
	.endpoint = "https://api.cloudflare.com/client/v4",
	.secrets = {"CF_API_TOKEN"},
	.needed = 1,
	.login = dns_bearer,
	.verify = verify,
	.find_zone = find_zone,
	.find = find,
	.change = change,
};
