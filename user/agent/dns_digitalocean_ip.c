/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reserved IPs of DigitalOcean, API version 2: the droplet that has one. A change is an action,
 * which is accepted at once and carried out within seconds; it moves the address whole or not at
 * all. While an action runs the address is locked, and refuses another one: who reads it then waits
 * for the end, so that what a job before this one has begun is seen.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/dns_digitalocean.h"

#define POLLS 30

/* The droplet that has the address. */
static int take_droplet(struct dns_job *j, const json_t *ip)
{
	const json_t *droplet = json_object_get(ip, "droplet");
	const json_t *number = json_object_get(droplet, "id");
	const char *slug = json_string_value(
		json_object_get(json_object_get(ip, "region"), "slug"));
	char id[32];

	snprintf(j->zone, sizeof(j->zone), "%.63s", slug ? slug : "?");
	memset(&j->present, 0, sizeof(j->present));
	if (json_is_null(droplet))
		return 0;
	if (!json_is_integer(number))
		return dns_fail(j, DNS_FAILED, "DigitalOcean's answer does not name the droplet");
	snprintf(id, sizeof(id), "%lld", (long long)json_integer_value(number));
	return dns_add_value(j, id, "");
}

/* The address, as it is now. 1: locked, 0: not, -1: failed. */
static int look(struct dns_job *j)
{
	char path[DNS_PATH_MAX];
	json_t *answer, *ip;
	int locked, err;

	snprintf(path, sizeof(path), "/reserved_ips/%s", j->req->conf.record);
	answer = dns_json(j, "GET", path, NULL, dns_digitalocean_words);
	if (!answer)
		return -1;
	ip = json_object_get(answer, "reserved_ip");
	locked = json_is_true(json_object_get(ip, "locked"));
	err = take_droplet(j, ip);
	json_decref(answer);
	return err ? -1 : locked;
}

static int find(struct dns_job *j)
{
	int pause_ms = 0, locked = look(j);

	for (unsigned int i = 0; i < POLLS && locked == 1; i++) {
		dns_pause(&pause_ms);
		locked = look(j);
	}
	if (locked == 1)
		return dns_fail(j, DNS_FAILED, "another action holds the address locked");
	return locked;
}

/* Notes how far the action is. */
static int take_action(struct dns_job *j, json_t *answer)
{
	json_t *action = json_object_get(answer, "action");
	json_t *id = json_object_get(action, "id");
	const char *status = json_string_value(json_object_get(action, "status"));
	int err = 0;

	if (json_is_integer(id) && status) {
		snprintf(j->change_id, sizeof(j->change_id), "%lld",
			 (long long)json_integer_value(id));
		snprintf(j->change_status, sizeof(j->change_status), "%.15s", status);
	} else {
		err = dns_fail(j, DNS_FAILED, "DigitalOcean's answer does not name the action");
	}
	json_decref(answer);
	return err;
}

static int change(struct dns_job *j, const struct dns_plan *plan)
{
	char path[DNS_PATH_MAX];
	json_t *answer, *body;
	char *rest;
	long long droplet = strtoll(plan->after.value[0], &rest, 10);

	if (*rest || droplet <= 0)
		return dns_fail(j, DNS_REFUSED, "%s is no number of a droplet",
				plan->after.value[0]);
	body = json_pack("{s:s, s:I}", "type", "assign", "droplet_id", (json_int_t)droplet);
	if (!body)
		return dns_fail(j, DNS_FAILED, "out of memory");
	snprintf(path, sizeof(path), "/reserved_ips/%s/actions", j->req->conf.record);
	answer = dns_json(j, "POST", path, body, dns_digitalocean_words);
	json_decref(body);
	return answer ? take_action(j, answer) : -1;
}

static int await(struct dns_job *j)
{
	char path[DNS_PATH_MAX];
	int pause_ms = 0;

	snprintf(path, sizeof(path), "/reserved_ips/%s/actions/%s", j->req->conf.record,
		 j->change_id);
	for (unsigned int i = 0; i < POLLS; i++) {
		json_t *answer;

		if (!strcmp(j->change_status, "completed"))
			return 0;
		if (!strcmp(j->change_status, "errored"))
			return dns_fail(j, DNS_FAILED,
					"DigitalOcean reports that the action has failed");
		dns_pause(&pause_ms);
		answer = dns_json(j, "GET", path, NULL, dns_digitalocean_words);
		if (!answer || take_action(j, answer))
			return -1;
	}
	return dns_fail(j, DNS_FAILED, "DigitalOcean did not complete the action in time");
}

const struct dns_provider dns_digitalocean_ip = {
	.name = "DigitalOcean",
	.endpoint = "https://api.digitalocean.com/v2",
	.floating = true,
	.secrets = {"DO_API_TOKEN"},
	.needed = 1,
	.login = dns_bearer,
	.find = find,
	.change = change,
	.await = await,
};
