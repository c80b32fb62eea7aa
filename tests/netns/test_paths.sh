#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: measures
#
# Two nodes with a direct cable between them as a second path (node.path). The switch cut between
# the nodes, so that each still reaches the clients: one owner, and no player notices. The cable
# cut: nothing moves. Pulses that are forged or recorded on the cable change nothing. A node that
# dies with both paths is replaced as fast as without a cable.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/cuts.sh
. "$TESTS_DIR/cuts.sh"
# shellcheck source=tests/netns/bad_input.sh
. "$TESTS_DIR/bad_input.sh"
# shellcheck source=tests/netns/cable.sh
. "$TESTS_DIR/cable.sh"
# shellcheck source=tests/netns/doctor.sh
. "$TESTS_DIR/doctor.sh"
# shellcheck source=tools/demo/report.sh
. "$TESTS_DIR/../../tools/demo/report.sh"

FILE=$LAB_DIR/cable.pcap
LATE_MS=150 # how far a busy machine may exceed the bound

peer_is() { status_is "$1" .peers[0].pulsing "$2"; }
# Longer than Master_Down_Interval, with its steps of a tenth of a second.
long_without_adverts() { status_test "$1" ".peers[0].adverts_ms // 0" -gt 1500; }
both_hear() { hokm_ready a && hokm_ready b; }
paths_answer() { path_answers "$1" 0 "$2" && path_answers "$1" 1 "$3"; }
only_fault() { # NODE ID
	examine "$1" &&
		[ "$(jq -r '.findings[] | select(.severity != "note").id' <<<"$ANSWER")" = "$2" ]
}
times_owner() { lab_ctl "$1" events --recent 1000 --kind state | grep -c -- "-> master"; }

segment_cut() {
	local before
	before=$(times_owner b)
	observe_mark segment
	must cut "$(cut_between a b)"
	# As after half a minute: no probe leaves over the segment before its ARP is answered.
	for node in a b; do must ip -n "$(lab_ns $node)" neigh flush dev eth0; done
	for node in a b; do
		within 10 "segment cut: $node hears the other one over the cable" \
			paths_answer $node false true
		holds "segment cut: $node counts it as alive" peer_is $node true
	done
	within 10 "segment cut: the backup hears no adverts for long" long_without_adverts b
	holds "segment cut: the owner stays" owns a
	holds "segment cut: the backup stays" state_is b backup
	number_is "segment cut: times that the backup became owner" "$(times_owner b)" -eq "$before"
	lab_ctl b status >"$LAB_DIR/log/cut.status"
	holds "segment cut: status shows the segment's silence" \
		grep -Eq "primary +segment +192.168.1.26 +SILENT" "$LAB_DIR/log/cut.status"
	holds "segment cut: status shows that the cable is alive" \
		grep -Eq "primary +path 1 +10.0.0.26 +alive" "$LAB_DIR/log/cut.status"
	within 10 "segment cut: the players are well" calm
	within 10 "segment cut: the event names the path" event b peer \
		"primary segment: no pulse comes over this path"
	for node in a b; do within 30 "segment cut: the doctor of $node names that alone" \
		only_fault $node segment-lost; done
	observe_mark healed
	unbroken "segment cut"
	for node in a b; do
		holds "segment cut: $node has no obstacle" status_is $node .obstacle ""
	done
	must uncut
	for node in a b; do within 20 "segment healed: $node" paths_answer $node true true; done
	within 20 "segment healed: adverts come" status_test b .peers[0].adverts_ms -lt 500
	within 10 "segment healed: the players are well" calm
	observe_mark cable
	unbroken "segment healed"
}

cable_cut() {
	must cable_is down
	for node in a b; do
		within 10 "cable cut: $node" paths_answer $node true false
		holds "cable cut: $node counts the other one as alive" peer_is $node true
	done
	within 10 "cable cut: the event names the path" event a peer \
		"backup path 1: no pulse comes over this path"
	holds "cable cut: the owner stays" owns a
	fault "cable cut" a pulse-path-lost
	within 10 "cable cut: the players are well" calm
	must cable_is up
	for node in a b; do within 20 "cable back: $node" paths_answer $node true true; done
	observe_mark forged
	unbroken "cable cut"
}

# on_cable WORDS COUNTER CHANGE: the owner's newest answer on the cable once more, changed.
on_cable() {
	counted "$1" counter b "$2" -- a -i direct --src 10.0.0.26 --smac "$(mac_on_cable a)" \
		--dst 10.0.0.27 --dmac "$(mac_on_cable b)" pulse "$FILE" answer "$3"
}

# What an attacker on the cable can send without the secret.
forged() {
	must lab_run b tcpdump -i direct -w "$FILE" -c 40 -U --immediate-mode udp port 8766 \
		2>/dev/null
	on_cable "cable: replayed" drop_pulse_replay replay
	on_cable "cable: forged tag" drop_pulse_tag tag
	on_cable "cable: forged lease" drop_pulse_tag lease
	on_cable "cable: wrong version" drop_pulse_version version
	on_cable "cable: too short" drop_pulse_short short
	holds "forged pulses: both paths are alive" paths_answer b true true
	holds "forged pulses: the owner stays" owns a
	within 10 "forged pulses: the players are well" calm
	observe_mark dead
	unbroken "forged pulses"
}

node_dead() {
	local owned
	observe_mark dead
	must cable_is down
	must lab_link a down
	must lab_node_dead a
	within 10 "node dead: the peer owns" owns b
	within 10 "node dead: ARP shows the peer" owner_is b
	within 20 "node dead: the players are well" calm
	observe_mark end
	owned=$(whole "$REPLY_ARP" moved_ms)
	number_is "node dead: ms until the peer owns" "$owned" \
		-le $(($(master_down_ms) + 50 + LATE_MS))
	number_is "node dead: rounds with two owners" "$(field "$REPLY_ARP" two_owner_rounds)" -eq 0
	number_is "node dead: players not back" "$(field "$REPLY_PLAYERS" not_back)" -eq 0
}

must lab_up a b
must cable_up
must lab_conf a b
must cable_conf a b
for node in a b; do
	must lab_game "$node"
	must lab_daemon "$node"
done
for node in a b; do must lab_wait 20 hokm_ready "$node"; done
must lab_wait 20 owns a
must observe_start
must lab_wait 20 calm
must lab_wait 20 owner_is a
for node in a b; do within 20 "start: $node hears the other one over both paths" \
	paths_answer $node true true; done
segment_cut
cable_cut
forged
node_dead
test_end
