#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: measures, 25 s
#
# The game process dies, or becomes unresponsive, under fifty players; at last it dies on both
# nodes.
#
#   killed   fifty players reset, or the first refused SYN, send new players to the peer at once,
#            before any threshold; then the checks agree and the ownership follows
#   unresponsive
#            upgrades without an answer send new players away; the checks do the rest
#   both     no node is healthy: the owner keeps the VIP (panic hold), reports it, and recovers
#
# A process that serves again gets its players back after the preempt delay, and no connection
# breaks.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tools/demo/report.sh
. "$TESTS_DIR/../../tools/demo/report.sh"

PREEMPT_DELAY_MS=2000 # of profile fast
# The threshold is reached after three seconds: even a busy machine sees what happens before it.
export LAB_CONF_EXTRA='service game {
	check websocket { fall = 10 interval = "300ms" fastinter = "300ms" }
	check http { fall = 10 interval = "300ms" fastinter = "300ms" }
}'

steered_by_owner() { counter_test a steered_syn -gt 0 && owns a && service_is a up; }
# Which of them it was depends on which came first: a sample, or a new player.
began_passively() {
	[ "$(status a '.services[0].trips')" -ge 1 ] &&
		{ event a passive passive-refused || event a passive passive-reset ||
			event a passive passive-abnormal; }
}
panics() { status_is "$1" .panic true; }
calms_down() { status_is "$1" .panic false; }
checks_say() { status_is "$1" '.services[0].reason' "$2"; }

# The time between two events of the daemon, by the clock of the daemon.
ms_between() {
	lab_ctl "$1" events --recent 1000 --kind state --kind service --json |
		jq -rs "def ms: (.[0:19] + \"Z\" | fromdate) * 1000 + (.[20:23] | tonumber);
			([.[] | select(.text | test(\"$3\"))] | last | .time | ms) -
			([.[] | select(.text | test(\"$2\"))] | last | .time | ms)"
}

# moved_for_service WORDS: the peer has the VIP because a's service is down.
moved_for_service() {
	within 10 "$1: the peer owns" owns b
	within 10 "$1: the node with the dead game gave up for its service" reason_is a service-down
	holds "$1: it is not eligible" state_is a fault
	within 10 "$1: ARP shows the peer" owner_is b
	within 30 "$1: the players are well" calm
	within 10 "$1: all of them on the peer" players_on b
}

# back WORDS: a serves again and takes the VIP back.
back() {
	observe_mark back
	holds "$1: the order is taken" "${@:2}"
	within 10 "$1: the service is up" service_is a up
	within 20 "$1: the primary owns" owns a
	holds "$1: by election" reason_is a preempt
	number_is "$1: ms from eligible to owner" \
		"$(ms_between a 'fault -> backup' 'backup -> master')" \
		-ge $PREEMPT_DELAY_MS
	within 10 "$1: ARP shows the primary" owner_is a
	within 20 "$1: the players are well" calm
	observe_mark over
	unbroken "$1" 1
	echo rejoin >&"$PLAYERS_IN"
	must lab_wait 20 players_on a
	must lab_wait 20 calm
}

killed() {
	observe_mark killed
	must lab_kill a game KILL
	within 10 "killed: new players go to the peer while this node owns" steered_by_owner
	within 10 "killed: ARP shows this node" owner_is a
	within 10 "killed: the players are well" calm
	within 10 "killed: all of them on the peer" players_on b
	holds "killed: the passive checks saw it first" began_passively
	moved_for_service killed
	observe_mark restarted
	number_is "killed: attempts refused or timed out" "$(refused "$REPLY_PLAYERS")" -eq 0
	# One begins every 20 ms, and the slower the machine is, the more are under way.
	number_is "killed: attempts that the process had taken already" \
		"$(field "$REPLY_PLAYERS" failed_attempts)" -le \
		$((2 + $(whole "$REPLY_PLAYERS" slowest_attempt_ms) / 20))
	number_is "killed: players whose connection broke" \
		"$(field "$REPLY_PLAYERS" broken)" -eq "$PLAYERS"
	# The back-off of a client is 100 ms at most.
	number_is "killed: ms until the last player was back" \
		"$(whole "$REPLY_PLAYERS" longest_gap_ms)" -le 350
	number_is "killed: players not back" "$(field "$REPLY_PLAYERS" not_back)" -eq 0
	number_is "killed: rounds with two owners" "$(field "$REPLY_ARP" two_owner_rounds)" -eq 0
	holds "killed: the checks were refused" checks_say a check-refused
	back "started again" lab_game a
}

unresponsive() {
	observe_mark unresponsive
	must lab_kill a game USR1
	within 20 "unresponsive: the service goes down" service_is a down
	holds "unresponsive: the checks timed out" checks_say a check-timeout
	moved_for_service unresponsive
	observe_mark goes-on
	number_is "unresponsive: players not back" "$(field "$REPLY_PLAYERS" not_back)" -eq 0
	number_is "unresponsive: rounds with two owners" \
		"$(field "$REPLY_ARP" two_owner_rounds)" -eq 0
	back "goes on" lab_kill a game USR2
}

both_dead() {
	local epoch
	observe_mark both
	must lab_kill b game KILL
	within 20 "both dead: the backup's service is down" service_is b down
	epoch=$(status a .epoch)
	must lab_kill a game KILL
	within 20 "both dead: the owner's service is down" service_is a down
	within 10 "both dead: the owner panics" panics a
	holds "both dead: it keeps the VIP" owns a
	holds "both dead: status says it" grep -q "panic hold" <(lab_ctl a status)
	within 10 "both dead: the log says it" log_says a "PANIC HOLD"
	within 10 "both dead: an event says it" event a state panic-hold
	holds "both dead: the backup is not owner" owns_not b
	must lab_game a
	within 10 "one serves again: the panic is over" calms_down a
	within 20 "one serves again: the players are well" calm
	must lab_game b
	within 10 "both live again: the backup's service is up" service_is b up
	within 10 "both live again: it is eligible" state_is b backup
	holds "both live again: the owner is the same" owns a
	number_is "both live again: its epoch" "$(status a .epoch)" -eq "$epoch"
	observe_mark end
	number_is "both dead: owner changes" "$(field "$REPLY_ARP" changes)" -eq 0
	number_is "both dead: rounds with two owners" "$(field "$REPLY_ARP" two_owner_rounds)" -eq 0
	number_is "both dead: players not back" "$(field "$REPLY_PLAYERS" not_back)" -eq 0
}

test_pair
killed
unresponsive
both_dead
test_end
