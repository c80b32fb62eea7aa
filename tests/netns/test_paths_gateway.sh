#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# Two nodes with a direct cable, which a reload tells them of, and the gateway as arbiter; the
# client's machine is the gateway. The segment cut between the nodes: the owner stays. The owner cut
# off from the segment while its link stays up: it is alive on the cable, and yet it ends, and the
# other one owns. A path whose address goes away is a warning, and is used again when it is back.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/cuts.sh
. "$TESTS_DIR/cuts.sh"
# shellcheck source=tests/netns/cable.sh
. "$TESTS_DIR/cable.sh"

phase_is() { status_is "$1" .arbiter.phase "$2"; }
pulsing() { status_is "$1" .peers[0].pulsing "$2"; }
both_paths() { path_answers "$1" 0 true && path_answers "$1" 1 true; }
cable_only() { path_answers "$1" 0 false && path_answers "$1" 1 true; }
in_use() { status_is "$1" .paths[0].in_use "$2"; }
times_owner() { lab_ctl "$1" events --recent 1000 --kind state | grep -c -- "-> master"; }
one_owner() { { owns a && owns_not b; } || { owns b && owns_not a; }; }

reload_tells_of_the_cable() {
	local node
	must cable_conf a b
	for node in a b; do must ctl_ok "$node" reload; done
	for node in a b; do within 20 "reload: $node uses both paths" both_paths "$node"; done
	holds "reload: the owner stays" owns a
}

# The kernel answers over the cable also while no daemon runs, and the next daemon goes on with it.
restart() {
	local answered
	must lab_kill b daemon KILL
	must lab_wait 20 lab_gone b daemon
	answered=$(counter a pulse_answers)
	within 10 "killed: its kernel answers over the cable" cable_moves
	within 10 "killed: and over the segment" \
		counter_test a pulse_answers -gt $((answered + 100))
	must lab_daemon b
	within 20 "restarted: both paths" both_paths b
	holds "restarted: the owner stays" owns a
}
cable_moves() { status_test a '.peers[0].paths[1].seen_ms // 9999' -lt 100; }

segment_cut() {
	local before
	before=$(times_owner b)
	must cut "$(cut_between a b)"
	for node in a b; do
		within 10 "segment cut: $node has the cable" cable_only $node
		within 20 "segment cut: $node goes by the gateway" phase_is $node answers
	done
	within 10 "segment cut: the backup hears no adverts" \
		status_test b ".peers[0].adverts_ms // 0" -gt 3000
	holds "segment cut: the owner stays" owns a
	holds "segment cut: the backup stays" state_is b backup
	number_is "segment cut: times that the backup became owner" "$(times_owner b)" -eq "$before"
	must uncut
	for node in a b; do within 20 "segment healed: $node" both_paths $node; done
}

owner_cut() {
	must cut "$(cut_all a)"
	within 20 "owner cut off: the other one owns" owns b
	within 20 "owner cut off: it ends" owns_not a
	within 20 "owner cut off: it says why" event a state gateway-silent
	holds "owner cut off: it is alive on the cable" pulsing b true
	must uncut
	within 30 "owner back: one owns" one_owner
	within 30 "owner back: it owns again" owns a
	for node in a b; do within 20 "owner back: $node" both_paths $node; done
}

# Longer after the change than an answer from before it counts.
answers_since() { [ "$(lab_now_ms)" -gt $((CHANGED_MS + 2000)) ] && both_paths "$1"; }

address_gone() {
	must ip -n "$(lab_ns b)" addr flush dev direct
	within 20 "address gone: the path is not in use" in_use b false
	lab_ctl b status >"$LAB_DIR/log/gone.status"
	holds "address gone: status warns" grep -q \
		"WARNING  path 1 (10.0.0.27) is not in use: no interface" "$LAB_DIR/log/gone.status"
	holds "address gone: the peer is alive" pulsing b true
	holds "address gone: the owner stays" owns a
	must ip -n "$(lab_ns b)" addr add 10.0.0.27/24 dev direct
	within 20 "address back: both paths" both_paths b
	must ip -n "$(lab_ns b)" link set direct address 02:00:00:00:77:01
	CHANGED_MS=$(lab_now_ms)
	within 20 "another MAC address: both paths" answers_since b
	within 20 "another MAC address: the peer's too" answers_since a
}

export LAB_CONF_EXTRA="$PATIENT
vrrp { advert = \"300ms\" }
arbiter = gateway"
must lab_up a b
must cable_up
must lab_conf a b
for node in a b; do
	must ip -n "$(lab_ns "$node")" route add default via "$(lab_addr client)"
	must lab_game "$node"
	must lab_daemon "$node"
done
within 30 "start: the primary owns" owns a
for node in a b; do within 20 "start: both hear each other" hokm_ready $node; done
reload_tells_of_the_cable
restart
segment_cut
owner_cut
address_gone
test_end
