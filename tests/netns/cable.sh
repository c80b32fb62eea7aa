# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# A direct cable between the nodes a and b, their second path: 10.0.0.26 and 10.0.0.27 on `direct`.

# cable_up: after lab_up.
cable_up() {
	ip -n "$(lab_ns a)" link add direct type veth peer name direct netns "$(lab_ns b)" ||
		return 1
	cable_end a && cable_end b
}
# switched_cable: the same with a switch between, which can lose what goes in one direction, and
# takes the link from no node.
switched_cable() {
	local node
	ip -n "$(lab_ns sw)" link add br1 type bridge mcast_snooping 0 &&
		ip -n "$(lab_ns sw)" link set br1 up || return 1
	for node in a b; do
		ip -n "$(lab_ns sw)" link add direct-$node master br1 type veth \
			peer name direct netns "$(lab_ns $node)" &&
			ip -n "$(lab_ns sw)" link set direct-$node up && cable_end $node || return 1
	done
}
# The interface of the node gets its address.
cable_end() {
	lab_run "$1" ethtool -K direct tx off >/dev/null &&
		ip -n "$(lab_ns "$1")" addr add "$(cable_addr "$1")/24" dev direct &&
		ip -n "$(lab_ns "$1")" link set direct up
}
cable_addr() { if [ "$1" = a ]; then echo 10.0.0.26; else echo 10.0.0.27; fi; }
# cable_conf NODE...: the files of the nodes name the path.
cable_conf() {
	local node other begin
	for other in a b; do
		begin="node $(lab_name "$other") { "
		for node in "$@"; do
			sed -i "s/^$begin/&path = \"$(cable_addr "$other")\" /" \
				"$LAB_DIR/$node/hokm-xdp.conf" || return 1
		done
	done
}
# The plug of node a, and back again.
cable_is() { ip -n "$(lab_ns a)" link set direct "$1"; }
# path_answers NODE PATH true|false
path_answers() { status_is "$1" ".peers[0].paths[$2].answers" "$3"; }
mac_on_cable() { ip -n "$(lab_ns "$1")" -j link show direct | jq -r '.[0].address'; }
