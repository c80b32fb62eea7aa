#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 30 s
#
# Two nodes do not hear each other, and both own. When the network comes back it drops their pulses
# (UDP 8766), but not their adverts. Both report that there are two owners. While replication comes,
# it shows that the adverts are of a node that is alive: the one with the lower priority gives way
# and no player breaks, or the other one does, if its game is down. By adverts alone neither gives
# way, because anybody can forge them: status and log say what to do. Where pulses come, and no
# steered frame does, the one with the lower priority gives way as well. Once without an arbiter,
# once with the gateway.

PLAYERS=10
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
side_by_side none gateway
# shellcheck source=tests/netns/cuts.sh
. "$TESTS_DIR/cuts.sh"

REPLICATION='udp dport 8767 drop; udp sport 8767 drop;'
reports() { lab_ctl "$1" events --recent 1000 --kind peer | grep -c "($2)"; }
reported() { [ "$(reports "$1" "$2")" -gt "$3" ]; }
silent() { status_is "$1" '.peers[0].pulsing' false; }
hears() { status_is "$1" '.peers[0].pulsing' true; }
steers() { status_is "$1" '.peers[0].steerable' "$2"; }
warned() { lab_ctl "$1" status | grep -qF "$2"; }
forgotten() {
	status_is a '.peers[0].replica.connected' false &&
		status_is b '.peers[0].replica.connected' false
}
fault_by() { state_is "$1" fault && reason_is "$1" "$2"; }
both_own() { owns a && owns b; }
# As long as the better one would need to be heard, and five times the patience of the other.
both_own_for_long() { both_own && [ $(($(lab_now_ms) - MET_MS)) -gt 5000 ]; }

# meet RULES: both own on either side of a cut, which leaves these rules.
meet() {
	local node
	for node in a b; do
		TWO[$node]=$(reports $node two-owners)
		ONE[$node]=$(reports $node one-owner)
	done
	must recut "$(cut_between a b)"
	within 20 "$WORDS: cut, both own" both_own
	# What came within two seconds proves that the peer is alive.
	[[ $1 != *8767* ]] || must lab_wait 20 forgotten
	must recut "$1"
	MET_MS=$(lab_now_ms)
	for node in a b; do
		within 10 "$WORDS: $node reports two owners" \
			reported $node two-owners "${TWO[$node]}"
	done
}
ended() {
	local node
	for node in a b; do
		within 15 "$WORDS: $node reports the end" reported $node one-owner "${ONE[$node]}"
	done
	holds "$WORDS: pulses are silent still" silent a
}
declare -A TWO=() ONE=()

replicates() {
	WORDS="replication comes"
	observe_mark begin
	meet "$PULSES"
	within 10 "$WORDS: the lesser one gives way" owns_not b
	holds "$WORDS: the better one owns" owns a
	within 10 "$WORDS: with this reason" event b state higher-priority
	within 5 "$WORDS: the log says how it ends" \
		log_says b "while replication comes (UDP port 8767), the one with the lower"
	ended
	within 10 "$WORDS: one node answers" owner_is a
	within 20 "$WORDS: the players are well" calm
	observe_mark end
	number_is "$WORDS: connections broken" "$(field "$REPLY_PLAYERS" broken)" -eq 0
	must recut ""
	for node in a b; do within 10 "$WORDS: $node hears pulses again" hears $node; done
}

alone() {
	WORDS="adverts alone"
	meet "$PULSES $REPLICATION"
	within 20 "$WORDS: for long" both_own_for_long
	for node in a b; do
		holds "$WORDS: status of $node says what to do" \
			warned $node "by its adverts alone this node does not give way"
		holds "$WORDS: the log of $node does" log_says $node \
			"let UDP port 8766 pass between the nodes"
	done
	must recut "$PULSES"
	within 15 "$WORDS: replication comes, the lesser one gives way" owns_not b
	holds "$WORDS: the better one owns" owns a
	ended
	must recut ""
	for node in a b; do within 10 "$WORDS: $node hears pulses again" hears $node; done
}

# Pulses come, and steered frames do not: the better one cannot steer to the other, and never will.
# In such a network players break at each move.
unsteerable() {
	WORDS="not steerable"
	must recut "$(cut_between a b)"
	within 20 "$WORDS: cut, both own" both_own
	must recut "iifname p-a oifname p-b ip daddr $LAB_VIP drop
		iifname p-b oifname p-a ip daddr $LAB_VIP drop;"
	within 10 "$WORDS: the lesser one gives way" owns_not b
	holds "$WORDS: the better one owns" owns a
	within 10 "$WORDS: one node answers" owner_is a
	for node in a b; do within 10 "$WORDS: $node hears pulses" hears $node; done
	within 10 "$WORDS: it is" steers b false
	must recut ""
	for node in a b; do
		within 20 "$WORDS, over: $node steers again" steers $node true
	done
}

game_down() {
	WORDS="game down"
	must recut "$(cut_between a b)"
	within 20 "$WORDS: cut, both own" both_own
	must lab_kill a game KILL
	within 20 "$WORDS: the better one keeps the VIP, alone as it is" status_is a .panic true
	must recut "$PULSES"
	within 15 "$WORDS: it leaves the VIP to the one that serves" fault_by a service-down
	holds "$WORDS: that one owns" owns b
	within 10 "$WORDS: and answers" owner_is b
	must lab_game a
	within 15 "$WORDS, over: it is backup" state_is a backup
	must uncut
	within 20 "$WORDS, over: it preempts" owns a
}

LAB_CONF_EXTRA=$(
	cat <<-END
		$PATIENT
		pulse { players_dead_after = "30s" }
		vrrp { advert = "300ms" }
		arbiter = $PART
	END
)
export LAB_CONF_EXTRA
prepare_node() {
	[ "$PART" = none ] || ip -n "$(lab_ns "$1")" route add default via "$(lab_addr client)"
}
test_pair
must cut ""
replicates
alone
unsteerable
game_down
test_end
