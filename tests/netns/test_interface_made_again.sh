#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# The interface is removed and made again with another index, under players: that of the backup
# with another MAC address and with an address that comes later, then that of the owner. The node
# is in fault meanwhile and its kernel has no route by which it would answer ARP for the VIP. Then
# it does its service again without a restart, and at no time do two nodes answer.

PLAYERS=20
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

# That of the interface, and that of lo.
has_route() {
	[ "$(ip -n "$(lab_ns "$1")" route show table local proto 0x48 | grep -c "$LAB_VIP")" = 2 ]
}
has_no_route() { [ -z "$(ip -n "$(lab_ns "$1")" route show table local proto 0x48)" ]; }
remove() { ip -n "$(lab_ns "$1")" link del eth0; }
pulses() { status_is "$1" '.peers[0].pulsing' true; }
knows_mac() { status_is a '"\(.peers[0].pulsing) \(.peers[0].mac)"' "true $1"; }
warm() {
	local both='"\(.peers[0].replica.warm) \(.peers[0].replica.peer_warm)"'
	[ "$(status "$1" "$both")" = "true true" ]
}
attached() {
	local shown
	shown=$(lab_run "$1" bpftool net show dev eth0)
	[[ $shown == *eth0*driver* && $shown == *hokm_egress* && $shown != *hokm_fence* ]]
}
is_set() {
	local dir=/proc/sys/net/ipv4/conf/eth0
	[ "$(lab_run "$1" cat $dir/arp_ignore $dir/arp_announce | tr '\n' ' ')" = "1 2 " ]
}

# gone NODE: what holds while the interface is not there.
gone() {
	within 10 "$1: without the interface the kernel has no route of the VIP" has_no_route "$1"
	within 10 "$1: the node is in fault" state_is "$1" fault
	within 10 "$1: the reason is the link" reason_is "$1" link-down
	holds "$1: the health of the service stays" service_is "$1" up
}

# whole NODE: the service of the node with the new interface, within five seconds.
whole() {
	local end
	end=$(($(lab_now_ms) + 5000))
	within 10 "$1: the node takes part again" state_is "$1" backup
	within 10 "$1: its peer answers pulses" pulses "$1"
	within 10 "$1: replication goes both ways" warm "$1"
	number_is "$1: ms left of five seconds" $((end - $(lab_now_ms))) -gt 0
	within 10 "$1: the programs are on the new interface, and no fence" attached "$1"
	within 10 "$1: its sysctls are set" is_set "$1"
	within 10 "$1: the route of the VIP is back" has_route "$1"
}

# The primary may have preempted the VIP meanwhile, also between the question and the order.
give_back() { owns a || ctl_ok b failover; }

test_pair
observe_mark backup
must remove b
gone b
LAB_MAC["b"]=02:00:00:00:0b:01 # so the observers know it too
must lab_cable b
within 10 "b: it waits for its address" log_says b "waiting for this node's address"
holds "b: without its address the node stays in fault" state_is b fault
must lab_address b
whole b
within 10 "b: the peer knows the new MAC address" knows_mac "${LAB_MAC[b]}"
observe_mark backup-whole
unbroken "backup"

must lab_wait 20 calm
observe_mark owner
must remove a
gone a
within 10 "a: the backup owns" owner_is b
must lab_cable a
must lab_address a
whole a
within 10 "a: the players are well" calm
must lab_wait 10 give_back
within 10 "a: it owns again" owns a
within 10 "a: and answers" owner_is a
within 10 "a: it serves" calm
observe_mark owner-whole
number_is "owner: rounds of the observer" "$(field "$REPLY_ARP" rounds)" -gt 100
number_is "owner: rounds with two owners" "$(field "$REPLY_ARP" two_owner_rounds)" -eq 0
test_end
