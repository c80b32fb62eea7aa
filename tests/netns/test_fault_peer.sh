#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 50 s
#
# The game of the owner ends while the peer is in FAULT, where it would not take the VIP: its own
# arbiter bars it, or another program removes its egress filter again and again. The owner keeps the
# VIP, so that one node answers ARP all the time, and new players go to the game of the peer where
# frames arrive. When the peer is well again it gets the VIP.

PLAYERS=5
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/cuts.sh
. "$TESTS_DIR/cuts.sh"

# An owner that hands over has done so by then.
long_after() { [ $(($(lab_now_ms) - BEGAN_MS)) -gt 3000 ]; }
panics() { status_is "$1" .panic true; }
fault_by() { state_is "$1" fault && reason_is "$1" "$2"; }
new_players_on() {
	ask_players status
	field_is "$REPLY_PLAYERS" new_players_go_to "$(lab_name "$1")"
}
del_filter() { lab_run b tc filter del dev eth0 egress 2>/dev/null; }
in_fault() {
	del_filter
	fault_by b path-lost
}

# meanwhile CONDITION...: what keeps the peer in FAULT goes on, however long this takes.
REMOVE=true
meanwhile() {
	$REMOVE
	"$@"
}

# keeps WORDS: the peer b is in FAULT, and the game of the owner a ends.
keeps() {
	observe_mark begin
	must lab_kill a game KILL
	within 20 "$1: the game is down" meanwhile service_is a down
	BEGAN_MS=$(lab_now_ms)
	must lab_wait 20 meanwhile long_after
	holds "$1: the owner keeps the VIP" owns a
	holds "$1: it reports it" panics a
	holds "$1: the reason is an event" event a state panic-hold
	holds "$1: the peer does not own" owns_not b
	observe_mark kept
	number_is "$1: owner changes" "$(field "$REPLY_ARP" changes)" -eq 0
	number_is "$1: rounds with two owners" "$(field "$REPLY_ARP" two_owner_rounds)" -eq 0
	number_is "$1: ms without an owner" "$(whole "$REPLY_ARP" silent_ms)" -lt 1000
}
# back WORDS: the peer leaves FAULT, and the game of a is started again.
back() {
	within 60 "$1: the peer is well and gets the VIP" owns b
	must lab_game a
	within 20 "$1: the game is up, and the node owns again" owns a
	within 10 "$1: the players are well" calm
}

LAB_CONF_EXTRA=$(
	cat <<-END
		$PATIENT
		vrrp { advert = "300ms" }
		arbiter = gateway
	END
)
export LAB_CONF_EXTRA
prepare_node() { ip -n "$(lab_ns "$1")" route add default via "$(lab_addr client)"; }
test_pair

# The answers of a to the pulses of b, and what the gateway says to b.
must cut "iifname p-a oifname p-b udp dport 8766 @th,104,8 2 drop
	iifname p-client oifname p-b ether type arp drop;"
within 10 "barred: the peer is in FAULT" fault_by b gateway-silent
within 5 "barred: the owner sees it" status_is a '.peers[0].state' fault
keeps "barred"
must uncut
back "barred"

within 10 "filter: the peer is in FAULT" in_fault
within 5 "filter: the owner sees it" status_is a '.peers[0].state' fault
REMOVE=del_filter
keeps "filter"
within 10 "filter: new players go to the peer" meanwhile new_players_on b
back "filter"
test_end
