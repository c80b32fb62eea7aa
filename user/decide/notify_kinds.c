/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which lines of the event stream are notified, as what, and what the operator can do: one table.
 * The first row that matches counts. To notify something new, add a row here, and a kind to
 * NOTIFY_KINDS (notify.h) when none fits.
 */
#include <string.h>

#include "decide/notify.h"

#define ANY HOKM_REASON_COUNT

/* A replica is cold for a moment after each start, and a steered probe may be lost. */
#define REPLICA_HOLD_S  30
#define STEERING_HOLD_S 10
/* A change that is rolled out reaches one node first. */
#define SETTINGS_HOLD_S 300

struct row {
	const char *what; /* subject of the line, one of EVENT_WHATS (sense/events.h) */
	unsigned int reason;
	const char *to; /* the new state of a change, "" without a change, NULL: any */
	enum notify_kind kind;
	enum notify_severity severity;
	enum notify_effect effect;
	uint32_t hold_s;
	const char *advice;
};

#define CHECK_PEER \
	"Check the peer's machine, its daemon (systemctl status hokm-xdp) and the network between."
#define CHECK_SERVICE \
	"Check the game server on this node and its log; hokm-xdp ctl status shows its checks."

static const struct row rows[] = {
	/* the VRRP state */
	{"state", HOKM_R_PANIC_HOLD, "", NOTIFY_K_PANIC, NOTIFY_CRITICAL, NOTIFY_OPEN, 0,
	 "No node serves players: repair the game server on one node; the checks see it at once."},
	{"state", HOKM_R_ISOLATED, "", NOTIFY_K_PEER, NOTIFY_CRITICAL, NOTIFY_OPEN, 0,
	 "Without a majority no node owns the VIP: check peers, witnesses and their network."},
	{"state", HOKM_R_MAJORITY, "", NOTIFY_K_PEER, NOTIFY_INFO, NOTIFY_CLOSE, 0, ""},
	{"state", HOKM_R_GATEWAY_SILENT, "", NOTIFY_K_PEER, NOTIFY_CRITICAL, NOTIFY_OPEN, 0,
	 "This node is cut off, or peer and gateway are dead: check the network of this node."},
	{"state", HOKM_R_GATEWAY_ANSWERS, "", NOTIFY_K_PEER, NOTIFY_INFO, NOTIFY_CLOSE, 0, ""},
	{"state", HOKM_R_ETCD_SILENT, "", NOTIFY_K_PEER, NOTIFY_CRITICAL, NOTIFY_OPEN, 0,
	 "Neither peer nor etcd is heard: check the network of this node, and the cluster."},
	{"state", HOKM_R_ETCD_ANSWERS, "", NOTIFY_K_PEER, NOTIFY_INFO, NOTIFY_CLOSE, 0, ""},
	{"state", HOKM_R_GRANTS_OFF, "", NOTIFY_K_PEER, NOTIFY_INFO, NOTIFY_CLOSE, 0, ""},
	{"state", ANY, "", NOTIFY_K_PANIC, NOTIFY_INFO, NOTIFY_CLOSE, 0, ""},
	{"state", HOKM_R_MAINT, NULL, NOTIFY_K_STATE, NOTIFY_INFO, NOTIFY_ONCE, 0, ""},
	{"state", ANY, "fault", NOTIFY_K_STATE, NOTIFY_CRITICAL, NOTIFY_ONCE, 0,
	 "This node cannot own the VIP until the cause is gone; hokm-xdp ctl status names it."},
	{"state", HOKM_R_MASTER_DOWN, "master", NOTIFY_K_STATE, NOTIFY_CRITICAL, NOTIFY_ONCE, 0,
	 "The former owner is gone. " CHECK_PEER},
	{"state", HOKM_R_LEASE_LOST, NULL, NOTIFY_K_STATE, NOTIFY_WARNING, NOTIFY_ONCE, 0,
	 "The daemon could not renew its lease in time; check the load of this node and its log."},
	{"state", HOKM_R_SERVICE_DOWN, NULL, NOTIFY_K_STATE, NOTIFY_WARNING, NOTIFY_ONCE, 0,
	 CHECK_SERVICE},
	{"state", HOKM_R_STARTED, NULL, NOTIFY_K_STATE, NOTIFY_INFO, NOTIFY_ONCE, 0, ""},
	{"state", HOKM_R_STOPPED, NULL, NOTIFY_K_STATE, NOTIFY_INFO, NOTIFY_ONCE, 0, ""},
	{"state", HOKM_R_ADOPTED, NULL, NOTIFY_K_STATE, NOTIFY_INFO, NOTIFY_ONCE, 0, ""},
	{"state", HOKM_R_OPERATOR, NULL, NOTIFY_K_STATE, NOTIFY_INFO, NOTIFY_ONCE, 0, ""},
	{"state", ANY, "backup", NOTIFY_K_STATE, NOTIFY_INFO, NOTIFY_ONCE, 0, ""},
	{"state", ANY, NULL, NOTIFY_K_STATE, NOTIFY_WARNING, NOTIFY_ONCE, 0, ""},
	{"hook", HOKM_R_HOOK_REFUSED, NULL, NOTIFY_K_STATE, NOTIFY_CRITICAL, NOTIFY_ONCE, 0,
	 "Run the program of hooks.before by hand, and see why it fails."},

	/* services */
	{"service", ANY, "down", NOTIFY_K_SERVICE, NOTIFY_CRITICAL, NOTIFY_OPEN, 0, CHECK_SERVICE},
	{"service", ANY, "up", NOTIFY_K_SERVICE, NOTIFY_INFO, NOTIFY_CLOSE, 0, ""},
	{"service", ANY, "drain", NOTIFY_K_SERVICE, NOTIFY_INFO, NOTIFY_CLOSE, 0, ""},
	{"service", ANY, "maint", NOTIFY_K_SERVICE, NOTIFY_INFO, NOTIFY_CLOSE, 0, ""},
	{"service", HOKM_R_DRAIN_TIMEOUT, "", NOTIFY_K_SERVICE, NOTIFY_WARNING, NOTIFY_ONCE, 0,
	 "Bring the service up on a peer, or end the drain with hokm-xdp ctl ready."},
	{"service", HOKM_R_SHUTDOWN_SESSIONS, "", NOTIFY_K_TAKEOVER, NOTIFY_WARNING, NOTIFY_ONCE, 0,
	 CHECK_SERVICE},

	{"service", HOKM_R_RECOVER, "", NOTIFY_K_SERVICE, NOTIFY_INFO, NOTIFY_ONCE, 0, ""},
	{"service", HOKM_R_RECOVERED, "", NOTIFY_K_SERVICE, NOTIFY_INFO, NOTIFY_ONCE, 0, ""},
	{"service", HOKM_R_RECOVER_FAILED, "", NOTIFY_K_SERVICE, NOTIFY_WARNING, NOTIFY_ONCE, 0,
	 "Run the command of recover by hand, as its user, and see why it fails."},
	{"service", HOKM_R_RECOVER_SPENT, "", NOTIFY_K_SERVICE, NOTIFY_CRITICAL, NOTIFY_ONCE, 0,
	 "Nothing restarts the game server any more. " CHECK_SERVICE},
	{"service", HOKM_R_RECOVER_LIMIT, "", NOTIFY_K_SERVICE, NOTIFY_CRITICAL, NOTIFY_ONCE, 0,
	 "The game server fails again and again. " CHECK_SERVICE},

	/* faults in the traffic of players */
	{"passive", HOKM_R_SYNS_ANSWERED, NULL, NOTIFY_K_ANSWERS, NOTIFY_INFO, NOTIFY_CLOSE, 0, ""},
	{"passive", HOKM_R_SYNS_CEASED, NULL, NOTIFY_K_ANSWERS, NOTIFY_INFO, NOTIFY_CLOSE, 0, ""},
	{"passive", HOKM_R_NOT_CONFIGURED, NULL, NOTIFY_K_ANSWERS, NOTIFY_INFO, NOTIFY_CLOSE, 0,
	 ""},
	{"passive", HOKM_R_SYNS_UNANSWERED, NULL, NOTIFY_K_ANSWERS, NOTIFY_WARNING, NOTIFY_OPEN, 0,
	 "No player can connect to this node: look for a packet filter that closes the port."},
	{"passive", HOKM_R_PASSIVE_CLEAR, NULL, NOTIFY_K_PASSIVE, NOTIFY_INFO, NOTIFY_CLOSE, 0, ""},
	{"passive", ANY, NULL, NOTIFY_K_PASSIVE, NOTIFY_WARNING, NOTIFY_OPEN, 0, CHECK_SERVICE},

	/* peers: lost redundancy */
	{"peer", HOKM_R_PEER_SILENT, NULL, NOTIFY_K_PEER, NOTIFY_CRITICAL, NOTIFY_OPEN, 0,
	 CHECK_PEER " What it had not sent yet comes late or never: see its journal."},
	{"peer", HOKM_R_SECRETS_DIFFER, NULL, NOTIFY_K_PEER, NOTIFY_CRITICAL, NOTIFY_OPEN, 0,
	 "Give all nodes the same secret: see \"Replace the secret\" in docs/operation.md."},
	{"peer", HOKM_R_PATH_SILENT, NULL, NOTIFY_K_PEER, NOTIFY_WARNING, NOTIFY_OPEN, 0,
	 "The nodes have one path less: check this cable or network, and its interface on both."},
	{"peer", HOKM_R_PATH_ANSWERS, NULL, NOTIFY_K_PEER, NOTIFY_INFO, NOTIFY_CLOSE, 0, ""},
	{"peer", HOKM_R_PEER_ALIVE, NULL, NOTIFY_K_PEER, NOTIFY_INFO, NOTIFY_CLOSE, 0, ""},
	{"peer", HOKM_R_NO_PART, NULL, NOTIFY_K_CONFIG, NOTIFY_WARNING, NOTIFY_OPEN, 0,
	 "Give it the file of the other members, and restart it if it is a witness."},
	{"peer", HOKM_R_TAKES_PART, NULL, NOTIFY_K_CONFIG, NOTIFY_INFO, NOTIFY_CLOSE, 0, ""},
	{"peer", HOKM_R_GRANTS_OFF, NULL, NOTIFY_K_CONFIG, NOTIFY_INFO, NOTIFY_CLOSE, 0, ""},
	{"peer", HOKM_R_REPLICA_COLD, NULL, NOTIFY_K_REPLICA, NOTIFY_WARNING, NOTIFY_OPEN,
	 REPLICA_HOLD_S,
	 "A failover would not know that peer's players; hokm-xdp ctl status shows why."},
	{"peer", HOKM_R_REPLICA_WARM, NULL, NOTIFY_K_REPLICA, NOTIFY_INFO, NOTIFY_CLOSE, 0, ""},
	{"peer", HOKM_R_NOT_STEERABLE, NULL, NOTIFY_K_STEERING, NOTIFY_WARNING, NOTIFY_OPEN,
	 STEERING_HOLD_S, "Look for anti-spoofing in the network: see docs/troubleshooting.md."},
	{"peer", HOKM_R_STEERABLE, NULL, NOTIFY_K_STEERING, NOTIFY_INFO, NOTIFY_CLOSE, 0, ""},
	{"peer", HOKM_R_STALE_ARP, NULL, NOTIFY_K_STEERING, NOTIFY_WARNING, NOTIFY_ONCE, 0,
	 "Look for static ARP entries, and for a switch that drops gratuitous ARP."},
	{"peer", HOKM_R_TAKEOVER, NULL, NOTIFY_K_TAKEOVER, NOTIFY_WARNING, NOTIFY_ONCE, 0,
	 CHECK_PEER},
	{"peer", HOKM_R_ENDED_BY_PEER, NULL, NOTIFY_K_TAKEOVER, NOTIFY_CRITICAL, NOTIFY_ONCE, 0,
	 "The nodes could not hear each other: check the network between them."},

	/* the node itself */
	{"link", HOKM_R_LINK_DOWN, NULL, NOTIFY_K_LINK, NOTIFY_CRITICAL, NOTIFY_OPEN, 0,
	 "Check the cable, the switch port and the interface of this node."},
	{"link", HOKM_R_LINK_UP, NULL, NOTIFY_K_LINK, NOTIFY_INFO, NOTIFY_CLOSE, 0, ""},
	{"link", HOKM_R_LINK_MAC, NULL, NOTIFY_K_LINK, NOTIFY_INFO, NOTIFY_ONCE, 0, ""},
	{"link", HOKM_R_VIP_CONFLICT, NULL, NOTIFY_K_CONFLICT, NOTIFY_CRITICAL, NOTIFY_ONCE, 0,
	 "Find the machine with that MAC address and take the VIP from it."},
	{"upkeep", HOKM_R_GENERIC_XDP, NULL, NOTIFY_K_KERNEL, NOTIFY_WARNING, NOTIFY_ONCE, 0,
	 "Check the driver of the interface: see docs/kernel.md."},
	{"upkeep", HOKM_R_PATH_LOST, NULL, NOTIFY_K_KERNEL, NOTIFY_CRITICAL, NOTIFY_ONCE, 0,
	 "Restart hokm-xdp on this node, and find the program that removed it."},
	{"upkeep", ANY, NULL, NOTIFY_K_KERNEL, NOTIFY_WARNING, NOTIFY_ONCE, 0,
	 "Find the program that changed it: often a network manager or another failover daemon."},
	{"peer", HOKM_R_SETTINGS_DIFFER, NULL, NOTIFY_K_CONFIG, NOTIFY_WARNING, NOTIFY_OPEN,
	 SETTINGS_HOLD_S, "hokm-xdp ctl status names what differs and what to do."},
	{"peer", HOKM_R_SETTINGS_AGREE, NULL, NOTIFY_K_CONFIG, NOTIFY_INFO, NOTIFY_CLOSE, 0, ""},
	{"config", HOKM_R_RELOADED, NULL, NOTIFY_K_CONFIG, NOTIFY_INFO, NOTIFY_ONCE, 0, ""},
	{"config", ANY, NULL, NOTIFY_K_CONFIG, NOTIFY_WARNING, NOTIFY_ONCE, 0,
	 "Correct the file: hokm-xdp check-config shows its errors. The former settings hold."},
	{"peer", HOKM_R_TWO_OWNERS, NULL, NOTIFY_K_CONFLICT, NOTIFY_CRITICAL, NOTIFY_OPEN, 0,
	 "The nodes did not hear each other: check the network between them. "
	 "\"Both nodes own the VIP\" in docs/troubleshooting.md says more."},
	{"peer", HOKM_R_ONE_OWNER, NULL, NOTIFY_K_CONFLICT, NOTIFY_INFO, NOTIFY_CLOSE, 0, ""},
	{"peer", HOKM_R_ONE_WAY, NULL, NOTIFY_K_PEER, NOTIFY_WARNING, NOTIFY_ONCE, 0, CHECK_PEER},
	{"dns", HOKM_R_DNS_CHANGED, NULL, NOTIFY_K_DNS, NOTIFY_INFO, NOTIFY_DONE, 0, ""},
	{"dns", HOKM_R_DNS_LEFT, NULL, NOTIFY_K_DNS, NOTIFY_INFO, NOTIFY_CLOSE, 0, ""},
	{"dns", HOKM_R_DNS_CONTESTED, NULL, NOTIFY_K_DNS, NOTIFY_CRITICAL, NOTIFY_OPEN, 0,
	 "See which node owns with hokm-xdp ctl status, then run hokm-xdp dns start there."},
	{"dns", HOKM_R_DNS_BLIND, NULL, NOTIFY_K_DNS, NOTIFY_CRITICAL, NOTIFY_OPEN, 0,
	 "Either no node serves players, or the monitor's own network is down. "
	 "hokm-xdp dns set ADDRESS changes the record all the same."},
	{"dns", HOKM_R_DNS_SEES, NULL, NOTIFY_K_DNS, NOTIFY_INFO, NOTIFY_CLOSE, 0, ""},
	{"dns", HOKM_R_DNS_REFUSED, NULL, NOTIFY_K_DNS, NOTIFY_CRITICAL, NOTIFY_OPEN, 0,
	 "Run hokm-xdp dns test: it names what the provider or the record does not allow."},
	{"dns", HOKM_R_OPERATOR, NULL, NOTIFY_K_DNS, NOTIFY_WARNING, NOTIFY_ONCE, 0,
	 "Is that machine to serve players? hokm-xdp dns start gives the record to the owner."},
	{"dns", HOKM_R_DNS_FAILED, NULL, NOTIFY_K_DNS, NOTIFY_WARNING, NOTIFY_WEAK, 0,
	 "It is tried again. hokm-xdp dns status shows when."},
	{"drill", HOKM_R_DRILL_FAILED, "", NOTIFY_K_DRILL, NOTIFY_WARNING, NOTIFY_OPEN, 0,
	 "Run hokm-xdp doctor on both nodes, and then the drill by hand: hokm-xdp test failover."},
	{"drill", HOKM_R_DRILL_PASSED, "", NOTIFY_K_DRILL, NOTIFY_INFO, NOTIFY_CLOSE, 0, ""},
	{"operator", ANY, NULL, NOTIFY_K_OPERATOR, NOTIFY_INFO, NOTIFY_ONCE, 0, ""},
};

#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

/* ---- the words of a line ---- */

static void copy_word(char *dst, size_t size, const char *from, size_t len)
{
	if (len >= size)
		len = size - 1;
	memcpy(dst, from, len);
	dst[len] = '\0';
}

/* The head of a line, which ends at the first colon: "NAME", "NAME FROM -> TO", "FROM -> TO". */
static void parse_head(const char *text, struct notify_event *out)
{
	size_t len = strcspn(text, ":"), from_len;
	const char *arrow = strstr(text, " -> "), *from;

	if (text[len] != ':')
		return;
	if (!arrow || arrow >= text + len) {
		/* A sentence with a colon in it has no name before it. */
		if (strcspn(text, " ") >= len)
			copy_word(out->subject, sizeof(out->subject), text, len);
		return;
	}
	from = arrow;
	while (from > text && from[-1] != ' ')
		from--;
	from_len = (size_t)(arrow - from);
	copy_word(out->from, sizeof(out->from), from, from_len);
	copy_word(out->to, sizeof(out->to), arrow + 4, (size_t)(text + len - arrow - 4));
	if (from > text)
		copy_word(out->subject, sizeof(out->subject), text, (size_t)(from - text - 1));
}

/* "game.example.com AAAA: ...": each type of record has problems of its own. */
static void record_type(const char *text, char *type, size_t size)
{
	size_t len = strcspn(text, ":"), at = len;

	while (at > 0 && text[at - 1] != ' ')
		at--;
	copy_word(type, size, text + at, len - at);
	if (strcmp(type, "A") != 0 && strcmp(type, "AAAA") != 0)
		type[0] = '\0';
}

/* "backup path 1: ..." is of "backup/path 1": each path to each peer has problems of its own. */
static void path_subject(const char *text, char *subject, size_t size)
{
	size_t head = strcspn(text, ":"), peer = strcspn(text, " "), len;

	if (peer >= head)
		return;
	len = peer < NOTIFY_PART_MAX ? peer : NOTIFY_PART_MAX;
	copy_word(subject, size, text, len);
	subject[len] = '/';
	copy_word(subject + len + 1, size - len - 1, text + peer + 1, head - peer - 1);
}

static const struct row *find_row(const char *what, unsigned int reason, const char *to)
{
	for (size_t i = 0; i < N_ROWS; i++)
		if (!strcmp(rows[i].what, what) &&
		    (rows[i].reason == ANY || rows[i].reason == reason) &&
		    (!rows[i].to || !strcmp(rows[i].to, to)))
			return &rows[i];
	return NULL;
}

/* Names in a line that are no part of its subject's identity: a problem is of the node then. */
static bool is_of_node(enum notify_kind kind)
{
	return kind == NOTIFY_K_LINK || kind == NOTIFY_K_KERNEL || kind == NOTIFY_K_CONFIG ||
	       kind == NOTIFY_K_OPERATOR || kind == NOTIFY_K_CONFLICT || kind == NOTIFY_K_DNS ||
	       kind == NOTIFY_K_DRILL;
}

bool notify_event_from(const char *what, enum hokm_reason reason, const char *text,
		       struct notify_event *out)
{
	const struct row *r;

	memset(out, 0, sizeof(*out));
	parse_head(text, out);
	r = find_row(what, reason, out->to);
	if (!r)
		return false;
	out->kind = r->kind;
	out->severity = r->severity;
	out->effect = r->effect;
	out->hold_s = r->hold_s;
	out->reason = reason;
	if (is_of_node(r->kind) && strcmp(what, "peer") != 0)
		out->subject[0] = '\0';
	if (r->kind == NOTIFY_K_DNS)
		record_type(text, out->subject, sizeof(out->subject));
	if (reason == HOKM_R_PATH_SILENT || reason == HOKM_R_PATH_ANSWERS)
		path_subject(text, out->subject, sizeof(out->subject));
	copy_word(out->text, sizeof(out->text), text, strlen(text));
	return true;
}

const char *notify_advice(const struct notify_event *e)
{
	for (size_t i = 0; i < N_ROWS; i++)
		if (rows[i].kind == e->kind && rows[i].severity == e->severity &&
		    rows[i].effect == e->effect &&
		    (rows[i].reason == ANY || rows[i].reason == e->reason) &&
		    (!rows[i].to || !strcmp(rows[i].to, e->to)))
			return rows[i].advice;
	return "";
}

/* ---- names ---- */

#define NOTIFY_NAME_ROW(id, name, text) {name, text},
static const struct {
	const char *name, *text;
} kinds[] = {NOTIFY_KINDS(NOTIFY_NAME_ROW)};

const char *notify_kind_name(unsigned int kind)
{
	return kind < NOTIFY_KIND_COUNT ? kinds[kind].name : "?";
}

const char *notify_kind_text(unsigned int kind)
{
	return kind < NOTIFY_KIND_COUNT ? kinds[kind].text : "?";
}

int notify_kind_from_name(const char *name)
{
	for (unsigned int i = 0; i < NOTIFY_KIND_COUNT; i++)
		if (!strcmp(kinds[i].name, name))
			return (int)i;
	return -1;
}

const char *notify_severity_name(unsigned int severity)
{
	static const char *const names[] = {"info", "warning", "critical"};

	return severity < NOTIFY_SEVERITIES ? names[severity] : "?";
}
