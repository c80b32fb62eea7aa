# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The bad link (link.c) in the lab: between the cable of a client and the switch, in the namespace
# of the switch.
#
#   client [eth0]----[p-CLIENT] link [bl-CLIENT]----[br-CLIENT] br0
#
# link_insert cuts the cable once. Then link_start and link_end follow any number of times, each
# with its own rates. No frame passes between link_end and the next link_start. link_end puts the
# counts into LINK_COUNTS.

WS_BUILD=$LAB_BUILD/tests/ws

# Turns off merged segments, and checksums that are left to hardware: a veth has none.
link_plain() {
	local node=$1 dev=$2
	lab_run "$node" ethtool -K "$dev" tx off gso off tso off gro off >/dev/null
}

# A full veth ring drops frames. With a queue before the ring the sender waits instead.
link_queue() {
	local node=$1 dev=$2
	lab_run "$node" tc qdisc replace dev "$dev" root pfifo limit 20000
}

link_insert() {
	local node=$1 sw node_dev
	sw=$(lab_ns sw)
	ip -n "$sw" link set "p-$node" nomaster &&
		ip -n "$sw" link add "bl-$node" type veth peer name "br-$node" &&
		ip -n "$sw" link set "br-$node" master br0 up &&
		ip -n "$sw" link set "bl-$node" up || return 1
	link_plain "$node" eth0 && link_queue "$node" eth0 || return 1
	for node_dev in "p-$node" "bl-$node" "br-$node"; do
		link_plain sw "$node_dev" && link_queue sw "$node_dev" || return 1
	done
}

link_listens() { grep -q 'link: ready' "$LAB_DIR/log/sw.link-$1" 2>/dev/null; }

# link_start NODE OPTION...: the options are those of the program.
link_start() {
	local node=$1
	shift
	rm -f "$LAB_DIR/log/sw.link-$node" "$LAB_DIR/link-$node.json"
	LAB_STDOUT=$LAB_DIR/link-$node.json lab_spawn sw "link-$node" "$WS_BUILD/link" \
		--left "p-$node" --right "bl-$node" "$@"
	lab_wait 10 link_listens "$node"
}

link_end() {
	lab_stop sw "link-$1" || return 1
	# shellcheck disable=SC2034 # read by the tests that source this file
	LINK_COUNTS=$(cat "$LAB_DIR/link-$1.json")
	[ -n "$LINK_COUNTS" ]
}

# Frames that the interfaces from the link of the client to NODE have dropped since the lab started.
link_dropped() {
	ip -n "$LAB_ID-sw" -s -j link show | jq --arg node "$1" --arg client "$2" '
		[.[] | select(.ifname | IN("p-" + $node, ("br-", "bl-", "p-") + $client)) |
			.stats64 | .tx.dropped + .rx.dropped] |
		if length == 4 then add else error("four interfaces are wanted") end'
}
