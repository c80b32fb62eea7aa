/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Floating addresses of AWS, by the Query API of EC2, version 2016-11-15, in XML:
 *
 *   aws-eip      an Elastic IP, which AssociateAddress moves to a network interface or an instance
 *   aws-private  a secondary private address, which AssignPrivateIpAddresses moves to another
 *                network interface of the same subnet
 *
 * Each change is one request, which is carried out whole or not at all. What EC2 reports may lag
 * behind it for a while, so a job waits until it reports the change. Private addresses are unique
 * in a subnet only: the subnet is that of the network interface that is wanted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/dns_aws.h"

#define VERSION "&Version=2016-11-15"
#define FORM    "application/x-www-form-urlencoded; charset=utf-8"
#define POLLS   30

static int ask(struct dns_job *j, const char *body, dns_xml_fn fn, void *arg)
{
	return dns_aws_ask(j, "POST", "/", FORM, body, fn, arg);
}

static int login(struct dns_job *j)
{
	snprintf(j->zone, sizeof(j->zone), "%s", j->req->conf.region);
	return dns_aws_login(j, j->req->conf.region, "ec2");
}

/* What goes into a request as it came: ids only. */
static bool is_id(const char *s)
{
	return s[0] && !s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-")];
}

/* The element with this name directly in another, or NULL. */
static const char *child(const char *path, const char *in)
{
	size_t len = strlen(in);

	return !strncmp(path, in, len) && path[len] == '/' ? path + len + 1 : NULL;
}

/* ---- Elastic IP ---- */

#define ADDRESS "/DescribeAddressesResponse/addressesSet/item"

struct address {
	unsigned int n;
	char allocation[DNS_ID_MAX], instance[DNS_ID_MAX], interface[DNS_ID_MAX];
};

static int take_address(const char *path, const char *text, void *arg)
{
	const char *field = child(path, ADDRESS);
	struct address *a = arg;

	if (!strcmp(path, ADDRESS))
		a->n++;
	else if (field && !strcmp(field, "allocationId"))
		snprintf(a->allocation, sizeof(a->allocation), "%.*s", DNS_ID_MAX - 1, text);
	else if (field && !strcmp(field, "instanceId"))
		snprintf(a->instance, sizeof(a->instance), "%.*s", DNS_ID_MAX - 1, text);
	else if (field && !strcmp(field, "networkInterfaceId"))
		snprintf(a->interface, sizeof(a->interface), "%.*s", DNS_ID_MAX - 1, text);
	return 0;
}

static bool is_ours(const struct dns_job *j, const char *id)
{
	return dns_set_find(&j->req->group, id) < j->req->group.n;
}

/* An association has both; the configuration may name a node by the one or the other. */
static const char *holder(const struct dns_job *j, const struct address *a)
{
	if (is_ours(j, a->instance) || !a->interface[0])
		return a->instance;
	return a->interface;
}

static int find_eip(struct dns_job *j)
{
	struct address a = {.n = 0};
	char body[768];

	snprintf(body, sizeof(body), "Action=DescribeAddresses&PublicIp.1=%s" VERSION,
		 j->req->conf.record);
	if (ask(j, body, take_address, &a))
		return -1;
	if (a.n != 1 || !is_id(a.allocation))
		return dns_fail(j, DNS_REFUSED, "AWS has no Elastic IP %s of a VPC in %s",
				j->req->conf.record, j->zone);
	snprintf(j->zone_id, sizeof(j->zone_id), "%s", a.allocation);
	return holder(j, &a)[0] ? dns_add_value(j, holder(j, &a), "") : 0;
}

static int take_return(const char *path, const char *text, void *arg)
{
	bool *done = arg;

	if (dns_aws_ends(path, "Response/return"))
		*done = !strcmp(text, "true");
	return 0;
}

/* A change whose answer says true. The machine that has the address before it is noted. */
static int ask_change(struct dns_job *j, const char *body)
{
	bool done = false;

	snprintf(j->extra, sizeof(j->extra), "%s", j->present.n ? j->present.value[0] : "");
	if (ask(j, body, take_return, &done))
		return -1;
	return done ? 0 : dns_fail(j, DNS_FAILED, "AWS did not report the change as made");
}

static int change_eip(struct dns_job *j, const struct dns_plan *plan)
{
	const char *id = plan->after.value[0];
	char body[768];

	snprintf(body, sizeof(body),
		 "Action=AssociateAddress&AllocationId=%s&AllowReassociation=true&%s=%s" VERSION,
		 j->zone_id, strncmp(id, "eni-", 4) ? "InstanceId" : "NetworkInterfaceId", id);
	return ask_change(j, body);
}

/* ---- secondary private address ---- */

#define INTERFACE "/DescribeNetworkInterfacesResponse/networkInterfaceSet/item"

struct interface {
	const char *want; /* the address */
	unsigned int n;
	char id[DNS_ID_MAX], subnet[DNS_ID_MAX];
	bool primary; /* the address is its first one */
	/* the address that is being read */
	bool here, first;
};

static int take_interface(const char *path, const char *text, void *arg)
{
	const char *field = child(path, INTERFACE);
	struct interface *f = arg;

	if (!strcmp(path, INTERFACE)) {
		f->n++;
	} else if (!field) {
		return 0;
	} else if (!strcmp(field, "networkInterfaceId")) {
		snprintf(f->id, sizeof(f->id), "%.*s", DNS_ID_MAX - 1, text);
	} else if (!strcmp(field, "subnetId")) {
		snprintf(f->subnet, sizeof(f->subnet), "%.*s", DNS_ID_MAX - 1, text);
	} else if (!strcmp(field, "privateIpAddressesSet/item/privateIpAddress")) {
		f->here = !strcmp(text, f->want);
	} else if (!strcmp(field, "privateIpAddressesSet/item/primary")) {
		f->first = !strcmp(text, "true");
	} else if (!strcmp(field, "privateIpAddressesSet/item")) {
		f->primary |= f->here && f->first;
		f->here = f->first = false;
	}
	return 0;
}

static int find_subnet(struct dns_job *j)
{
	struct interface f = {.want = j->req->conf.record};
	char body[768];

	if (!is_id(j->req->want))
		return dns_fail(j, DNS_REFUSED, "%s is no network interface", j->req->want);
	snprintf(body, sizeof(body),
		 "Action=DescribeNetworkInterfaces&NetworkInterfaceId.1=%s" VERSION, j->req->want);
	if (ask(j, body, take_interface, &f))
		return -1;
	if (f.n != 1 || !is_id(f.subnet))
		return dns_fail(j, DNS_REFUSED, "AWS has no network interface %s in %s",
				j->req->want, j->zone);
	snprintf(j->zone, sizeof(j->zone), "%s", f.subnet);
	return 0;
}

static int find_private(struct dns_job *j)
{
	struct interface f = {.want = j->req->conf.record};
	char body[768];

	snprintf(body, sizeof(body),
		 "Action=DescribeNetworkInterfaces&Filter.1.Name=addresses.private-ip-address"
		 "&Filter.1.Value.1=%s&Filter.2.Name=subnet-id&Filter.2.Value.1=%s" VERSION,
		 j->req->conf.record, j->zone);
	if (ask(j, body, take_interface, &f))
		return -1;
	if (f.primary)
		return dns_fail(j, DNS_REFUSED,
				"%s is the primary address of %s, which AWS does not move: "
				"take a secondary one",
				j->req->conf.record, f.id);
	return f.n ? dns_add_value(j, f.id, "") : 0;
}

static int change_private(struct dns_job *j, const struct dns_plan *plan)
{
	char body[768];

	snprintf(body, sizeof(body),
		 "Action=AssignPrivateIpAddresses&NetworkInterfaceId=%s&PrivateIpAddress.1=%s"
		 "&AllowReassignment=true" VERSION,
		 plan->after.value[0], j->req->conf.record);
	return ask_change(j, body);
}

/* ---- both ---- */

/* Waits until EC2 reports another machine than before. */
static int await(struct dns_job *j)
{
	int pause_ms = 0;

	for (unsigned int i = 0; i < POLLS; i++) {
		memset(&j->present, 0, sizeof(j->present));
		if (j->provider->find(j))
			return -1;
		if (j->present.n && strcmp(j->present.value[0], j->extra) != 0)
			return 0;
		dns_pause(&pause_ms);
	}
	return dns_fail(j, DNS_FAILED, "AWS accepted the change, but does not report it");
}

const struct dns_provider dns_aws_eip = {
	.name = "AWS",
	.endpoint = "https://ec2.%s.amazonaws.com",
	.floating = true,
	.secrets = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"},
	.needed = 2,
	.login = login,
	.find = find_eip,
	.change = change_eip,
	.await = await,
};

const struct dns_provider dns_aws_private = {
	.name = "AWS",
	.endpoint = "https://ec2.%s.amazonaws.com",
	.floating = true,
	.secrets = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"},
	.needed = 2,
	.login = login,
	.find_zone = find_subnet,
	.find = find_private,
	.change = change_private,
	.await = await,
};
