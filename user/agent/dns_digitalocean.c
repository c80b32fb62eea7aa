/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DigitalOcean, API version 2. A failure is {id, message}. Each value of a name is a record of its
 * own; its name in an answer is relative to the domain, "@" for the domain itself. A change is a
 * PATCH of type and data, so that the TTL stays.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/dns_digitalocean.h"

#define PER_PAGE 200

bool dns_digitalocean_words(const json_t *answer, long status, char *text, size_t size,
			    enum dns_result *result)
{
	const char *id = json_string_value(json_object_get(answer, "id"));
	const char *message = json_string_value(json_object_get(answer, "message"));

	(void)result;
	/* An action that is accepted has 201. */
	if (status == 200 || status == 201)
		return true;
	if (message)
		snprintf(text, size, "%s (%s)", message, id ? id : "no id");
	return false;
}

static int try_zone(struct dns_job *j, const char *zone)
{
	char path[DNS_PATH_MAX];
	const char *name;
	json_t *answer;
	int found;

	snprintf(path, sizeof(path), "/domains/%s", zone);
	answer = dns_json(j, "GET", path, NULL, dns_digitalocean_words);
	if (!answer)
		return j->status == 404 ? 0 : -1;
	name = json_string_value(json_object_get(json_object_get(answer, "domain"), "name"));
	found = name && dns_same_name(name, zone) ? 1 : -1;
	json_decref(answer);
	if (found < 0)
		return dns_fail(j, DNS_FAILED, "DigitalOcean's answer does not name the domain");
	snprintf(j->zone, sizeof(j->zone), "%s", zone);
	return found;
}

static int find_zone(struct dns_job *j)
{
	return dns_try_zones(j, try_zone) == 1 ? 0 : -1;
}

/* Is the relative name of a record the one of the configuration? */
static bool is_ours(const struct dns_job *j, const char *relative)
{
	char name[2 * CONF_DNS_NAME_MAX];

	if (!strcmp(relative, "@"))
		return dns_same_name(j->zone, j->req->conf.record);
	snprintf(name, sizeof(name), "%s.%s", relative, j->zone);
	return dns_same_name(name, j->req->conf.record);
}

static int take_record(struct dns_job *j, const json_t *item)
{
	const char *name = json_string_value(json_object_get(item, "name"));
	const char *type = json_string_value(json_object_get(item, "type"));
	const char *data = json_string_value(json_object_get(item, "data"));
	json_t *number = json_object_get(item, "id");
	char id[32];

	if (!name || !type || !is_ours(j, name) ||
	    strcmp(type, conf_dns_type_name(j->req->type)) != 0)
		return 0;
	if (!data || !json_is_integer(number))
		return dns_fail(j, DNS_FAILED, "DigitalOcean reported a record without data or id");
	j->ttl_s = (uint32_t)json_integer_value(json_object_get(item, "ttl"));
	snprintf(id, sizeof(id), "%lld", (long long)json_integer_value(number));
	return dns_add_value(j, data, id);
}

static bool has_next(const json_t *answer)
{
	const json_t *pages = json_object_get(json_object_get(answer, "links"), "pages");

	return json_is_string(json_object_get(pages, "next"));
}

/*
 * One page of the records. 1: there are more, 0: it was the last, -1: failed. Only the presence of
 * a next page is taken from the answer, never its URL: that could lead elsewhere.
 */
static int find_page(struct dns_job *j, unsigned int page)
{
	char name[CONF_DNS_NAME_MAX + 8], path[DNS_PATH_MAX];
	json_t *answer, *item;
	size_t i;
	int more, err = 0;

	snprintf(path, sizeof(path), "/domains/%s/records?type=%s&name=%s&page=%u&per_page=%d",
		 j->zone, conf_dns_type_name(j->req->type),
		 dns_escape(j->req->conf.record, name, sizeof(name)), page, PER_PAGE);
	answer = dns_json(j, "GET", path, NULL, dns_digitalocean_words);
	if (!answer)
		return -1;
	json_array_foreach (json_object_get(answer, "domain_records"), i, item)
		if (!err)
			err = take_record(j, item);
	if (!err && !json_is_array(json_object_get(answer, "domain_records")))
		err = dns_fail(j, DNS_FAILED, "DigitalOcean's answer has no list of records");
	more = has_next(answer);
	json_decref(answer);
	return err ? -1 : more;
}

static int find(struct dns_job *j)
{
	return dns_pages(j, find_page);
}

static int change(struct dns_job *j, const struct dns_plan *plan)
{
	char path[DNS_PATH_MAX];
	json_t *body = json_pack("{s:s, s:s}", "type", conf_dns_type_name(j->req->type), "data",
				 plan->after.value[plan->at]);

	snprintf(path, sizeof(path), "/domains/%s/records/%s", j->zone, j->id[plan->at]);
	return dns_patch(j, path, body, dns_digitalocean_words);
}

const struct dns_provider dns_digitalocean = {
	.name = "DigitalOcean",
	.endpoint = "https://api.digitalocean.com/v2",
	.secrets = {"DO_API_TOKEN"},
	.needed = 1,
	.login = dns_bearer,
	.find_zone = find_zone,
	.find = find,
	.change = change,
};
