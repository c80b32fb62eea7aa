/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules for DNS failover and floating addresses: names, what the nodes have, and the provider. */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf_int.h"
#include "conf/schema.h"

#define LABEL_MAX  63
#define SEPARATORS " \t,"
#define DIGITS     "0123456789"
#define ID_CHARS   DIGITS "abcdefghijklmnopqrstuvwxyz"

/* Lower case, without a dot at the end. What is wrong with the name, or NULL. */
static const char *tidy_name(char *name)
{
	size_t len = strlen(name), label = 0;

	if (len && name[len - 1] == '.')
		name[--len] = '\0';
	for (size_t i = 0; i < len; i++) {
		char c = (char)tolower((unsigned char)name[i]);

		name[i] = c;
		if (c == '.' && !label)
			return "two dots, or one at the begin";
		label = c == '.' ? 0 : label + 1;
		if (label > LABEL_MAX)
			return "a part between two dots has more than 63 characters";
		if (c != '.' && !isalnum((unsigned char)c) && c != '-' && c != '_' &&
		    !(c == '*' && !i && name[1] == '.'))
			return "a name has letters, digits, '-', '_' and dots";
	}
	return strchr(name, '.') ? NULL : "give the full name, such as game.example.com";
}

static bool ends_in(const char *name, const char *zone)
{
	size_t ln = strlen(name), lz = strlen(zone);

	if (ln == lz)
		return !strcmp(name, zone);
	return ln > lz && name[ln - lz - 1] == '.' && !strcmp(name + ln - lz, zone);
}

static void check_names(const struct conf_sec *s, struct conf_dns *d)
{
	const char *problem = tidy_name(d->record);

	if (problem)
		conf_complain(s, "record", "%s", problem);
	if (!d->zone[0])
		return;
	problem = tidy_name(d->zone);
	if (problem)
		conf_complain(s, "zone", "%s", problem);
	else if (!ends_in(d->record, d->zone))
		conf_complain(s, "zone", "the record %s is not in it", d->record);
}

/* The address of a node in the form that it is compared in. */
static void tidy_address(const struct conf_sec *s, struct conf_node *n, enum conf_dns_type t)
{
	int family = t == CONF_DNS_A ? AF_INET : AF_INET6;
	unsigned char raw[16];

	if (inet_pton(family, n->dns_address[t], raw) != 1 ||
	    !inet_ntop(family, raw, n->dns_address[t], DNS_ADDRESS_MAX))
		conf_complain(s, "record", "node %s has %s: that is no address for type %s",
			      n->name, n->dns_address[t], conf_dns_type_name(t));
}

/* How many nodes have an address for this type. Each needs one of its own. */
static unsigned int check_addresses(const struct conf_sec *s, struct conf *c, enum conf_dns_type t)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < c->n_nodes; i++) {
		const char *address = c->nodes[i].dns_address[t];

		if (!address[0])
			continue;
		tidy_address(s, &c->nodes[i], t);
		n++;
		for (unsigned int k = 0; k < i; k++)
			if (!strcmp(c->nodes[k].dns_address[t], address))
				conf_complain(s, "record",
					      "nodes %s and %s have the same address %s",
					      c->nodes[k].name, c->nodes[i].name, address);
	}
	if (n && n < c->n_nodes)
		conf_complain(s, "record",
			      "%u of the %u nodes have an address for type %s: "
			      "set %s in all of them, or in none",
			      n, c->n_nodes, conf_dns_type_name(t),
			      t == CONF_DNS_A ? "dns_address" : "dns_address6");
	return n;
}

/* ---- floating addresses ---- */

/* Is it the id of a machine, as the provider writes it? The words of what it should be, or NULL. */
static const char *check_id(enum conf_dns_provider p, const char *id)
{
	size_t prefix = !strncmp(id, "eni-", 4) ? 4 : !strncmp(id, "i-", 2) ? 2 : 0;

	if (p == CONF_DNS_DIGITALOCEAN_IP)
		return id[strspn(id, DIGITS)] || strlen(id) > 18 || id[0] == '0'
			       ? "the id of a droplet, a number"
			       : NULL;
	if (!prefix || (p == CONF_DNS_AWS_PRIVATE && prefix != 4) || !id[prefix] ||
	    id[prefix + strspn(id + prefix, ID_CHARS)])
		return p == CONF_DNS_AWS_PRIVATE
			       ? "the id of a network interface, eni-..."
			       : "the id of a network interface or instance, eni-... or i-...";
	return NULL;
}

static void check_ids(const struct conf_sec *s, const struct conf *c)
{
	for (unsigned int i = 0; i < c->n_nodes; i++) {
		const char *id = c->nodes[i].cloud_id;
		const char *problem = id[0] ? check_id(c->dns.provider, id) : NULL;

		if (!id[0])
			conf_complain(s, "record",
				      "node %s has no cloud_id, which provider %s needs",
				      c->nodes[i].name, conf_dns_provider_name(c->dns.provider));
		if (problem)
			conf_complain(s, "record", "node %s has cloud_id %s: it must be %s",
				      c->nodes[i].name, id, problem);
		for (unsigned int k = 0; k < i && id[0]; k++)
			if (!strcmp(c->nodes[k].cloud_id, id))
				conf_complain(s, "record",
					      "nodes %s and %s have the same cloud_id %s",
					      c->nodes[k].name, c->nodes[i].name, id);
	}
}

static void check_floating(const struct conf_sec *s, struct conf_dns *d)
{
	unsigned char raw[4];

	if (inet_pton(AF_INET, d->record, raw) != 1 ||
	    !inet_ntop(AF_INET, raw, d->record, sizeof(d->record)))
		conf_complain(s, "record", "with provider %s it is an IPv4 address",
			      conf_dns_provider_name(d->provider));
	if (d->zone[0])
		conf_complain(s, "zone", "provider %s has none",
			      conf_dns_provider_name(d->provider));
	if (d->provider == CONF_DNS_DIGITALOCEAN_IP)
		return;
	if (!d->region[0] || d->region[strspn(d->region, ID_CHARS "-")])
		conf_complain(s, "region", "name the region of AWS, such as eu-central-1");
}

/* ---- provider ---- */

static void choose_provider(const struct conf_sec *s, struct conf_dns *d)
{
	const struct conf_key *k = conf_key_find("dns.provider");
	const char *name = getenv("DNS_PROVIDER");

	for (const struct conf_word *w = k->type.words; name && w->word; w++)
		if (!strcmp(w->word, name))
			d->provider = (enum conf_dns_provider)w->value;
	if (d->provider == CONF_DNS_NONE)
		conf_complain(s, "provider",
			      "none%s: name it here, "
			      "or in the environment as DNS_PROVIDER",
			      name ? " that is known by DNS_PROVIDER" : "");
}

static void check_endpoint(const struct conf_sec *s, const struct conf_dns *d)
{
	bool own = d->provider == CONF_DNS_RFC2136;
	const char *scheme = own ? "dns://" : "https://";

	if (own && !d->endpoint[0])
		conf_complain(s, "endpoint",
			      "missing: name the primary name server of the zone, "
			      "such as dns://192.0.2.53");
	else if (d->endpoint[0] && strncmp(d->endpoint, scheme, strlen(scheme)) != 0)
		conf_complain(s, "endpoint", "with provider %s it begins with %s",
			      conf_dns_provider_name(d->provider), scheme);
}

/* A monitor has a name in notifications and in its paths, which no node may have. */
static void check_monitor(const struct conf_sec *s, const struct conf *c)
{
	if (c->dns.mode != CONF_DNS_MONITOR)
		return;
	for (unsigned int i = 0; i < c->n_nodes; i++) {
		if (!strcmp(c->nodes[i].name, CONF_DNS_MONITOR_NAME))
			conf_complain(s, "mode", "a node is called %s: give it another name",
				      c->nodes[i].name);
		if (c->dns.watch == CONF_DNS_PUBLIC && !c->nodes[i].dns_address[CONF_DNS_A][0])
			conf_complain(s, "watch",
				      "node %s has no dns_address of IPv4 to be checked at: "
				      "set it, or dns.watch = private",
				      c->nodes[i].name);
	}
}

/* An address, or one with a port: 192.0.2.1:53, [2001:db8::1]:53. */
static bool is_server(const char *text, size_t len)
{
	char host[DNS_ADDRESS_MAX + 2], *port;
	unsigned char raw[16];
	bool v6;

	if (len >= sizeof(host))
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	v6 = host[0] == '[';
	port = v6 ? strchr(host, ']') : strchr(host, ':');
	if (!v6 && inet_pton(AF_INET6, host, raw) == 1)
		return true;
	if (v6 && (!port || (port[1] && port[1] != ':')))
		return false;
	if (port) {
		long n = port[v6] ? strtol(port + 1 + v6, NULL, 10) : 53;

		*port = '\0';
		if (n < 1 || n > 65535)
			return false;
	}
	return inet_pton(v6 ? AF_INET6 : AF_INET, host + v6, raw) == 1;
}

static void check_servers(const struct conf_sec *s, const struct conf_dns *d)
{
	const char *at = d->name_servers + strspn(d->name_servers, SEPARATORS);
	unsigned int n = 0;

	for (size_t len; *at; at += strspn(at, SEPARATORS)) {
		len = strcspn(at, SEPARATORS);
		if (!is_server(at, len))
			conf_complain(s, "name_servers",
				      "\"%.*s\" is no address, with or without a port", (int)len,
				      at);
		at += len;
		n++;
	}
	if (n > CONF_DNS_SERVERS_MAX)
		conf_complain(s, "name_servers", "%u of them: at most %d are asked", n,
			      CONF_DNS_SERVERS_MAX);
}

void rule_dns(const struct conf_sec *s, struct conf *c)
{
	struct conf_dns *d = &c->dns;
	unsigned int n;

	if (!d->record[0]) {
		if (d->provider != CONF_DNS_NONE)
			conf_complain(s, "record", "missing: which record is it?");
		d->provider = CONF_DNS_NONE;
		return;
	}
	if (d->provider == CONF_DNS_NONE)
		choose_provider(s, d);
	check_endpoint(s, d);
	check_servers(s, d);
	n = check_addresses(s, c, CONF_DNS_A) + check_addresses(s, c, CONF_DNS_AAAA);
	if (conf_dns_floating(d->provider)) {
		check_floating(s, d);
		check_ids(s, c);
	} else {
		check_names(s, d);
	}
	if (!n && !conf_dns_floating(d->provider))
		conf_complain(s, "record",
			      "no node has an address for it: set dns_address in each node");
	check_monitor(s, c);
}
