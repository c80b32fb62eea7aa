/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tables of sections and keys. See schema.h for what is made from them.
 *
 * A row: path, type with its bounds, field, flags, default of profile standard, default of profile
 * fast (NULL: the same), meaning. The meanings are read by administrators in the sample, in
 * hokm-xdp.conf(5) and in docs/configuration.md.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "conf/conf_int.h"
#include "conf/schema.h"
#include "conf/schema_rows.h"
#include "conf/schema_witness.h"
#include "conf/schema_hooks.h"
#include "conf/schema_etcd.h"
#include "conf/schema_listen.h"
#include "conf/schema_notify.h"
#include "conf/schema_passive.h"
#include "conf/schema_recover.h"

/* Words of the file and the values of their fields. */
static const struct conf_word profiles[] = {
	{"standard", CONF_PROFILE_STANDARD}, {"fast", CONF_PROFILE_FAST}, {NULL, 0}};
static const struct conf_word log_levels[] = {
	{"error", LOG_LVL_ERROR},
	{"warn", LOG_LVL_WARN},
	{"info", LOG_LVL_INFO},
	{"debug", LOG_LVL_DEBUG},
	{NULL, 0}};
static const struct conf_word marked_down[] = {
	{"shutdown_sessions", CONF_SHUTDOWN_SESSIONS}, {"keep", CONF_KEEP}, {NULL, 0}};
static const struct conf_word peer_kinds[] = {
	{"auto", CONF_PEER_AUTO}, {"hokm", CONF_PEER_HOKM}, {"vrrp", CONF_PEER_VRRP}, {NULL, 0}};
static const struct conf_word proxies[] = {
	{"none", CONF_PROXY_NONE}, {"v1", CONF_PROXY_V1}, {"v2", CONF_PROXY_V2}, {NULL, 0}};
static const struct conf_word modes[] = {{"multicast", true}, {"unicast", false}, {NULL, 0}};
static const struct conf_word checksums[] = {{"pseudo-header", true}, {"plain", false}, {NULL, 0}};

/* ----------------------------------------------------------------------------- the file itself */
static const struct conf_key file_keys[] = {
	KEY("secret", TEXT(CONF_SECRET_MIN, CONF_SECRET_MAX - 1), VALUE(char[CONF_SECRET_MAX]),
	    RELOAD | KEY_SECRET | KEY_REQUIRED | KEY_BY_RULE | KEY_LIST, NULL, NULL,
	    "The secret that all nodes share. The keys of all messages between the nodes are "
	    "derived from it. hokm-xdp genkey prints a new one. Other users must have no access to "
	    "a file with it. With secret_file it is not needed. A list of two, "
	    "{\"new\", \"old\"}, replaces a secret: the first signs, both verify.",
	    .example = "put the output of hokm-xdp genkey here"),
	KEY("secret_file", PATH, VALUE(char[CONF_PATH_MAX]), RELOAD | KEY_BY_RULE, NULL, NULL,
	    "The file that contains the secret, in place of the key secret. Other users must have "
	    "no access to it. A second line is a second secret.",
	    .unset = "none", .example = "/etc/hokm-xdp/secret"),
	KEY("profile", WORD(profiles), FIELD(conf, profile), RELOAD | KEY_BY_RULE, "standard", NULL,
	    "The set of defaults. With standard the owner sends an advert each second and a "
	    "service is checked every 5 seconds; with fast it is 100 and 200 milliseconds."),
	KEY("instance", NAME, FIELD(conf, instance), RELOAD, "hokm", NULL,
	    "The name of the group of nodes. Hooks get it as an argument."),
	KEY("interface", TEXT(0, IF_NAMESIZE - 1), FIELD(conf, interface), RESTART, NULL, NULL,
	    "The network interface of the nodes' addresses and of the VIP.",
	    .unset = "the interface that has this node's address", .example = "eth0"),
	KEY("bpffs", PATH, FIELD(conf, bpffs), RESTART, "/sys/fs/bpf", NULL,
	    "The folder of the BPF file system where maps and programs are pinned. %n stands for "
	    "the node's name."),
	KEY("socket", PATH, FIELD(conf, socket), RESTART, "/run/hokm-xdp/%n.sock", NULL,
	    "The socket through which hokm-xdp ctl reaches the daemon. %n stands for the node's "
	    "name."),
	KEY("state_file", PATH, FIELD(conf, state_file), RESTART, "/var/lib/hokm-xdp/%n.state",
	    NULL,
	    "The file in which the daemon keeps the orders maint, drain and failover of "
	    "hokm-xdp ctl, so that they survive a restart. %n stands for the node's name."),
	KEY("ctl_group", NAME, FIELD(conf, ctl_group), RESTART | KEY_EMPTY, "", NULL,
	    "The group whose members may look with hokm-xdp ctl: status, conns, counters, events. "
	    "With \"\" only root may."),
	KEY("ctl_admin_group", NAME, FIELD(conf, ctl_admin_group), RESTART | KEY_EMPTY, "", NULL,
	    "The group whose members may also act with hokm-xdp ctl: move the VIP, drain, reload, "
	    "terminate connections. With \"\" only root may."),
	KEY("agent_user", NAME, FIELD(conf, agent_user), RESTART, "nobody", NULL,
	    "The user that runs the checks."),
	KEY("log_level", WORD(log_levels), FIELD(conf, log_level), RELOAD, "info", NULL,
	    "Messages of this level and of more severe levels are logged."),
	KEY("max_connections", NUMBER(1024, 4194304), FIELD(conf, max_connections), RESTART,
	    "131072", NULL, "The number of connections that the connection table has room for."),
	KEY("idle_timeout", DURATION(S(60), HOURS(30 * 24)), FIELD(conf, idle_ns), RELOAD, "120m",
	    NULL,
	    "A connection without a packet for this long is removed from the connection table, if "
	    "this machine has no socket for it. Its next packet adds it again."),
	KEY("start_delay", DURATION(0, HOURS(1)), FIELD(conf, start_delay_ns), RELOAD, "40s", NULL,
	    "The longest time after its link came that a node waits for a first frame, "
	    "of a peer, the gateway or another host, before it may own the VIP."),
	KEY("linger", DURATION(0, HOURS(24)), FIELD(conf, linger_ns), RELOAD, "5m", NULL,
	    "How long the packet path stays after the daemon was stopped, and steers new "
	    "connections that still come to this node to the owner. With 0s it does not stay."),
	CONF_GRANT_KEYS,
	KEY("vip", IPV4, VALUE(struct in_addr), RELOAD | KEY_LIST | KEY_BY_RULE, "192.168.1.25",
	    NULL, "The virtual IPs that the clients connect to, at most 4."),
	END_OF_KEYS,
};

static const struct conf_key node_keys[] = {
	KEY("node.address", IPV4, FIELD(conf_node, addr), RESTART | KEY_REQUIRED, NULL, NULL,
	    "The node's own address. The machine that has it on one of its interfaces is this "
	    "node. Only the node itself needs a restart when it changes.",
	    .example = "192.168.1.26"),
	KEY("node.priority", NUMBER(1, 254), FIELD(conf_node, priority), RELOAD, NULL, NULL,
	    "The VRRP priority. The node with the highest one is preferred as owner.",
	    .unset = "110 for the first node in the file, 100 for the second, and so on",
	    .example = "110"),
	KEY("node.peer", WORD(peer_kinds), FIELD(conf_node, peer), RELOAD, "auto", NULL,
	    "What runs on the node: hokm (this program), vrrp (keepalived or another), or auto. "
	    "auto means hokm once the node has answered a pulse. Adverts alone of a node with hokm "
	    "end no lease, because anybody can forge them; those of vrrp do."),
	KEY("node.path", IPV4, VALUE(struct in_addr), RELOAD | KEY_LIST | KEY_BY_RULE, NULL, NULL,
	    "The node's own address on a direct cable or on a second network between the nodes, on "
	    "another interface than that of the VIP. Pulses go that way too, and a peer is "
	    "alive while any path answers. At most 2, the same number and order on all nodes.",
	    .unset = "none: the segment of the VIP is the only path", .example = "10.0.0.26"),
	KEY("node.dns_address", TEXT(0, DNS_ADDRESS_MAX - 1), FIELD(conf_node, dns_address[0]),
	    RELOAD | KEY_EMPTY, "", NULL,
	    "The IPv4 address that the DNS record has while this node is owner. Only for section "
	    "dns."),
	KEY("node.dns_address6", TEXT(0, DNS_ADDRESS_MAX - 1), FIELD(conf_node, dns_address[1]),
	    RELOAD | KEY_EMPTY, "", NULL, "The same for IPv6, in the record of type AAAA."),
	KEY("node.cloud_id", TEXT(0, DNS_ADDRESS_MAX - 1), FIELD(conf_node, cloud_id),
	    RELOAD | KEY_EMPTY, "", NULL,
	    "The machine that gets a floating address: the id of the droplet, "
	    "at AWS that of the network interface (eni-...) or instance (i-...)."),
	END_OF_KEYS,
};

/* ---------------------------------------------------------------------- services, their checks */
static const struct conf_key service_keys[] = {
	KEY("service.vip", IPV4, VALUE(struct in_addr), RELOAD | KEY_BY_RULE, NULL, NULL,
	    "The VIP of the service, one of the list vip.", .unset = "the first of the list vip",
	    .example = "192.168.1.25"),
	KEY("service.port", PORT, FIELD(conf_service, port), RELOAD, "8765", NULL,
	    "The TCP port of the service."),
	KEY("service.on_marked_down", WORD(marked_down), FIELD(conf_service, on_marked_down),
	    RELOAD, "shutdown_sessions", NULL,
	    "What happens to established connections when the service is down "
	    "because its process is unresponsive, and it is up on a peer. "
	    "shutdown_sessions terminates them, so that the clients reconnect to the peer; "
	    "keep leaves them."),
	END_OF_KEYS,
};

#define FOR_WEB     (FOR(CHECK_WEBSOCKET) | FOR(CHECK_HTTP))
#define FOR_NETWORK (FOR_WEB | FOR(CHECK_TCP))

static const char *const check_kinds[] = {
	[CHECK_WEBSOCKET] = "websocket", [CHECK_HTTP] = "http",   [CHECK_TCP] = "tcp",
	[CHECK_EXEC] = "exec",           [CHECK_EXEC + 1] = NULL,
};
static const char *const default_checks[] = {"websocket", "http", NULL};

static const struct conf_preset check_paths[] = {
	[CHECK_WEBSOCKET] = {"/", NULL},
	[CHECK_HTTP] = {"/health", NULL},
};

static const struct conf_key check_keys[] = {
	KEY("service.check.command", PATH, FIELD(conf_check, path),
	    RELOAD | KEY_REQUIRED | KEY_LIST, NULL, NULL,
	    "The program that is run, and its arguments, without a shell: one text, in which "
	    "'...' keeps blanks, or a list, {\"/bin/x\", \"-a\"}. The check passes when its exit "
	    "status is 0.",
	    .titles = FOR(CHECK_EXEC), .example = "/usr/local/lib/hokm-xdp/check"),
	KEY("service.check.address", IPV4, FIELD(conf_check, addr), RELOAD | KEY_LOOPBACK, NULL,
	    NULL,
	    "The address that the check connects to. "
	    "It may also be another address of the node, or 127.0.0.1.",
	    .titles = FOR_NETWORK, .unset = "the VIP of the service, reached on this node",
	    .example = "192.168.1.25"),
	KEY("service.check.port", PORT, FIELD(conf_check, port), RELOAD, NULL, NULL,
	    "The port that the check connects to.", .titles = FOR_NETWORK,
	    .unset = "the port of the service", .example = "8765"),
	KEY("service.check.path", PATH, FIELD(conf_check, path), RELOAD, NULL, NULL,
	    "The path of the request.", .titles = FOR_WEB, .by_title = check_paths),
	KEY("service.check.tls", BOOL, FIELD(conf_check, tls), RELOAD, "no", NULL,
	    "Use TLS: wss:// or https://.", .titles = FOR_WEB),
	KEY("service.check.proxy", WORD(proxies), FIELD(conf_check, proxy), RELOAD, "none", NULL,
	    "The header of the PROXY protocol that the check sends first, "
	    "for servers that demand one. "
	    "v2 says LOCAL, which stands for a check, and does not go with tls.",
	    .titles = FOR(CHECK_WEBSOCKET)),
	KEY("service.check.origin", TEXT(0, CONF_HEADER_MAX - 1), FIELD(conf_check, origin), RELOAD,
	    "", NULL, "The header Origin of the request. \"\" sends none.",
	    .titles = FOR(CHECK_WEBSOCKET)),
	KEY("service.check.subprotocol", TEXT(0, CONF_HEADER_MAX - 1),
	    FIELD(conf_check, subprotocol), RELOAD, "", NULL,
	    "The subprotocol that the check asks for, in the header Sec-WebSocket-Protocol. "
	    "\"\" asks for none.",
	    .titles = FOR(CHECK_WEBSOCKET)),
	KEY("service.check.header", TEXT(0, CONF_HEADER_MAX - 1), FIELD(conf_check, header), RELOAD,
	    "", NULL, "One more header of the request, such as \"X-Token: abc\". \"\" sends none.",
	    .titles = FOR(CHECK_WEBSOCKET)),
	KEY("service.check.status", NUMBER(100, 599), FIELD(conf_check, status), RELOAD, "200",
	    NULL, "The HTTP status that the answer must have.", .titles = FOR(CHECK_HTTP)),
	KEY("service.check.body", TEXT(0, CONF_NAME_MAX - 1), FIELD(conf_check, body), RELOAD, "",
	    NULL, "A text that the body of the answer must contain. \"\" accepts every body.",
	    .titles = FOR(CHECK_HTTP)),
	KEY("service.check.interval", DURATION(MS(10), HOURS(1)), FIELD(conf_check, interval_ns),
	    RELOAD, "5s", "200ms", "Time between two checks while the service is up."),
	KEY("service.check.fastinter", DURATION(MS(10), HOURS(1)), FIELD(conf_check, fastinter_ns),
	    RELOAD, "1s", "50ms",
	    "Time between two checks while the state is changing, after the first success or "
	    "failure. At most interval; the default becomes shorter with interval."),
	KEY("service.check.downinter", DURATION(MS(10), HOURS(1)), FIELD(conf_check, downinter_ns),
	    RELOAD, "2s", "100ms",
	    "Time between two checks while the service is down. The default becomes shorter with "
	    "interval."),
	KEY("service.check.timeout", DURATION(MS(10), MIN(10)), FIELD(conf_check, timeout_ns),
	    RELOAD, "10s", "250ms", "The longest time of one check, all of its attempts included."),
	KEY("service.check.rise", NUMBER(1, 100), FIELD(conf_check, rise), RELOAD, "2", NULL,
	    "The number of successes in a row that make the service up."),
	KEY("service.check.fall", NUMBER(1, 100), FIELD(conf_check, fall), RELOAD, "3", "2",
	    "The number of failures in a row that make the service down."),
	KEY("service.check.attempts", NUMBER(1, 10), FIELD(conf_check, attempts), RELOAD, "3", "1",
	    "The number of attempts in one check. The first success ends it."),
	KEY("service.check.backoff", DURATION(0, MIN(1)), FIELD(conf_check, backoff_ns), RELOAD,
	    "500ms", "20ms",
	    "Time before the second attempt. It doubles before each further one. All of these "
	    "waits must fit into timeout."),
	END_OF_KEYS,
};

static const struct conf_section service_sections[] = {
	{
		.name = "check",
		.path = "service.check",
		.meaning =
			"One check of the service. Its title says how the service is checked: "
			"websocket makes a WebSocket handshake and sends a ping, http makes a GET "
			"request, tcp connects, exec runs a program. A service is up when all of "
			"its checks pass. Without a section check it has the checks websocket and "
			"http with their defaults.",
		.keys = check_keys,
		.rule = rule_check,
		.title_key = "kind",
		.title = {FIELD(conf_check, kind)},
		.titles = check_kinds,
		.titles_are = "checks of kind",
		.without = default_checks,
		.items = {offsetof(struct conf_service, checks), sizeof(struct conf_check)},
		.count = offsetof(struct conf_service, n_checks),
		.most = CONF_CHECKS_MAX,
	},
	CONF_RECOVER_SECTION,
	END_OF_SECTIONS,
};

/* --------------------------------------------------------------- election, pulses, replication */
static const struct conf_key vrrp_keys[] = {
	KEY("vrrp.version", NUMBER(2, 3), FIELD(conf, vrrp_version), RELOAD, "2", "3",
	    "The version of VRRP: 2 (RFC 3768) or 3 (RFC 9568). All nodes use the same one."),
	KEY("vrrp.vrid", NUMBER(1, 255), FIELD(conf, vrid), RESTART, "25", NULL,
	    "The virtual router identifier. Each group of nodes in a network segment needs its "
	    "own."),
	KEY("vrrp.mode", WORD(modes), FIELD(conf, multicast), RESTART, "multicast", NULL,
	    "How adverts are sent: multicast to the network segment, or unicast "
	    "to each other node, for networks without multicast."),
	KEY("vrrp.checksum", WORD(checksums), FIELD(conf, checksum_pseudo), RELOAD, "pseudo-header",
	    NULL,
	    "The checksum of version 3 adverts: with or without the pseudo-header. Version 2 "
	    "always does without."),
	KEY("vrrp.advert", DURATION(MS(10), S(255)), FIELD(conf, advert_ns), RELOAD, "1s", "100ms",
	    "Time between two adverts of the owner. Version 2 takes whole seconds; version 3 "
	    "takes multiples of 10ms up to 40950ms."),
	KEY("vrrp.preempt", BOOL, FIELD(conf, preempt), RELOAD, "yes", NULL,
	    "Take over from an owner of lower priority."),
	KEY("vrrp.preempt_delay", DURATION(0, HOURS(1)), FIELD(conf, preempt_delay_ns), RELOAD,
	    "10s", "2s",
	    "Time that a node waits before it preempts an owner of lower priority. It waits "
	    "longer when its services fail again and again, each time soon after they were up: "
	    "2, 4, 8, at most 61 times as long, and at most 10m more."),
	KEY("vrrp.password", TEXT(0, 8), FIELD(conf, vrrp_password[0]),
	    RELOAD | KEY_SECRET | KEY_BY_RULE, NULL, NULL,
	    "The password in version 2 adverts. Every machine in the network segment can read it: "
	    "never use the secret here. \"\" sends adverts without authentication (type 0). "
	    "Version 3 has no password.",
	    .unset = "derived from the secret with scrypt", .example = "readable"),
	KEY("vrrp.garp_count", NUMBER(1, 60), FIELD(conf, garp_count), RELOAD, "5", NULL,
	    "The number of gratuitous ARP packets that a new owner sends for each VIP."),
	KEY("vrrp.garp_gap", DURATION(MS(1), S(1)), FIELD(conf, garp_gap_ns), RELOAD, "100ms", NULL,
	    "Time between two of the garp_count packets."),
	KEY("vrrp.garp_delay", DURATION(0, MIN(10)), FIELD(conf, garp_delay_ns), RELOAD, "5s", NULL,
	    "Time after which a burst of gratuitous ARP is sent once more. A burst also follows "
	    "when a peer is back, and while clients' packets arrive at a peer, each time at least "
	    "5s after the one before. With 0s there is none of these."),
	KEY("vrrp.garp_refresh", DURATION(0, HOURS(24)), FIELD(conf, garp_refresh_ns), RELOAD,
	    "60s", NULL,
	    "Time between two gratuitous ARP packets that the owner repeats for each VIP. With 0s "
	    "it repeats none."),
	END_OF_KEYS,
};

static const struct conf_key pulse_keys[] = {
	KEY("pulse.port", PORT, FIELD(conf, pulse_port), RESTART, "8766", NULL,
	    "The UDP port of pulses. Only the nodes need to reach it."),
	KEY("pulse.interval", DURATION(MS(1), S(10)), FIELD(conf, pulse_ns), RELOAD, "10ms", NULL,
	    "Time between two pulses to a peer. At most 500ms while replication is enabled."),
	KEY("pulse.calm_interval", DURATION(MS(1), S(10)), FIELD(conf, calm_pulse_ns), RELOAD,
	    "30ms", "10ms",
	    "Time between two pulses to a peer while all members answer and nothing goes on. It "
	    "saves CPU time. At least interval, at most 250ms and a third of dead, of stale and of "
	    "grant; the default is never more than 3 times interval."),
	KEY("pulse.dead", DURATION(MS(3), MIN(10)), FIELD(conf, peer_dead_ns), RELOAD, "100ms",
	    NULL,
	    "A peer that has answered no pulse for this long gets no new connections. At least 3 "
	    "times interval; the default is never less than 10 times interval."),
	KEY("pulse.players_dead_after", DURATION(MS(3), MIN(10)), FIELD(conf, players_dead_ns),
	    RELOAD, "1s", "300ms",
	    "The connections of a peer are over when no sign of life of any kind came from it for "
	    "this long: no pulse, no advert, no replication message and no ARP. Their clients are "
	    "notified then, and not earlier. At least dead; the default is never less than 3 times "
	    "dead."),
	KEY("pulse.stale", DURATION(MS(3), MIN(10)), FIELD(conf, daemon_stale_ns), RELOAD, "500ms",
	    "200ms",
	    "A peer whose daemon has shown no sign of life for this long gets no new connections, "
	    "although its kernel still answers pulses. At least 3 times interval; the default is "
	    "never less than 10 times interval."),
	END_OF_KEYS,
};

static const struct conf_key replication_keys[] = {
	KEY("replication.enabled", BOOL, FIELD(conf, replicate), RESTART, "yes", NULL,
	    "Replicate the connections of this node to its peers, and accept theirs."),
	KEY("replication.port", PORT, FIELD(conf, repl_port), RESTART, "8767", NULL,
	    "The UDP port of replication. Only the nodes need to reach it. It differs from "
	    "pulse.port."),
	KEY("replication.rate", NUMBER(100, 10000000), FIELD(conf, tell_rate), RELOAD, "100000",
	    NULL, "The number of connections of a dead peer that are notified in a second."),
	KEY("replication.wait", DURATION(0, HOURS(1)), FIELD(conf, warm_ns), RELOAD, "30s", NULL,
	    "The longest time that a returning node waits for the connections of its peers "
	    "before it preempts."),
	END_OF_KEYS,
};

/* ------------------------------------------------------------------------------------ sections */
static const char *const default_services[] = {"game", NULL};
static const char *const example_nodes[] = {
	"node primary { address = \"192.168.1.26\" priority = 110 peer = auto",
	"	       path = {} dns_address = \"\" dns_address6 = \"\" cloud_id = \"\" }",
	"node backup  { address = \"192.168.1.27\" priority = 100 peer = auto",
	"	       path = {} dns_address = \"\" dns_address6 = \"\" cloud_id = \"\" }",
	NULL,
};

static const struct conf_section file_sections[] = {
	{
		.name = "node",
		.path = "node",
		.meaning =
			"One node of the group. Its title is its name. A group has 2 to 9 nodes.",
		.keys = node_keys,
		.rule = rule_node,
		.title_key = "name",
		.title = {FIELD(conf_node, name)},
		.items = {offsetof(struct conf, nodes), sizeof(struct conf_node)},
		.count = offsetof(struct conf, n_nodes),
		.least = 2,
		.most = CONF_NODES_MAX,
		.too_few = "a group needs at least two: write node NAME { address = \"...\" } "
			   "for each",
		.example_lines = example_nodes,
	},
	CONF_WITNESS_SECTION,
	CONF_ETCD_SECTION,
	{
		.name = "service",
		.path = "service",
		.meaning = "One service of the group, at most 8. Its title is its name. Without a "
			   "section service there is one with the name game and all defaults.",
		.keys = service_keys,
		.sections = service_sections,
		.rule = rule_service,
		.title_key = "name",
		.title = {FIELD(conf_service, name)},
		.without = default_services,
		.items = {offsetof(struct conf, services), sizeof(struct conf_service)},
		.count = offsetof(struct conf, n_services),
		.most = HOKM_MAX_SERVICES,
	},
	{
		.name = "vrrp",
		.path = "vrrp",
		.meaning = "The election of the owner by VRRP.",
		.keys = vrrp_keys,
		.rule = rule_vrrp,
	},
	{
		.name = "pulse",
		.path = "pulse",
		.meaning =
			"Pulses between the nodes. They tell whether a peer is alive and which of "
			"its services are up.",
		.keys = pulse_keys,
		.rule = rule_pulse,
	},
	{
		.name = "replication",
		.path = "replication",
		.meaning =
			"Replication of the connection table. With it the next owner notifies the "
			"clients of a dead node at once, and steers packets of connections to "
			"their holder.",
		.keys = replication_keys,
		.rule = rule_replication,
	},
	CONF_PASSIVE_SECTION,
	CONF_HOOKS_SECTION,
	{
		.name = "dns",
		.path = "dns",
		.meaning = "DNS failover: the owner writes its own address into a record at a DNS "
			   "provider. See docs/dns.md. Credentials never stand here.",
		.keys = conf_dns_keys,
		.rule = rule_dns,
	},
	CONF_NOTIFY_SECTION,
	CONF_LISTEN_SECTION,
	END_OF_SECTIONS,
};

const struct conf_section conf_schema = {
	.name = "",
	.path = "",
	.meaning = "Keys outside of all sections.",
	.keys = file_keys,
	.sections = file_sections,
	.rule = rule_file,
};

/* ------------------------------------------------------------------------------------- look-up */
const char *conf_key_name(const struct conf_key *k)
{
	const char *dot = strrchr(k->path, '.');

	return dot ? dot + 1 : k->path;
}

static const struct conf_key *find_in(const struct conf_section *sec, const char *path)
{
	const struct conf_key *k;

	for (k = sec->keys; k->path; k++)
		if (!strcmp(k->path, path))
			return k;
	for (sec = sec->sections; sec && sec->name; sec++) {
		k = find_in(sec, path);
		if (k)
			return k;
	}
	return NULL;
}

const struct conf_key *conf_key_find(const char *path)
{
	return find_in(&conf_schema, path);
}

bool conf_key_applies(const struct conf_key *k, unsigned int title)
{
	return !k->titles || k->titles & 1u << title;
}

const char *conf_key_default(const struct conf_key *k, enum conf_profile p, unsigned int title)
{
	const struct conf_preset *d = k->by_title ? &k->by_title[title] : &k->preset;

	if (!conf_key_applies(k, title))
		return NULL;
	return p == CONF_PROFILE_FAST && d->fast ? d->fast : d->standard;
}

bool conf_title_find(const struct conf_section *sec, const char *title, unsigned int *index)
{
	for (*index = 0; sec->titles[*index]; ++*index)
		if (!strcmp(sec->titles[*index], title))
			return true;
	return false;
}

const char *conf_title_words(const struct conf_section *sec, unsigned int bits, char *dst,
			     size_t size)
{
	size_t at = 0;

	dst[0] = '\0';
	for (unsigned int i = 0; bits && at < size; i++) {
		if (!(bits & 1u << i))
			continue;
		bits &= ~(1u << i);
		at += (size_t)snprintf(dst + at, size - at, "%s%s",
				       !at    ? ""
				       : bits ? ", "
					      : " and ",
				       sec->titles[i]);
	}
	return dst;
}
