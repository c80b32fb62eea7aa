/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rules of the doctor: one row each in a table, with a function that says whether the facts
 * hold and quotes them (rules.h says which file has it). Pure.
 */
#include <stdarg.h>
#include <stdio.h>

#include "doctor/rules.h"

bool rule_say(struct finding *out, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(out->evidence, sizeof(out->evidence), fmt, ap);
	va_end(ap);
	return true;
}

/* The causes come before what follows from them. */
static const struct rule rules[] = {
	{"config-wrong", FINDING_CRITICAL, rule_config_bad, OF_NODE, true,
	 "the configuration cannot be used: the daemon would not start, a reload is refused",
	 "hokm-xdp check-config FILE"},
	{"config-missing", FINDING_CRITICAL, rule_config_missing, OF_NODE, true,
	 "this machine was not set up, or its daemon uses another file",
	 "hokm-xdp setup --help; or name the file: hokm-xdp doctor -c FILE"},
	{"foreign-xdp", FINDING_CRITICAL, rule_foreign_xdp, OF_NODE, true,
	 "an interface takes one XDP program: the daemon does not start, or lost its packet path",
	 "ip link set dev INTERFACE xdp off, or the tool that put it there; then start the daemon"},
	{"daemon-gone", FINDING_CRITICAL, rule_daemon_gone, OF_NODE, true,
	 "it was stopped or it failed to start",
	 "systemctl status hokm-xdp; journalctl -u hokm-xdp"},
	{"daemon-silent", FINDING_CRITICAL, rule_daemon_silent, OF_NODE, true,
	 "it is stopped by a signal or a debugger, or the machine stands still",
	 "systemctl restart hokm-xdp"},
	{"two-owners", FINDING_CRITICAL, rule_two_owners, OF_PEER, false,
	 "adverts do not pass between the nodes", "hokm-xdp doctor on the other node"},
	{"vip-claimed", FINDING_CRITICAL, rule_vip_claimed, OF_NODE, false,
	 "another machine has the VIP as its address: clients may reach it",
	 "find the host by its MAC address at the switch and take the address away"},
	{"path-missing", FINDING_CRITICAL, rule_part_missing, OF_NODE, false,
	 "another program removed it and keeps it away",
	 "journalctl -u hokm-xdp; bpftool net; ip address; ip route show table local"},
	{"vip-missing", FINDING_CRITICAL, rule_vip_missing, OF_NODE, false,
	 "another program removed it, or the kernel's lock is held by one",
	 "journalctl -u hokm-xdp; ip monitor address"},
	{"segment-lost", FINDING_CRITICAL, rule_segment_lost, OF_PEER, false,
	 "it is cut between the nodes, or UDP 8766 (pulse.port) is blocked: nothing is steered",
	 "check switch and cable of the VIP's interface; nft list ruleset on both nodes"},
	{"secrets-differ", FINDING_CRITICAL, rule_secrets_differ, OF_PEER, false,
	 "another secret on the peer, or a host in the segment pretends to be it",
	 "compare the key secret on both nodes, then hokm-xdp ctl reload"},
	{"adverts-password", FINDING_CRITICAL, rule_other_password, OF_NODE, false,
	 "the password, or the secret that it is derived from, differs",
	 "compare vrrp.password and secret on both nodes; auth_pass where keepalived runs"},
	{"adverts-version", FINDING_CRITICAL, rule_other_version, OF_NODE, false,
	 "the nodes speak different versions of VRRP",
	 "compare vrrp.version on both nodes; vrrp_version where keepalived runs"},
	{"adverts-vrid", FINDING_WARNING, rule_other_vrid, OF_NODE, false,
	 "the peer has another VRID, or another group of routers sends to the same nodes",
	 "compare vrrp.vrid on both nodes"},
	{"adverts-interval", FINDING_WARNING, rule_other_interval, OF_NODE, false,
	 "the nodes send adverts at different intervals", "compare vrrp.advert on both nodes"},
	{"adverts-damaged", FINDING_WARNING, rule_bad_checksum, OF_NODE, false,
	 "something between the nodes changes packets, or the sender is broken",
	 "tcpdump -vvi INTERFACE proto 112"},
	{"adverts-ttl", FINDING_WARNING, rule_low_ttl, OF_NODE, false,
	 "a router lies between the nodes, or a host outside forges adverts",
	 "tcpdump -vi INTERFACE proto 112"},
	{"adverts-stranger", FINDING_WARNING, rule_stranger_adverts, OF_NODE, false,
	 "another router uses this VRID, or the peer sends from another address",
	 "journalctl -u hokm-xdp names the address; choose another vrrp.vrid"},
	{"adverts-forged", FINDING_WARNING, rule_forged_adverts, OF_NODE, false,
	 "the peer's MAC address changed, or a host in the segment forges adverts",
	 "hokm-xdp ctl events --kind link-mac on the peer"},
	{"conntrack-full", FINDING_CRITICAL, rule_conntrack_full, OF_NODE, true,
	 "the kernel drops each packet of a new connection: players, checks, replication, adverts",
	 "sysctl net.netfilter.nf_conntrack_max=NUMBER; nft: notrack for the port of the game"},
	{"arp-filter", FINDING_CRITICAL, rule_arp_filtered, OF_NODE, false,
	 "an owner answers no ARP of these clients for the VIP",
	 "sysctl net.ipv4.conf.all.arp_filter=0, and of the interface; ip route get CLIENT"},
	{"route-missing", FINDING_CRITICAL, rule_route_missing, OF_NODE, false,
	 "a route is gone, often the default route after `ip link set down`: nobody gets an answer",
	 "ip route; give this machine its routes again"},
	{"route-in", FINDING_CRITICAL, rule_route_in, OF_NODE, false,
	 "ip rule, a VRF or reverse path filtering: players cannot connect, and checks pass",
	 "ip rule; ip route show table all; sysctl net.ipv4.conf.INTERFACE.rp_filter=2"},
	{"listener-stuck", FINDING_CRITICAL, rule_stuck_listener, OF_NODE, false,
	 "one process of the game server is stuck: its players, and a part of the new ones, wait",
	 "ss -ltnp shows it by its Recv-Q; end that process, or restart the game server"},
	{"check-fails", FINDING_CRITICAL, rule_check_fails, OF_CHECK, false,
	 "the game server does not answer as the check expects",
	 "is it started? ss -ltn: it must listen on the VIP or on 0.0.0.0; hokm-xdp probe"},
	{"syns-unanswered", FINDING_CRITICAL, rule_syns_unanswered, OF_NODE, false,
	 "a packet filter of this machine closes the port, or replies leave by another interface",
	 "nft list ruleset; allow tcp dport of the game; hokm-xdp ctl failover until then"},
	{"agent-gone", FINDING_CRITICAL, rule_agent_dead, OF_NODE, false,
	 "its user is missing, or it fails at once", "journalctl -u hokm-xdp"},
	{"fault", FINDING_CRITICAL, rule_in_fault, OF_NODE, false,
	 "this node takes no part until the reason is gone",
	 "hokm-xdp ctl events --kind state; journalctl -u hokm-xdp"},
	{"panic", FINDING_CRITICAL, rule_panics, OF_NODE, false,
	 "the game server fails on every node", "repair the game server; nothing else helps"},
	{"adverts-filtered", FINDING_CRITICAL, rule_adverts_filtered, OF_NODE, false,
	 "a packet filter of this node drops IP protocol 112",
	 "nft list ruleset; allow ip protocol vrrp from the peers"},
	{"adverts-missing", FINDING_CRITICAL, rule_adverts_missing, OF_PEER, false,
	 "IP protocol 112 is blocked between the nodes",
	 "nft list ruleset; allow ip protocol vrrp from the peers on both nodes"},
	{"pulses-version", FINDING_WARNING, rule_other_pulses, OF_NODE, false,
	 "another version of hokm-xdp, or another VRID, on a peer",
	 "hokm-xdp version on both nodes"},
	{"pulses-mac", FINDING_WARNING, rule_pulse_from_other_mac, OF_NODE, false,
	 "the network changes MAC addresses, or pulses are forged",
	 "compare the MAC addresses of the nodes with ip neigh"},
	{"pulses-late", FINDING_WARNING, rule_pulses_late, OF_NODE, false,
	 "a queue between the nodes is full, as that of an interface whose rate is limited",
	 "tc -s qdisc show dev INTERFACE on both nodes; or a larger pulse.dead"},
	{"pulses-blocked", FINDING_WARNING, rule_pulses_blocked, OF_PEER, false,
	 "UDP 8766 (pulse.port) is blocked, or keepalived runs there",
	 "nft list ruleset; allow udp dport 8766 from the peers on both nodes"},
	{"peer-silent", FINDING_WARNING, rule_peer_silent, OF_PEER, false,
	 "its machine, its daemon or the network between is down", "hokm-xdp doctor on that node"},
	{"pulse-path-unusable", FINDING_WARNING, rule_pulse_path_unusable, OF_NODE, false,
	 "the address of node.path is not on a usable interface of its own",
	 "ip -br address; compare node.path of this node with it"},
	{"pulse-path-never", FINDING_WARNING, rule_pulse_path_never, OF_PEER, false,
	 "the peer has not this address, the cable leads elsewhere, or UDP 8766 is blocked there",
	 "ping the address; hokm-xdp doctor and nft list ruleset on the peer"},
	{"pulse-path-lost", FINDING_WARNING, rule_pulse_path_lost, OF_PEER, false,
	 "the cable, a switch or an interface of this path is down",
	 "ip -br link on both nodes; ping the address; check the cable"},
	{"peer-daemon", FINDING_WARNING, rule_peer_stale, OF_PEER, false,
	 "its daemon is dead or stopped: it gets no new players",
	 "systemctl status hokm-xdp on that node"},
	{"replication-forged", FINDING_WARNING, rule_replication_forged, OF_PEER, false,
	 "the secrets differ", "compare the key secret on both nodes"},
	{"replication-blocked", FINDING_WARNING, rule_replication_blocked, OF_PEER, false,
	 "UDP 8767 (replication.port) is blocked, or replication is off there",
	 "nft list ruleset; allow udp dport 8767 from the peers on both nodes"},
	{"not-steerable", FINDING_WARNING, rule_not_steerable, OF_PEER, false,
	 "the network does not let steered frames through: players reconnect at each move",
	 "switch anti-spoofing off for the ports of the nodes"},
	{"stale-arp", FINDING_WARNING, rule_misdirected, OF_PEER, false,
	 "clients or routers keep an old MAC address for the VIP",
	 "look for static ARP entries and ARP inspection"},
	{"clients-unserved", FINDING_WARNING, rule_syn_fenced, OF_NODE, false,
	 "clients have the MAC address of this node for the VIP, and no node is owner",
	 "hokm-xdp doctor on the other nodes"},
	{"settings-differ", FINDING_WARNING, rule_settings_differ, OF_PEER, false,
	 "the nodes have different files, or one did not reload",
	 "copy the file, then hokm-xdp ctl reload on both nodes"},
	{"member-absent", FINDING_WARNING, rule_takes_no_part, OF_NODE, false,
	 "its file has other members or another arbiter: one failure more may stop the service",
	 "the same file there; ctl reload, or systemctl restart hokm-xdp-witness"},
	{"foreign-filter", FINDING_WARNING, rule_filter_before, OF_NODE, false,
	 "if it ends the chain, packets do not reach hokm-xdp",
	 "tc filter show dev INTERFACE egress; of kind tcx: bpftool prog show id PROGRAM"},
	{"path-removed", FINDING_WARNING, rule_part_put_back, OF_NODE, false,
	 "a network manager, a script or a person works against the daemon",
	 "journalctl around that moment"},
	{"fence-missing", FINDING_WARNING, rule_fence_open, OF_NODE, false,
	 "it may answer ARP for the VIP", "journalctl -u hokm-xdp says why"},
	{"table-full", FINDING_WARNING, rule_table_full, OF_NODE, false,
	 "connections are not tracked and break in a move",
	 "a larger max_connections, then systemctl restart hokm-xdp"},
	{"conntrack-filling", FINDING_WARNING, rule_conntrack_filling, OF_NODE, true,
	 "when it is full the kernel drops each packet of a new connection",
	 "sysctl net.netfilter.nf_conntrack_max=NUMBER; nft: notrack for the port of the game"},
	{"route-out", FINDING_WARNING, rule_route_out, OF_NODE, false,
	 "routes or ip rule lead elsewhere: hokm-xdp does not see the answers, or nobody gets them",
	 "ip rule; ip route get CLIENT from VIP: the answers must leave by the VIP's interface"},
	{"route-source", FINDING_WARNING, rule_route_source, OF_NODE, true,
	 "what this machine connects to answers to the VIP, which may be that of another node",
	 "ip route replace the same route with src and the address of the node itself"},
	{"conntrack-loose", FINDING_WARNING, rule_conntrack_strict, OF_NODE, true,
	 "connections that a move brings here count as invalid, and a firewall may drop them",
	 "sysctl net.netfilter.nf_conntrack_tcp_loose=1; or let the game port pass before"},
	{"arp-ignore", FINDING_WARNING, rule_arp_silent, OF_NODE, true,
	 "an owner answers no ARP for the VIP", "sysctl net.ipv4.conf.all.arp_ignore=1"},
	{"dns", FINDING_WARNING, rule_dns_complains, OF_NODE, false,
	 "the provider refused or could not be reached, another program writes the record, "
	 "or an operator ordered it",
	 "hokm-xdp dns test; hokm-xdp ctl dns --history"},
	{"dns-ttl", FINDING_WARNING, rule_dns_ttl, OF_NODE, false,
	 "the record was made so; hokm-xdp never changes its TTL",
	 "lower the TTL at the provider, or write a greater dns.ttl into the configuration"},
	{"drill-failed", FINDING_WARNING, rule_drill_failed, OF_NODE, true,
	 "a failover may fail too", "hokm-xdp test --history, then hokm-xdp test failover"},
	{"rp-filter", FINDING_NOTE, rule_rp_strict, OF_NODE, false,
	 "packets of clients that this machine reaches by another interface are dropped",
	 "ip route get CLIENT; sysctl net.ipv4.conf.INTERFACE.rp_filter=2 where it differs"},
	{"replica-cold", FINDING_NOTE, rule_replica_cold, OF_PEER, false,
	 "the peer started a moment ago, or its stream stalls",
	 "hokm-xdp ctl status again in some seconds"},
	{"generic-xdp", FINDING_NOTE, rule_generic, OF_NODE, false,
	 "the driver has no native mode, or it refused it", "ethtool -i INTERFACE"},
	{"events-lost", FINDING_NOTE, rule_events_gone, OF_NODE, false,
	 "more happened than could be reported: no packet is affected", "hokm-xdp ctl counters"},
	{"conntrack-invalid", FINDING_NOTE, rule_conntrack_invalid, OF_NODE, true,
	 "a firewall that drops invalid packets would break connections after a move",
	 "nft list ruleset; let packets of the game port pass before ct state invalid drop"},
	{"no-listener", FINDING_NOTE, rule_no_listener, OF_NODE, false,
	 "the game server runs in a container, or a packet filter translates its port",
	 "it works, with limits: see Known limits in docs/troubleshooting.md"},
	{"clock", FINDING_NOTE, rule_clock_wrong, OF_NODE, true,
	 "no time service runs: times in logs of the nodes cannot be compared",
	 "timedatectl status"},
	{"ordered", FINDING_NOTE, rule_ordered, OF_NODE, false, "an operator ordered it",
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
	slot->severity = r->severity;
	slot->id = r->id;
	slot->cause = r->cause;
	slot->next = r->next;
	out->n += r->applies(f, slot);
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
