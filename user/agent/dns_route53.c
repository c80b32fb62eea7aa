/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * AWS Route53, API 2013-04-01, XML, signed by libcurl (SigV4). The values of a name are one record
 * set. A change is one batch, which is carried out whole or not at all: DELETE of the set as it was
 * read, with its TTL and, if it has one, its health check, and CREATE of the set with the new
 * value. Route53 refuses a DELETE of anything else than what is there, so a change that another
 * writer made meanwhile is never overwritten. Sets of other kinds than simple ones (alias,
 * weighted, latency ...) are left alone: what they answer is not decided by their values alone.
 *
 * For the signature the parameters of a query are in alphabetic order, escapes are in upper case,
 * and no header is removed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/dns_aws.h"

#define API   "/2013-04-01"
#define NS    "https://route53.amazonaws.com/doc/2013-04-01/"
#define POLLS 60

static int login(struct dns_job *j)
{
	return dns_aws_login(j, "us-east-1", "route53");
}

/* A request whose answer goes to fn. */
static int ask(struct dns_job *j, const char *method, const char *path, const char *body,
	       dns_xml_fn fn, void *arg)
{
	return dns_aws_ask(j, method, path, "application/xml", body, fn, arg);
}

/* ---- zone ---- */

#define ZONE "/ListHostedZonesByNameResponse/HostedZones/HostedZone"

struct zones {
	const char *want;
	unsigned int found;
	char id[DNS_ID_MAX];
	/* the one that is being read */
	char cur_id[DNS_ID_MAX], name[CONF_DNS_NAME_MAX];
	bool private_zone;
};

static int take_zone(const char *path, const char *text, void *arg)
{
	struct zones *z = arg;

	if (!strcmp(path, ZONE "/Id")) {
		/* "/hostedzone/Z123" */
		const char *slash = strrchr(text, '/');

		snprintf(z->cur_id, sizeof(z->cur_id), "%.*s", DNS_ID_MAX - 1,
			 slash ? slash + 1 : text);
	} else if (!strcmp(path, ZONE "/Name")) {
		snprintf(z->name, sizeof(z->name), "%.*s", CONF_DNS_NAME_MAX - 1, text);
	} else if (!strcmp(path, ZONE "/Config/PrivateZone")) {
		z->private_zone = !strcmp(text, "true");
	} else if (!strcmp(path, ZONE)) {
		if (dns_same_name(z->name, z->want) && !z->private_zone) {
			z->found++;
			memcpy(z->id, z->cur_id, sizeof(z->id));
		}
		z->private_zone = false;
		z->name[0] = z->cur_id[0] = '\0';
	}
	return 0;
}

static int try_zone(struct dns_job *j, const char *zone)
{
	struct zones z = {.want = zone};
	char path[DNS_PATH_MAX];

	snprintf(path, sizeof(path), API "/hostedzonesbyname?dnsname=%s.&maxitems=100", zone);
	if (ask(j, "GET", path, NULL, take_zone, &z))
		return -1;
	if (z.found > 1)
		return dns_fail(j, DNS_REFUSED,
				"%u public zones have the name %s: delete all but one of them",
				z.found, zone);
	if (!z.found)
		return 0;
	snprintf(j->zone, sizeof(j->zone), "%s", zone);
	memcpy(j->zone_id, z.id, sizeof(j->zone_id));
	return 1;
}

static int find_zone(struct dns_job *j)
{
	return dns_try_zones(j, try_zone) == 1 ? 0 : -1;
}

/* ---- record set ---- */

#define SET "/ListResourceRecordSetsResponse/ResourceRecordSets/ResourceRecordSet"

struct sets {
	struct dns_job *j;
	bool failed; /* dns_fail() was called */
	unsigned int found;
	/* the one that is being read */
	char name[sizeof(((struct dns_job *)NULL)->name)], type[8], health[DNS_ID_MAX];
	char kind[64]; /* "": a simple one */
	uint32_t ttl_s;
	struct dns_set values;
	bool many; /* more values than there is room for */
};

/* Route53 writes characters other than letters, digits, '-', '.' and '_' as \ and octal digits. */
static void unescape(const char *from, char *to, size_t size)
{
	size_t at = 0;

	while (*from && at + 1 < size) {
		if (from[0] == '\\' && from[1] && from[2] && from[3]) {
			to[at++] = (char)strtol((char[]){from[1], from[2], from[3], '\0'}, NULL, 8);
			from += 4;
		} else {
			to[at++] = *from++;
		}
	}
	to[at] = '\0';
}

static int keep_set(struct sets *s)
{
	struct dns_job *j = s->j;

	if (s->kind[0])
		return dns_fail(j, DNS_REFUSED,
				"the record set is no simple one (it has %s), "
				"so it is left alone",
				s->kind);
	if (s->found++)
		return dns_fail(j, DNS_FAILED, "Route53 reported the record set twice");
	if (s->many)
		return dns_fail(j, DNS_REFUSED, "the record has more than %d values",
				DNS_VALUES_MAX);
	memcpy(j->name, s->name, sizeof(j->name));
	memcpy(j->extra, s->health, sizeof(j->extra));
	j->ttl_s = s->ttl_s;
	for (unsigned int i = 0; i < s->values.n; i++)
		/* As Route53 writes it: a DELETE must repeat that. */
		if (dns_add_value(j, s->values.value[i], s->values.value[i]))
			return -1;
	return 0;
}

static void end_of_set(struct sets *s)
{
	char name[sizeof(s->name)];

	unescape(s->name, name, sizeof(name));
	if (dns_same_name(name, s->j->req->conf.record) &&
	    !strcmp(s->type, conf_dns_type_name(s->j->req->type)) && !s->failed && keep_set(s))
		s->failed = true;
	s->name[0] = s->type[0] = s->health[0] = s->kind[0] = '\0';
	s->ttl_s = 0;
	s->many = false;
	memset(&s->values, 0, sizeof(s->values));
}

static void take_value(struct sets *s, const char *text)
{
	if (s->values.n < DNS_VALUES_MAX)
		snprintf(s->values.value[s->values.n++], DNS_ADDRESS_MAX, "%.*s",
			 DNS_ADDRESS_MAX - 1, text);
	else
		s->many = true;
}

/* What an element directly in a set means. */
static void take_field(struct sets *s, const char *field, const char *text)
{
	if (!strcmp(field, "Name"))
		snprintf(s->name, sizeof(s->name), "%.*s", (int)sizeof(s->name) - 1, text);
	else if (!strcmp(field, "Type"))
		snprintf(s->type, sizeof(s->type), "%.7s", text);
	else if (!strcmp(field, "TTL"))
		s->ttl_s = (uint32_t)strtoul(text, NULL, 10);
	else if (!strcmp(field, "HealthCheckId"))
		snprintf(s->health, sizeof(s->health), "%.*s", DNS_ID_MAX - 1, text);
	else if (!strcmp(field, "ResourceRecords/ResourceRecord/Value"))
		take_value(s, text);
	else if (!strchr(field, '/') && strcmp(field, "ResourceRecords") != 0)
		snprintf(s->kind, sizeof(s->kind), "%.63s", field);
}

static int take_set(const char *path, const char *text, void *arg)
{
	struct sets *s = arg;

	if (!strcmp(path, SET))
		end_of_set(s);
	else if (!strncmp(path, SET "/", strlen(SET "/")))
		take_field(s, path + strlen(SET "/"), text);
	return 0;
}

/*
 * The list begins at our name and type, so a simple set is its first item. Sets of other kinds may
 * be many under one name, and are refused at the first.
 */
static int find(struct dns_job *j)
{
	char name[CONF_DNS_NAME_MAX + 8], path[DNS_PATH_MAX];
	struct sets s = {.j = j};

	snprintf(path, sizeof(path), API "/hostedzone/%s/rrset?maxitems=100&name=%s.&type=%s",
		 j->zone_id, dns_escape(j->req->conf.record, name, sizeof(name)),
		 conf_dns_type_name(j->req->type));
	if (ask(j, "GET", path, NULL, take_set, &s))
		return -1;
	return s.failed ? -1 : 0;
}

/* ---- change ---- */

static int take_change(const char *path, const char *text, void *arg)
{
	struct dns_job *j = arg;
	const char *slash = strrchr(text, '/');

	if (dns_aws_ends(path, "/ChangeInfo/Id"))
		snprintf(j->change_id, sizeof(j->change_id), "%.*s", DNS_ID_MAX - 1,
			 slash ? slash + 1 : text);
	else if (dns_aws_ends(path, "/ChangeInfo/Status"))
		snprintf(j->change_status, sizeof(j->change_status), "%.15s", text);
	return 0;
}

/* The set as it is, or, with a plan, as it is to be. */
static void print_set(FILE *f, const struct dns_job *j, const struct dns_plan *plan)
{
	fprintf(f,
		"<Change><Action>%s</Action><ResourceRecordSet><Name>%s</Name><Type>%s</Type>"
		"<TTL>%u</TTL><ResourceRecords>",
		plan ? "CREATE" : "DELETE", j->name, conf_dns_type_name(j->req->type), j->ttl_s);
	for (unsigned int i = 0; i < j->present.n; i++)
		fprintf(f, "<ResourceRecord><Value>%s</Value></ResourceRecord>",
			plan && plan->at == i ? plan->after.value[i] : j->id[i]);
	fprintf(f, "</ResourceRecords>");
	if (j->extra[0])
		fprintf(f, "<HealthCheckId>%s</HealthCheckId>", j->extra);
	fprintf(f, "</ResourceRecordSet></Change>");
}

static void print_batch(FILE *f, const struct dns_job *j, const struct dns_plan *plan)
{
	fprintf(f, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		   "<ChangeResourceRecordSetsRequest xmlns=\"" NS "\"><ChangeBatch>"
		   "<Comment>hokm-xdp failover</Comment><Changes>");
	print_set(f, j, NULL);
	print_set(f, j, plan);
	fprintf(f, "</Changes></ChangeBatch></ChangeResourceRecordSetsRequest>");
}

/* Names and ids go into the request as they came: nothing that would be another element. */
static bool is_safe(const char *s)
{
	return !strpbrk(s, "<>&\"'");
}

static int change(struct dns_job *j, const struct dns_plan *plan)
{
	char path[DNS_PATH_MAX];
	char *body = NULL;
	size_t size;
	FILE *f;
	int err;

	if (!is_safe(j->name) || !is_safe(j->extra))
		return dns_fail(j, DNS_REFUSED, "Route53 reported a name that cannot be repeated");
	f = open_memstream(&body, &size);
	if (!f)
		return dns_fail(j, DNS_FAILED, "out of memory");
	print_batch(f, j, plan);
	if (fclose(f)) {
		free(body);
		return dns_fail(j, DNS_FAILED, "out of memory");
	}
	snprintf(path, sizeof(path), API "/hostedzone/%s/rrset/", j->zone_id);
	j->change_id[0] = j->change_status[0] = '\0';
	err = ask(j, "POST", path, body, take_change, j);
	free(body);
	return err;
}

static int await(struct dns_job *j)
{
	char path[DNS_PATH_MAX];
	int pause_ms = 0;

	if (!j->change_id[0])
		return dns_fail(j, DNS_FAILED, "Route53 did not name the change");
	snprintf(path, sizeof(path), API "/change/%s", j->change_id);
	for (unsigned int i = 0; i < POLLS; i++) {
		if (!strcmp(j->change_status, "INSYNC"))
			return 0;
		if (i)
			dns_pause(&pause_ms);
		if (ask(j, "GET", path, NULL, take_change, j))
			return -1;
	}
	return dns_fail(j, DNS_FAILED, "Route53 did not report the change as INSYNC in time");
}

const struct dns_provider dns_route53 = {
	.name = "Route53",
	.endpoint = "https://route53.amazonaws.com",
	.secrets = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"},
	.needed = 2,
	.login = login,
	.find_zone = find_zone,
	.find = find,
	.change = change,
	.await = await,
};
