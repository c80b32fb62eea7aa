#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# Other interfaces of a node in the segment of the VIP: a second NIC, a macvlan and a bridge that
# are made while the daemon runs. The local route of the VIP holds for the whole machine, and yet
# nobody but the interface of the owner answers ARP for the VIP, and no other interface takes a
# connection without a lease. The machine's own addresses are answered as before. A sysctl that
# would make the owner mute then is put back.

PLAYERS=20
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/footprint.sh
. "$TESTS_DIR/footprint.sh"

LO_ADDR=10.99.0.1
NIC_ADDR=192.168.1.57

# nic NAME: another cable between b and the switch.
nic() {
	ip -n "$(lab_ns sw)" link add "p-b-$1" type veth peer name "$1" netns "$(lab_ns b)" &&
		lab_xdp_pass "p-b-$1" &&
		ip -n "$(lab_ns sw)" link set "p-b-$1" master br0 up &&
		lab_run b ethtool -K "$1" tx off >/dev/null &&
		ip -n "$(lab_ns b)" link set "$1" up
}

mac_of() { ip -n "$(lab_ns b)" -j link show "$1" | jq -r '.[0].address'; }
fenced() { [ "$(status b ".fences[] | select(.interface == \"$1\") | .covered")" = true ]; }
in_segment() {
	[ "$(status b ".fences[] | select(.interface == \"$1\") | .segment_ms != null")" = true ]
}
asked_more() { counter_test b drop_other_arp -gt "$1"; }

# one_answer WORDS: some hundred look-ups of the VIP, answered by one MAC address.
one_answer() {
	local asked
	asked=$(counter b drop_other_arp)
	observe_mark other
	within 10 "$1: the other interfaces were asked" asked_more $((asked + 300))
	observe_mark asked
	unbroken "$1"
}

# The client learns a MAC address for an address of the machine: that of NAME, if given.
resolves() {
	lab_run client ip neigh del "$1" dev eth0 2>/dev/null
	lab_run client timeout 1 bash -c "exec 3<>/dev/tcp/$1/9" 2>/dev/null
	lab_run client ip neigh show "$1" dev eth0 | grep -q "lladdr ${2:+$(mac_of "$2")}"
}

# A client without an ARP entry.
reached() {
	ip -n "$(lab_ns client)" neigh flush dev eth0 &&
		lab_run client curl -sfm 1 -o /dev/null "http://$LAB_VIP:$LAB_PORT/health"
}
# Again and again: an announcement of the owner may come just then.
reached_each_time() {
	local i
	for i in {1..5}; do
		reached || return 1
		lab_nap 0.2
	done
}
# Another program lets the kernel answer ARP only on the interface by which it reaches the asker.
filters_arp() {
	must ip -n "$(lab_ns b)" route add "$(lab_addr client)/32" dev eth1
	must lab_run b sysctl -q net.ipv4.conf.all.arp_filter=1
	within 10 "arp_filter and a route by the second NIC: new clients reach the owner" \
		reached_each_time
	holds "arp_filter and a route by the second NIC: the node owns" owns b
	must ip -n "$(lab_ns b)" route del "$(lab_addr client)/32" dev eth1
}

no_lease_no_connection() {
	local before
	before=$(counter b drop_other_syn)
	must lab_run client ip neigh replace "$LAB_VIP" dev eth0 nud permanent \
		lladdr "$(mac_of eth1)"
	holds "a client with the MAC of the backup's second NIC is not served" \
		test -z "$(lab_run client curl -sm 1 "http://$LAB_VIP:$LAB_PORT/health")"
	number_is "its SYNs are counted" "$(counter b drop_other_syn)" -gt "$before"
	must lab_run client ip neigh del "$LAB_VIP" dev eth0
	within 10 "it is served by the owner" \
		lab_run client curl -sfm 1 -o /dev/null "http://$LAB_VIP:$LAB_PORT/health"
}

must lab_up a b
must lab_conf a b
must nic eth1
must ip -n "$(lab_ns b)" addr add "$NIC_ADDR/24" dev eth1
must ip -n "$(lab_ns b)" addr add "$LO_ADDR/32" dev lo
must lab_run client ip route add "$LO_ADDR" dev eth0
for node in a b; do must lab_game $node; done
footprint_take b
for node in a b; do must lab_daemon $node; done
for node in a b; do must lab_wait 20 hokm_ready $node; done
must lab_wait 20 owns a
must observe_start
must lab_wait 20 calm

holds "the second NIC is fenced from the start" fenced eth1
within 10 "it is seen to be in the segment" in_segment eth1
one_answer "second NIC of the backup"
within 10 "its own address is answered" resolves "$NIC_ADDR" eth1
within 10 "an address on lo is answered through it" resolves "$LO_ADDR" eth1

must ip -n "$(lab_ns b)" link add mac0 link eth0 type macvlan mode bridge
must ip -n "$(lab_ns b)" link set mac0 up
must ip -n "$(lab_ns b)" link add br7 type bridge
must nic eth2
must ip -n "$(lab_ns b)" link set eth2 master br7
must ip -n "$(lab_ns b)" link set br7 up
within 10 "a new macvlan is fenced" fenced mac0
within 10 "a new bridge is fenced" fenced br7
within 10 "the bridge is in the segment" in_segment br7
one_answer "macvlan and bridge of the backup"

no_lease_no_connection
must lab_wait 20 calm
must lab_ctl a failover >/dev/null
must lab_wait 20 owner_is b
within 10 "the owner with more interfaces serves" calm
one_answer "owner with more interfaces"
within 10 "an address on lo is answered by the owner too" resolves "$LO_ADDR"

observe_stop
filters_arp
for name in mac0 br7 eth2; do must ip -n "$(lab_ns b)" link del $name; done
must lab_kill b daemon KILL
must lab_wait 20 lab_gone b daemon
must lab_run b "$HOKM" cleanup -c "$LAB_DIR/b/hokm-xdp.conf"
as_before "cleanup" b
test_end
