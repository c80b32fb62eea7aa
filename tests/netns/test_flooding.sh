#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 20 s
#
# A switch that has learnt no MAC address floods each frame to all, as after a change of its
# spanning tree, and a mirror port shows a node the frames of another one. The network cards of the
# nodes take all of them, as under tcpdump, and the backup has a macvlan in the segment. What is for
# another node is left alone: no node answers, steers or drops it, and no player notices a move.

PLAYERS=20
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

RESETS=$LAB_DIR/log/sw.resets

flood() {
	local node
	for node in a b c client; do
		lab_run sw bridge link set dev "p-$node" learning off flood on || return 1
	done
	ip -n "$(lab_ns sw)" link set br0 type bridge ageing_time 0
}
listen_to_all() {
	ip -n "$(lab_ns "$1")" link set eth0 promisc on
}
shim() {
	ip -n "$(lab_ns "$1")" -batch - <<-END
		link add shim link eth0 type macvlan mode bridge
		addr add 192.168.1.99/24 dev shim
		link set shim up
	END
}
watch_resets() {
	lab_spawn sw resets tcpdump -i br0 -n -l \
		"src host $LAB_VIP and tcp[tcpflags] & tcp-rst != 0"
	lab_wait 20 grep -q 'listening on' "$RESETS"
}
# Frames that a node drops for a reason which is not the gate of ARP.
strange_drops() {
	ask "$1" counters '[.services.game, .node | to_entries[] | select(.key |
		startswith("drop_") and (endswith("_arp_gate") or endswith("_other_arp") | not))
		| .value] | add'
	printf '%s\n' "$ANSWER"
}

test_nodes a b c
must lab_wait 20 owns a
must flood
for node in a b c; do must listen_to_all $node; done
must shim b
within 10 "the macvlan has its fence" status_is b \
	'[.fences[] | select(.interface == "shim").covered][0]' true
must observe_start
must lab_wait 20 calm
must lab_wait 20 owner_is a
must watch_resets
declare -A before
for node in a b c; do before[$node]=$(strange_drops $node); done
observe_mark flooded
holds "a move" ctl_ok a failover
within 10 "the peer owns" owner_is b
within 10 "the players are well" calm
holds "they are carried" players_on a
holds "back" ctl_ok a ready
within 20 "the first one owns again" owner_is a
within 10 "the players are well again" calm
observe_mark end
unbroken "flooded" 2
for node in a b c; do
	number_is "frames that $node dropped" $(($(strange_drops $node) - before[$node])) -eq 0
	number_is "frames for others that $node saw" "$(counter $node other_host)" -ge 100
done
number_is "resets in the name of the VIP" "$(grep -c ' Flags ' "$RESETS")" -eq 0
test_end
