# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The bad link (link.c) in the lab: between a client's cable and the switch, in the switch's namespace.
#
#   client [eth0]----[p-CLIENT] link [bl-CLIENT]----[br-CLIENT] br0
#
# link_insert opens the cable once; then link_start and link_end, any number of times, with rates of their
# own. Nothing passes between an end and the next start. The counts are in LINK_COUNTS after link_end.

WS_BUILD=$LAB_BUILD/tests/ws

# Nobody on the way puts segments together, and nobody leaves a checksum to hardware that is not there.
link_plain() {
	local node=$1 dev=$2
	lab_run "$node" ethtool -K "$dev" tx off gso off tso off gro off >/dev/null
}

# A full veth ring drops what comes; with a queue before it the sender waits instead.
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

# link_start NODE OPTION...: the options are the program's.
link_start() {
	local node=$1
	shift
	rm -f "$LAB_DIR/log/sw.link-$node" "$LAB_DIR/link-$node.json"
	LAB_STDOUT=$LAB_DIR/link-$node.json lab_spawn sw "link-$node" "$WS_BUILD/link" \
		--left "p-$node" --right "bl-$node" "$@"
	lab_wait 5 link_listens "$node"
}

link_end() {
	lab_stop sw "link-$1" || return 1
	# shellcheck disable=SC2034 # read by whoever sources this file
	LINK_COUNTS=$(cat "$LAB_DIR/link-$1.json")
	[ -n "$LINK_COUNTS" ]
}

# What interfaces dropped on the way from the client's link to NODE, all time.
link_dropped() {
	local node=$1 dev
	for dev in "p-$node" "br-$2" "bl-$2" "p-$2"; do
		ip -n "$(lab_ns sw)" -s -j link show dev "$dev"
	done | jq -s '[.[][].stats64 | .tx.dropped + .rx.dropped] | add'
}
