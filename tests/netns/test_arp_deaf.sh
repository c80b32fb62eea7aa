#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 20 s
#
# A router and a client in the segment ignore gratuitous ARP, as some do. The owner's node dies:
# both send to its MAC address, which answers nothing any more. They learn the new owner's MAC
# address from its questions, long before their entries age, so that players behind the router are
# served. In a segment without a router the owner asks its peer, and the client learns from that.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

visit() { lab_run "$1" curl -sf -m 2 -o /dev/null "http://$LAB_VIP:$LAB_PORT/health"; }
knows() { # HOST NODE
	local entry
	entry=$(ip -n "$(lab_ns "$1")" neigh show to "$LAB_VIP" dev eth0)
	[[ $entry == *"lladdr $(lab_mac "$2")"* ]]
}
deaf() { lab_run "$1" sysctl -qw net.ipv4.conf.eth0.drop_gratuitous_arp=1; }
# freshen HOST NODE: its entry is fresh: it lasts for 15 s at least.
freshen() {
	ip -n "$(lab_ns "$1")" neigh replace "$LAB_VIP" lladdr "$(lab_mac "$2")" \
		dev eth0 nud reachable
}

must lab_up a b
must lab_route_up 1500
for host in router client; do must deaf $host; done
must lab_conf a b
for node in a b; do
	must lab_game $node
	must lab_daemon $node
done
for node in a b; do must lab_wait 20 hokm_ready $node; done
must lab_wait 20 owns a
holds "before: a player behind the router is served" visit inside
holds "before: a player in the segment is served" visit client

for host in router client; do must freshen $host a; done
must lab_node_dead a
within 10 "the owner dead: the peer owns" owns b
for host in router client; do
	within 8 "the owner dead: the $host knows the new owner" knows $host b
done
holds "the owner dead: a player behind the router is served" visit inside
holds "the owner dead: a player in the segment is served" visit client

must ip -n "$(lab_ns b)" route del 10.77.0.0/24
must lab_node_alive a
must lab_game a
must lab_daemon a
within 30 "no router: the node that is back owns" owns a
must freshen client a
must lab_node_dead a
within 10 "no router: the peer owns" owns b
within 8 "no router: the client knows the new owner" knows client b
holds "no router: a player in the segment is served" visit client
test_end
