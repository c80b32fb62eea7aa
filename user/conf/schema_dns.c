/* SPDX-License-Identifier: GPL-2.0-only */
/* The keys of section dns. See schema.c. */
#include <stdio.h>
#include <string.h>

#include "conf/schema_rows.h"

static const struct conf_word providers[] = {
	{"none", CONF_DNS_NONE},
	{"cloudflare", CONF_DNS_CLOUDFLARE},
	{"route53", CONF_DNS_ROUTE53},
	{"digitalocean", CONF_DNS_DIGITALOCEAN},
	{"rfc2136", CONF_DNS_RFC2136},
	{"digitalocean-ip", CONF_DNS_DIGITALOCEAN_IP},
	{"aws-eip", CONF_DNS_AWS_EIP},
	{"aws-private", CONF_DNS_AWS_PRIVATE},
	{NULL, 0}};
static const struct conf_word sets[] = {
	{"replace", DNS_REPLACE}, {"member", DNS_MEMBER}, {NULL, 0}};
static const struct conf_word writers[] = {
	{"owner", CONF_DNS_OWNER}, {"monitor", CONF_DNS_MONITOR}, {NULL, 0}};
static const struct conf_word watches[] = {
	{"public", CONF_DNS_PUBLIC}, {"private", CONF_DNS_PRIVATE}, {NULL, 0}};
static const char *const types[] = {[CONF_DNS_A] = "A", [CONF_DNS_AAAA] = "AAAA"};

const char *conf_dns_provider_name(enum conf_dns_provider p)
{
	return (unsigned int)p < CONF_DNS_PROVIDERS ? providers[p].word : "?";
}

bool conf_dns_floating(enum conf_dns_provider p)
{
	return p == CONF_DNS_DIGITALOCEAN_IP || p == CONF_DNS_AWS_EIP || p == CONF_DNS_AWS_PRIVATE;
}

const char *conf_dns_value(const struct conf *c, unsigned int node, enum conf_dns_type t)
{
	if (!conf_dns_floating(c->dns.provider))
		return c->nodes[node].dns_address[t];
	return t == CONF_DNS_A ? c->nodes[node].cloud_id : "";
}

bool conf_dns_knows(const struct conf *c, enum conf_dns_type t, const char *value)
{
	for (unsigned int i = 0; i < c->n_nodes; i++)
		if (!strcmp(conf_dns_value(c, i, t), value))
			return true;
	return false;
}

void conf_dns_as_monitor(struct conf *c)
{
	const char *slash = strrchr(c->dns.monitor_state, '/');

	c->self = c->n_nodes;
	/* The path is absolute. */
	snprintf(c->state_file, sizeof(c->state_file), "%.*s/monitor.state",
		 (int)(slash - c->dns.monitor_state), c->dns.monitor_state);
}

const char *conf_dns_type_name(enum conf_dns_type t)
{
	return (unsigned int)t < CONF_DNS_TYPES ? types[t] : "?";
}

const struct conf_key conf_dns_keys[] = {
	KEY("dns.provider", WORD(providers), FIELD(conf, dns.provider), RESTART, "none", NULL,
	    "The DNS provider; rfc2136 is dynamic update of a name server of one's own, such as "
	    "BIND 9. The last three move a floating address to a machine, in place of a record: "
	    "a reserved IP of DigitalOcean, an Elastic IP of AWS, or a secondary private address "
	    "in a subnet of AWS. With none, and with a record, "
	    "the variable DNS_PROVIDER of the environment names it."),
	KEY("dns.record", TEXT(0, CONF_DNS_NAME_MAX - 1), FIELD(conf, dns.record),
	    RESTART | KEY_EMPTY, "", NULL,
	    "The full name of the record, or the floating address. It must exist. "
	    "\"\" turns DNS failover off."),
	KEY("dns.region", TEXT(0, CONF_DNS_REGION_MAX - 1), FIELD(conf, dns.region),
	    RESTART | KEY_EMPTY, "", NULL,
	    "The region of AWS where a floating address is, such as eu-central-1."),
	KEY("dns.take_unassigned", BOOL, FIELD(conf, dns.take_unassigned), RESTART, "no", NULL,
	    "Whether a floating address that no machine has is taken too. The provider takes it "
	    "from a machine that is deleted."),
	KEY("dns.zone", TEXT(0, CONF_DNS_NAME_MAX - 1), FIELD(conf, dns.zone), RESTART | KEY_EMPTY,
	    "", NULL, "The zone of the record. \"\": found at the provider by the record's name."),
	KEY("dns.set", WORD(sets), FIELD(conf, dns.set), RESTART, "replace", NULL,
	    "replace: the record has one value, the owner's address. "
	    "member: it may have more values, of which exactly one is an address of this group; "
	    "the others stay."),
	KEY("dns.ttl", DURATION(S(1), HOURS(24)), FIELD(conf, dns.ttl_ns), RESTART, "60s", NULL,
	    "The greatest TTL that the record should have. "
	    "A record with a greater one is reported. The TTL itself is never changed."),
	KEY("dns.credentials", PATH, FIELD(conf, dns.credentials), RESTART | KEY_EMPTY, "", NULL,
	    "The file that has the credentials, in lines such as CF_API_TOKEN=... Only its owner "
	    "may have access to it. \"\": systemd's credential hokm-dns, else the environment."),
	KEY("dns.failover_delay", DURATION(0, HOURS(1)), FIELD(conf, dns.failover_ns), RESTART,
	    "0s", NULL, "How long a node is owner before it writes the record."),
	KEY("dns.failback_delay", DURATION(0, HOURS(24)), FIELD(conf, dns.failback_ns), RESTART,
	    "30s", NULL,
	    "The same while another node is healthy, so that the record hurts nobody. "
	    "That is so when a primary has just come back."),
	KEY("dns.min_interval", DURATION(0, HOURS(24)), FIELD(conf, dns.min_interval_ns), RESTART,
	    "30s", NULL, "The least time between two changes by this node."),
	KEY("dns.verify", DURATION(S(10), HOURS(24)), FIELD(conf, dns.verify_ns), RESTART, "5m",
	    NULL, "Time between two looks of the owner at the record."),
	KEY("dns.timeout", DURATION(MS(100), MIN(5)), FIELD(conf, dns.timeout_ns), RESTART, "5s",
	    NULL, "The longest time of one request to the provider."),
	KEY("dns.endpoint", TEXT(0, CONF_DNS_URL_MAX - 1), FIELD(conf, dns.endpoint),
	    RESTART | KEY_EMPTY, "", NULL,
	    "The base of the provider's URLs, in place of its own. It begins with https://. "
	    "With rfc2136 it is needed and names the primary name server of the zone: "
	    "dns://192.0.2.53 or dns://ns1.example.com:5353."),
	KEY("dns.propagation", DURATION(0, HOURS(1)), FIELD(conf, dns.propagation_ns), RESTART,
	    "2m", NULL,
	    "How long the zone's name servers are asked after a change, until all of them give the "
	    "new address. Only status and history tell of it. 0s: they are not asked."),
	KEY("dns.name_servers", TEXT(0, CONF_DNS_SERVERS_TEXT - 1), FIELD(conf, dns.name_servers),
	    RESTART | KEY_EMPTY, "", NULL,
	    "These are asked, in place of those that the zone names: at most 16 addresses, "
	    "with a port or without one, such as 192.0.2.1 192.0.2.2:5353 [2001:db8::1]:53."),
	KEY("dns.ca_file", PATH, FIELD(conf, dns.ca_file), RESTART,
	    "/etc/ssl/certs/ca-certificates.crt", NULL,
	    "The certificates of the authorities that verify the provider's certificate."),
	KEY("dns.state_file", PATH, FIELD(conf, dns.state_file), RESTART,
	    "/var/lib/hokm-xdp/%n.dns", NULL,
	    "The file of the record's history and of the operator's orders. %n stands for the "
	    "node's name."),
	KEY("dns.mode", WORD(writers), FIELD(conf, dns.mode), RESTART, "owner", NULL,
	    "Who writes the record. owner: the node that owns the VIP. "
	    "monitor: hokm-xdp dns monitor, "
	    "which checks the services of all nodes from any machine."),
	KEY("dns.watch", WORD(watches), FIELD(conf, dns.watch), RESTART, "public", NULL,
	    "Where a monitor checks the services of a node. "
	    "public: at its dns_address, as players reach it. private: at its address."),
	KEY("dns.monitor_socket", PATH, FIELD(conf, dns.monitor_socket), RESTART,
	    "/run/hokm-xdp-monitor/monitor.sock", NULL,
	    "The socket through which hokm-xdp dns reaches a monitor."),
	KEY("dns.monitor_state", PATH, FIELD(conf, dns.monitor_state), RESTART,
	    "/var/lib/hokm-xdp-monitor/monitor.dns", NULL,
	    "The file of a monitor's history and of the operator's orders to it."),
	END_OF_KEYS,
};
