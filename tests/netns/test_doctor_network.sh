#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 25 s
#
# Faults of the machine's own network that no check sees, because checks do not leave the machine,
# and what `hokm-xdp doctor` and `hokm-xdp test connectivity` name: clients that the routes expect
# on another interface, answers that leave by it, a rule before table local, a route that makes the
# VIP the source of what the machine itself sends, nodes with different MTUs, and an interface that
# has more to send than it may.

PLAYERS=5
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/doctor.sh
. "$TESTS_DIR/doctor.sh"

in_a() { ip -n "$(lab_ns a)" "$@"; }
reached() { lab_run client curl -s -m 1 -o /dev/null "http://$LAB_VIP:$LAB_PORT/health"; }
# A player is an example for the routes, and so is a client that only tries to connect.
player() {
	LAB_STDOUT=$LAB_DIR/player lab_spawn client player "$TESTS_DIR/../stub/listeners.py" \
		--addr "$LAB_VIP" --port "$LAB_PORT" --count 1 --seconds 120
	lab_wait 20 test -s "$LAB_DIR/player"
}
# test_fails NODE ROW: this row and no other one of the category.
test_fails() {
	ANSWER=$(lab_run "$1" "$HOKM" test connectivity -c "$LAB_DIR/$1/hokm-xdp.conf" --json) ||
		[ $? = 1 ] || return 1
	[ "$(jq -r '[.tests[] | select(.result == "FAIL").name] | join(" ")' <<<"$ANSWER")" = "$2" ]
}
# crowd NODE: its frames wait for two seconds in the queue of its interface.
crowd() {
	local i
	lab_run "$1" tc qdisc add dev eth0 root tbf rate 1mbit burst 4kb latency 2s || return 1
	lab_spawn "$1" bulk "$TESTS_DIR/bulk.py" serve 9100
	lab_wait 10 lab_run client "$TESTS_DIR/bulk.py" ask "$(lab_addr "$1")" 9100 </dev/null ||
		return 1
	for ((i = 0; i < 4; i++)); do
		LAB_STDIN=<(echo 100000000) lab_spawn client "bulk$i" \
			"$TESTS_DIR/bulk.py" ask "$(lab_addr "$1")" 9100
	done
}
# Larger frames for the node, its cable and the switch; the other cables keep 1500 bytes.
jumbo() {
	ip -n "$(lab_ns sw)" link set "p-$1" mtu "$2" &&
		ip -n "$(lab_ns sw)" link set br0 mtu "$2" &&
		ip -n "$(lab_ns "$1")" link set eth0 mtu "$2"
}

must lab_up a b
must lab_run a sysctl -qw net.ipv4.conf.eth0.rp_filter=1
must in_a link add eth1 type veth peer name other
must in_a link set eth1 up
must in_a link set other up
must lab_conf a b
for node in a b; do
	must lab_game $node
	must lab_daemon $node
done
for node in a b; do must lab_wait 20 hokm_ready $node; done
must lab_wait 20 owns a
within 30 "the owner is well" no_fault a
within 30 "the backup is well" no_fault b
holds "the test of connectivity passes" test_fails a ""

# With its ARP entry: a kernel that filters reverse paths strictly answers no ARP of this client.
must lab_wait 20 reached
must in_a route add "$(lab_addr client)/32" dev eth1
must lab_spawn client attempt curl -s -m 60 -o /dev/null "http://$LAB_VIP:$LAB_PORT/health"
fault "the routes expect the client on another interface" a route-in
evidence "the client is named" "packets of $(lab_addr client) to $LAB_VIP on eth0"
evidence "the cause is named" "reverse path filtering"
must in_a route del "$(lab_addr client)/32"
within 60 "its attempt is served after all" lab_gone client attempt
must player
mended "routes" a
must lab_run a sysctl -qw net.ipv4.conf.eth0.rp_filter=2

must in_a route add default dev eth1 table 77
must in_a rule add from "$LAB_VIP" lookup 77 pref 50
fault "a rule sends what comes from the VIP elsewhere" a route-out
evidence "the interface is named" "sends it by eth1"
holds "the test of connectivity fails" test_fails a "routes of the game"
must in_a rule del pref 50
mended "the rule for the VIP" a

must in_a rule add lookup local pref 90
must in_a rule del pref 0
must in_a rule add to "$LAB_VIP" lookup main pref 80
fault "a rule comes before table local" a route-in
must in_a rule del pref 80
mended "the rule before table local" a

must in_a route add default via "$(lab_addr client)" src "$LAB_VIP"
fault "the default route has the VIP as its source" a route-source
must in_a route del default
mended "the default route" a

must crowd a
fault "more traffic than the limit of the interface's rate" a pulses-late
must lab_run a tc qdisc del dev eth0 root
must lab_stop a bulk
mended "the limit" a

must jumbo a 3000
within 20 "nodes with different MTUs: the test of connectivity fails" \
	test_fails a "full frames to the peer"
must jumbo a 1500
within 20 "nodes with the same MTU: it passes" test_fails a ""
test_end
