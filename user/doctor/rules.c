/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rules of the doctor: one row each in a table, with a function that says whether the facts
 * hold and quotes them. Pure.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "doctor/findings.h"

#define ADVERT_MS 1000 /* the default */
#define RECENT_MS (10 * 60 * 1000)
#define RP_STRICT 1

struct rule {
	const char *id;
	enum finding_severity severity;
	/* Writes the evidence when it applies to peer or check out->of, 0 for others. */
	bool (*applies)(const struct facts *f, struct finding *out);
	enum { OF_NODE, OF_PEER, OF_CHECK } of;
	bool without_daemon; /* it needs no word of the daemon */
	const char *cause, *next;
};

__attribute__((format(printf, 2, 3))) static bool say(struct finding *out, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(out->evidence, sizeof(out->evidence), fmt, ap);
	va_end(ap);
	return true;
}

/* ---- without a daemon ---- */

static bool config_bad(const struct facts *f, struct finding *out)
{
	return !f->config_ok && say(out, "%s: %s", f->config, f->config_error);
}

static bool config_missing(const struct facts *f, struct finding *out)
{
	return f->config_missing && f->daemon == FACT_GONE &&
	       say(out, "there is no %s, and no daemon answers", f->config);
}

static bool say_lease(const struct facts *f, const char *what, struct finding *out)
{
	if (!f->pins_known)
		return say(out, "%s; without a configuration no pinned map is found", what);
	if (!f->pins)
		return say(out, "%s, and nothing of it is left in the kernel", what);
	if (f->lease_left_ms > 0)
		return say(out, "%s; the kernel still holds the VIP for %" PRId64 " ms", what,
			   f->lease_left_ms);
	if (f->ever_owner)
		return say(out,
			   "%s; the kernel's lease ended %.1f s ago, its programs are still there",
			   what, (double)-f->lease_left_ms / 1000);
	return say(out, "%s; the kernel holds no lease, its programs are still there", what);
}

static bool daemon_gone(const struct facts *f, struct finding *out)
{
	return f->daemon == FACT_GONE && say_lease(f, "no daemon answers", out);
}

static bool daemon_silent(const struct facts *f, struct finding *out)
{
	return f->daemon == FACT_SILENT &&
	       say_lease(f, "the daemon's process is there and does not answer", out);
}

static bool clock_wrong(const struct facts *f, struct finding *out)
{
	return f->clock_synced == 0 &&
	       say(out, "the kernel says that its clock is not synchronized");
}

static bool conntrack_strict(const struct facts *f, struct finding *out)
{
	return f->tcp_loose == 0 && say(out, "net.netfilter.nf_conntrack_tcp_loose is 0");
}

static bool conntrack_invalid(const struct facts *f, struct finding *out)
{
	return f->grew.ct_invalid &&
	       say(out, "connection tracking called %" PRIu64 " packets invalid just now",
		   f->grew.ct_invalid);
}

static bool arp_silent(const struct facts *f, struct finding *out)
{
	return f->arp_ignore_all > 1 &&
	       say(out, "net.ipv4.conf.all.arp_ignore is %d", f->arp_ignore_all);
}

static bool rp_strict(const struct facts *f, struct finding *out)
{
	return f->rp_filter == RP_STRICT && say(out, "rp_filter of %s is 1 (strict)", f->interface);
}

/* ---- ownership ---- */

static bool two_owners(const struct facts *f, struct finding *out)
{
	return f->owner && f->peers[out->of].owner &&
	       say(out, "%s holds a lease, and the pulses of %s say that it holds one too", f->node,
		   f->peers[out->of].name);
}

static bool vip_missing(const struct facts *f, struct finding *out)
{
	return f->owner && f->vip_here == 0 &&
	       say(out, "%s is owner, and %s is no address of this machine", f->node, f->vip);
}

static bool vip_claimed(const struct facts *f, struct finding *out)
{
	return f->claimer[0] && say(out, "%s claims %s by ARP and is no node", f->claimer, f->vip);
}

static bool in_fault(const struct facts *f, struct finding *out)
{
	return !strcmp(f->state, "fault") &&
	       say(out, "state fault: %s (%s)%s", f->reason_text, f->reason,
		   f->interface_up == 0 ? "; no link" : "");
}

static bool panics(const struct facts *f, struct finding *out)
{
	return f->panic && say(out, "panic hold: no node is healthy, %s keeps the VIP", f->node);
}

static bool syn_fenced(const struct facts *f, struct finding *out)
{
	return f->grew.syn_fenced &&
	       say(out, "drop_syn_fenced grew by %" PRIu64 ": clients come here, no owner is known",
		   f->grew.syn_fenced);
}

static bool ordered(const struct facts *f, struct finding *out)
{
	if (f->maint)
		return say(out, "maintenance is ordered");
	if (f->drain)
		return say(out, "a drain is ordered");
	return f->standby && say(out, "standby after `failover`: it does not preempt");
}

/* ---- the packet path ---- */

static bool part_missing(const struct facts *f, struct finding *out)
{
	return f->n_missing &&
	       say(out, "gone, and cannot be put back: %s%s%s", f->missing[0],
		   f->n_missing > 1 ? ", " : "", f->n_missing > 1 ? f->missing[1] : "");
}

static bool part_put_back(const struct facts *f, struct finding *out)
{
	return f->put_back_ms >= 0 && f->put_back_ms < RECENT_MS &&
	       say(out, "%s was removed by another program %" PRId64 " s ago and put back",
		   f->put_back, f->put_back_ms / 1000);
}

static bool filter_before(const struct facts *f, struct finding *out)
{
	return f->n_foreign && say(out, "%s runs before ours", f->foreign[0]);
}

static bool fence_open(const struct facts *f, struct finding *out)
{
	return f->n_open && say(out, "interface %s has no fence", f->open[0]);
}

static bool generic(const struct facts *f, struct finding *out)
{
	return !strcmp(f->xdp_mode, "generic") && say(out, "XDP on %s is generic", f->interface);
}

static bool table_full(const struct facts *f, struct finding *out)
{
	return f->grew.conns_full && say(out, "conns_full grew by %" PRIu64, f->grew.conns_full);
}

static bool events_gone(const struct facts *f, struct finding *out)
{
	return (f->grew.events_lost || f->grew.log_lost) &&
	       say(out, "lost just now: %" PRIu64 " events, %" PRIu64 " lines of the log",
		   f->grew.events_lost, f->grew.log_lost);
}

static bool dns_complains(const struct facts *f, struct finding *out)
{
	return f->dns[0] && say(out, "%s", f->dns);
}

static bool drill_failed(const struct facts *f, struct finding *out)
{
	return f->drill[0] && say(out, "%s", f->drill);
}

static bool takes_no_part(const struct facts *f, struct finding *out)
{
	return f->no_part[0] && say(out, "%s answers, and takes no part in grants", f->no_part);
}

/* ---- checks ---- */

static bool check_fails(const struct facts *f, struct finding *out)
{
	const struct fact_check *c = &f->checks[out->of];

	return c->down && say(out, "%s of %s: %s: %s%s%s", c->kind, c->service, c->reason,
			      c->detail, c->again[0] ? "; made again now: " : "", c->again);
}

static bool agent_dead(const struct facts *f, struct finding *out)
{
	return !f->agent && say(out, "the agent does not run: no active check is made");
}

/* ---- adverts ---- */

static bool discards(const struct facts *f, enum vrrp_discard why, struct finding *out)
{
	return f->grew.vrrp[why] &&
	       say(out, "%" PRIu64 " adverts discarded just now: %s (%s)", f->grew.vrrp[why],
		   vrrp_discard_text(why), vrrp_discard_name(why));
}

static bool other_password(const struct facts *f, struct finding *out)
{
	return discards(f, VRRP_BAD_AUTH, out) || discards(f, VRRP_BAD_AUTH_TYPE, out);
}

static bool other_version(const struct facts *f, struct finding *out)
{
	return discards(f, VRRP_BAD_VERSION, out);
}

static bool other_interval(const struct facts *f, struct finding *out)
{
	return discards(f, VRRP_BAD_INTERVAL, out) || discards(f, VRRP_BAD_OTHER_INTERVAL, out);
}

static bool bad_checksum(const struct facts *f, struct finding *out)
{
	return discards(f, VRRP_BAD_CHECKSUM, out) || discards(f, VRRP_BAD_SHORT, out);
}

/* XDP sees an advert before the packet filter of this node does. */
static bool adverts_filtered(const struct facts *f, struct finding *out)
{
	uint64_t reached = f->grew.vrrp_received;

	for (unsigned int i = 0; i < VRRP_DISCARD_COUNT; i++)
		reached += f->grew.vrrp[i];
	return f->grew.vrrp_seen && !reached &&
	       say(out, "%" PRIu64 " adverts arrived at the interface, none reached the daemon",
		   f->grew.vrrp_seen);
}

static bool other_vrid(const struct facts *f, struct finding *out)
{
	return discards(f, VRRP_BAD_VRID, out);
}

static bool stranger_adverts(const struct facts *f, struct finding *out)
{
	return f->grew.vrrp_source &&
	       say(out, "%" PRIu64 " adverts of our VRID from an address that is no peer's",
		   f->grew.vrrp_source);
}

static bool low_ttl(const struct facts *f, struct finding *out)
{
	return f->grew.vrrp_ttl &&
	       say(out, "%" PRIu64 " adverts with a TTL below 255", f->grew.vrrp_ttl);
}

static bool forged_adverts(const struct facts *f, struct finding *out)
{
	return f->grew.vrrp_mac &&
	       say(out, "%" PRIu64 " adverts with a peer's address from another MAC address",
		   f->grew.vrrp_mac);
}

/* ---- peers ---- */

/* Three adverts are not missing. */
static bool adverts_fresh(const struct facts *f, const struct fact_peer *p)
{
	uint64_t advert_ms = f->advert_ms ? f->advert_ms : ADVERT_MS;

	return p->adverts_ms >= 0 && (uint64_t)p->adverts_ms < 4 * advert_ms;
}

/* A peer is owner, by its pulses, and no advert of it comes. */
static bool adverts_missing(const struct facts *f, struct finding *out)
{
	const struct fact_peer *p = &f->peers[out->of];

	if (!p->owner || adverts_fresh(f, p))
		return false;
	if (p->adverts_ms < 0)
		return say(out, "%s is owner, by its pulses; no advert of it ever came", p->name);
	return say(out, "%s is owner, by its pulses; its last advert came %.1f s ago", p->name,
		   (double)p->adverts_ms / 1000);
}

static bool secrets_differ(const struct facts *f, struct finding *out)
{
	return f->peers[out->of].secrets_differ &&
	       say(out, "pulses of %s arrive and no secret of this node signed them%s",
		   f->peers[out->of].name, f->grew.pulse_tag ? "; drop_pulse_tag grows" : "");
}

static bool other_pulses(const struct facts *f, struct finding *out)
{
	return f->grew.pulse_version &&
	       say(out, "%" PRIu64 " pulses of another version, kind or VRID",
		   f->grew.pulse_version);
}

static bool pulse_from_other_mac(const struct facts *f, struct finding *out)
{
	return f->grew.pulse_mac &&
	       say(out, "%" PRIu64 " pulses from another MAC address than their sender signed",
		   f->grew.pulse_mac);
}

/* Pulses that came, but were not accepted, have a finding of their own. */
static bool pulses_refused(const struct facts *f, const struct fact_peer *p)
{
	return p->secrets_differ || f->grew.pulse_version || f->grew.pulse_mac;
}

static bool pulses_blocked(const struct facts *f, struct finding *out)
{
	const struct fact_peer *p = &f->peers[out->of];

	return !p->pulsing && !p->vrrp_only && adverts_fresh(f, p) && !pulses_refused(f, p) &&
	       say(out, "%s (%s) sends adverts and answers no pulse", p->name, p->address);
}

static bool peer_silent(const struct facts *f, struct finding *out)
{
	const struct fact_peer *p = &f->peers[out->of];

	if (p->pulsing || p->vrrp_only || adverts_fresh(f, p) || pulses_refused(f, p))
		return false;
	if (p->seen_ms < 0)
		return say(out, "%s (%s) has shown no sign of life", p->name, p->address);
	return say(out, "%s (%s) is silent: last pulse %.1f s ago", p->name, p->address,
		   (double)p->seen_ms / 1000);
}

static bool peer_stale(const struct facts *f, struct finding *out)
{
	const struct fact_peer *p = &f->peers[out->of];

	return p->pulsing && !p->fresh &&
	       say(out, "the kernel of %s answers pulses, its daemon does not", p->name);
}

static bool replication_blocked(const struct facts *f, struct finding *out)
{
	const struct fact_peer *p = &f->peers[out->of];

	return p->pulsing && p->fresh && p->replicated && !p->connected && !p->bad_tags &&
	       say(out, "%s answers pulses, and its replication is not connected; %s", p->name,
		   f->grew.replication_seen ? "messages arrive at the interface of this node"
					    : "no message of any peer arrived just now");
}

static bool replica_cold(const struct facts *f, struct finding *out)
{
	const struct fact_peer *p = &f->peers[out->of];

	return p->pulsing && p->replicated && p->connected && !p->warm &&
	       say(out, "the replica of %s is not complete yet", p->name);
}

static bool replication_forged(const struct facts *f, struct finding *out)
{
	return f->peers[out->of].bad_tags &&
	       say(out, "%" PRIu64 " replication messages in the name of %s have a wrong signature",
		   f->peers[out->of].bad_tags, f->peers[out->of].name);
}

static bool not_steerable(const struct facts *f, struct finding *out)
{
	const struct fact_peer *p = &f->peers[out->of];

	return p->pulsing && p->not_steerable[0] &&
	       say(out, "no new player is steered to %s: %s", p->name, p->not_steerable);
}

static bool misdirected(const struct facts *f, struct finding *out)
{
	return f->peers[out->of].misdirected &&
	       say(out, "packets of clients arrive at %s, and this node is owner",
		   f->peers[out->of].name);
}

static bool settings_differ(const struct facts *f, struct finding *out)
{
	const struct fact_peer *p = &f->peers[out->of];

	return p->n_differs &&
	       say(out, "%s differs at %s: %s%s%s", p->differs[0].name, p->name, p->differs[0].text,
		   p->n_differs > 1 ? "; also " : "", p->n_differs > 1 ? p->differs[1].name : "");
}

/* The causes come before what follows from them. */
static const struct rule rules[] = {
	{"config-wrong", FINDING_CRITICAL, config_bad, OF_NODE, true,
	 "the configuration cannot be used: the daemon would not start, a reload is refused",
	 "hokm-xdp check-config FILE"},
	{"config-missing", FINDING_CRITICAL, config_missing, OF_NODE, true,
	 "this machine was not set up, or its daemon uses another file",
	 "write the configuration, or name it: hokm-xdp doctor -c FILE"},
	{"daemon-gone", FINDING_CRITICAL, daemon_gone, OF_NODE, true,
	 "it was stopped or it failed to start",
	 "systemctl status hokm-xdp; journalctl -u hokm-xdp"},
	{"daemon-silent", FINDING_CRITICAL, daemon_silent, OF_NODE, true,
	 "it is stopped by a signal or a debugger, or the machine stands still",
	 "systemctl restart hokm-xdp"},
	{"two-owners", FINDING_CRITICAL, two_owners, OF_PEER, false,
	 "adverts do not pass between the nodes", "hokm-xdp doctor on the other node"},
	{"vip-claimed", FINDING_CRITICAL, vip_claimed, OF_NODE, false,
	 "another machine has the VIP as its address: clients may reach it",
	 "find the host by its MAC address at the switch and take the address away"},
	{"path-missing", FINDING_CRITICAL, part_missing, OF_NODE, false,
	 "another program removed it and keeps it away",
	 "journalctl -u hokm-xdp; bpftool net; ip address; ip route show table local"},
	{"vip-missing", FINDING_CRITICAL, vip_missing, OF_NODE, false,
	 "another program removed it, or the kernel's lock is held by one",
	 "journalctl -u hokm-xdp; ip monitor address"},
	{"secrets-differ", FINDING_CRITICAL, secrets_differ, OF_PEER, false,
	 "another secret on the peer, or a host in the segment pretends to be it",
	 "compare the key secret on both nodes, then hokm-xdp ctl reload"},
	{"adverts-password", FINDING_CRITICAL, other_password, OF_NODE, false,
	 "the password, or the secret that it is derived from, differs",
	 "compare vrrp.password and secret on both nodes; auth_pass where keepalived runs"},
	{"adverts-version", FINDING_CRITICAL, other_version, OF_NODE, false,
	 "the nodes speak different versions of VRRP",
	 "compare vrrp.version on both nodes; vrrp_version where keepalived runs"},
	{"adverts-vrid", FINDING_WARNING, other_vrid, OF_NODE, false,
	 "the peer has another VRID, or another group of routers sends to the same nodes",
	 "compare vrrp.vrid on both nodes"},
	{"adverts-interval", FINDING_WARNING, other_interval, OF_NODE, false,
	 "the nodes send adverts at different intervals", "compare vrrp.advert on both nodes"},
	{"adverts-damaged", FINDING_WARNING, bad_checksum, OF_NODE, false,
	 "something between the nodes changes packets, or the sender is broken",
	 "tcpdump -vvi INTERFACE proto 112"},
	{"adverts-ttl", FINDING_WARNING, low_ttl, OF_NODE, false,
	 "a router lies between the nodes, or a host outside forges adverts",
	 "tcpdump -vi INTERFACE proto 112"},
	{"adverts-stranger", FINDING_WARNING, stranger_adverts, OF_NODE, false,
	 "another router uses this VRID, or the peer sends from another address",
	 "journalctl -u hokm-xdp names the address; choose another vrrp.vrid"},
	{"adverts-forged", FINDING_WARNING, forged_adverts, OF_NODE, false,
	 "the peer's MAC address changed, or a host in the segment forges adverts",
	 "hokm-xdp ctl events --kind link-mac on the peer"},
	{"check-fails", FINDING_CRITICAL, check_fails, OF_CHECK, false,
	 "the game server does not answer as the check expects", "hokm-xdp probe"},
	{"agent-gone", FINDING_CRITICAL, agent_dead, OF_NODE, false,
	 "its user is missing, or it fails at once", "journalctl -u hokm-xdp"},
	{"fault", FINDING_CRITICAL, in_fault, OF_NODE, false,
	 "this node takes no part until the reason is gone",
	 "ip link; ip address; hokm-xdp ctl events --kind state"},
	{"panic", FINDING_CRITICAL, panics, OF_NODE, false, "the game server fails on every node",
	 "repair the game server; nothing else helps"},
	{"adverts-filtered", FINDING_CRITICAL, adverts_filtered, OF_NODE, false,
	 "a packet filter of this node drops IP protocol 112",
	 "nft list ruleset; allow ip protocol vrrp from the peers"},
	{"adverts-missing", FINDING_CRITICAL, adverts_missing, OF_PEER, false,
	 "IP protocol 112 is blocked between the nodes",
	 "nft list ruleset; allow ip protocol vrrp from the peers on both nodes"},
	{"pulses-version", FINDING_WARNING, other_pulses, OF_NODE, false,
	 "another version of hokm-xdp, or another VRID, on a peer",
	 "hokm-xdp version on both nodes"},
	{"pulses-mac", FINDING_WARNING, pulse_from_other_mac, OF_NODE, false,
	 "the network changes MAC addresses, or pulses are forged",
	 "compare the MAC addresses of the nodes with ip neigh"},
	{"pulses-blocked", FINDING_WARNING, pulses_blocked, OF_PEER, false,
	 "UDP 8766 (pulse.port) is blocked, or keepalived runs there",
	 "nft list ruleset; allow udp dport 8766 from the peers on both nodes"},
	{"peer-silent", FINDING_WARNING, peer_silent, OF_PEER, false,
	 "its machine, its daemon or the network between is down", "hokm-xdp doctor on that node"},
	{"peer-daemon", FINDING_WARNING, peer_stale, OF_PEER, false,
	 "its daemon is dead or stopped: it gets no new players",
	 "systemctl status hokm-xdp on that node"},
	{"replication-forged", FINDING_WARNING, replication_forged, OF_PEER, false,
	 "the secrets differ", "compare the key secret on both nodes"},
	{"replication-blocked", FINDING_WARNING, replication_blocked, OF_PEER, false,
	 "UDP 8767 (replication.port) is blocked, or replication is off there",
	 "nft list ruleset; allow udp dport 8767 from the peers on both nodes"},
	{"not-steerable", FINDING_WARNING, not_steerable, OF_PEER, false,
	 "the network does not let steered frames through: players reconnect at each move",
	 "switch anti-spoofing off for the ports of the nodes"},
	{"stale-arp", FINDING_WARNING, misdirected, OF_PEER, false,
	 "clients or routers keep an old MAC address for the VIP",
	 "look for static ARP entries and ARP inspection"},
	{"clients-unserved", FINDING_WARNING, syn_fenced, OF_NODE, false,
	 "clients have the MAC address of this node for the VIP, and no node is owner",
	 "hokm-xdp doctor on the other nodes"},
	{"settings-differ", FINDING_WARNING, settings_differ, OF_PEER, false,
	 "the nodes have different files, or one did not reload",
	 "copy the file, then hokm-xdp ctl reload on both nodes"},
	{"member-absent", FINDING_WARNING, takes_no_part, OF_NODE, false,
	 "its file has other members or another arbiter: one failure more may stop the service",
	 "the same file there; ctl reload, or systemctl restart hokm-xdp-witness"},
	{"foreign-filter", FINDING_WARNING, filter_before, OF_NODE, false,
	 "if it ends the chain, packets do not reach hokm-xdp",
	 "tc filter show dev INTERFACE egress"},
	{"path-removed", FINDING_WARNING, part_put_back, OF_NODE, false,
	 "a network manager, a script or a person works against the daemon",
	 "journalctl around that moment"},
	{"fence-missing", FINDING_WARNING, fence_open, OF_NODE, false,
	 "it may answer ARP for the VIP", "journalctl -u hokm-xdp says why"},
	{"table-full", FINDING_WARNING, table_full, OF_NODE, false,
	 "connections are not tracked and break in a move",
	 "a larger max_connections, then systemctl restart hokm-xdp"},
	{"conntrack-loose", FINDING_WARNING, conntrack_strict, OF_NODE, true,
	 "connections that a move brings here count as invalid, and a firewall may drop them",
	 "sysctl net.netfilter.nf_conntrack_tcp_loose=1"},
	{"arp-ignore", FINDING_WARNING, arp_silent, OF_NODE, true,
	 "an owner answers no ARP for the VIP", "sysctl net.ipv4.conf.all.arp_ignore=1"},
	{"dns", FINDING_WARNING, dns_complains, OF_NODE, false,
	 "the provider refused or could not be reached, or another program writes the record",
	 "hokm-xdp dns test"},
	{"drill-failed", FINDING_WARNING, drill_failed, OF_NODE, true, "a failover may fail too",
	 "hokm-xdp test --history, then hokm-xdp test failover"},
	{"rp-filter", FINDING_NOTE, rp_strict, OF_NODE, false,
	 "packets of clients that this machine reaches by another interface are dropped",
	 "ip route get CLIENT; sysctl net.ipv4.conf.INTERFACE.rp_filter=2 where it differs"},
	{"replica-cold", FINDING_NOTE, replica_cold, OF_PEER, false,
	 "the peer started a moment ago, or its stream stalls",
	 "hokm-xdp ctl status again in some seconds"},
	{"generic-xdp", FINDING_NOTE, generic, OF_NODE, false,
	 "the driver has no native mode, or it refused it", "ethtool -i INTERFACE"},
	{"events-lost", FINDING_NOTE, events_gone, OF_NODE, false,
	 "more happened than could be reported: no packet is affected", "hokm-xdp ctl counters"},
	{"conntrack-invalid", FINDING_NOTE, conntrack_invalid, OF_NODE, true,
	 "a firewall that drops invalid packets would break connections after a move",
	 "nft list ruleset; let packets of the game port pass before ct state invalid drop"},
	{"clock", FINDING_NOTE, clock_wrong, OF_NODE, true,
	 "no time service runs: times in logs of the nodes cannot be compared",
	 "timedatectl status"},
	{"ordered", FINDING_NOTE, ordered, OF_NODE, false, "an operator ordered it",
	 "hokm-xdp ctl status names who and since when; ctl ready or ctl undrain ends it"},
};

const char *finding_severity_name(enum finding_severity s)
{
	static const char *const names[] = {"critical", "warning", "note"};

	return names[s];
}

static void try(const struct facts *f, const struct rule *r, unsigned int i, struct findings *out)
{
	struct finding *slot = &out->list[out->n];

	if (out->n == FINDINGS_MAX)
		return;
	slot->of = i;
	if (!r->applies(f, slot))
		return;
	slot->severity = r->severity;
	slot->id = r->id;
	slot->cause = r->cause;
	slot->next = r->next;
	out->n++;
}

void doctor_judge(const struct facts *f, struct findings *out)
{
	out->n = 0;
	for (unsigned int s = FINDING_CRITICAL; s <= FINDING_NOTE; s++)
		for (size_t at = 0; at < sizeof(rules) / sizeof(rules[0]); at++) {
			const struct rule *r = &rules[at];
			unsigned int n = r->of == OF_PEER    ? f->n_peers
					 : r->of == OF_CHECK ? f->n_checks
							     : 1;

			if (r->severity != s || (!r->without_daemon && f->daemon != FACT_ANSWERS))
				continue;
			for (unsigned int i = 0; i < n; i++)
				try(f, r, i, out);
		}
}
