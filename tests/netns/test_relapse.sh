#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 60 s
#
# The game of the preferred node crashes again and again, and its supervisor starts it again each
# time. The VIP goes to the peer at each crash, and comes back later each time, so that the next
# crash disconnects fewer players. Meanwhile the node replaces a peer that fails as ever, and the
# operator can end the wait.

PLAYERS=10
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

# Twice that of profile fast. The next crash is a relapse within 8 times as long: a busy machine has
# half a minute for each turn.
PREEMPT_DELAY_MS=4000
LAB_CONF_EXTRA="$PATIENT vrrp { preempt_delay = \"${PREEMPT_DELAY_MS}ms\" }"

waits() { ask a status .relapse_left_ms && [ -n "$ANSWER" ] && [ "$ANSWER" != null ]; }
waits_not() { ask a status .relapse_left_ms && [ "$ANSWER" = null ]; }
status_says() { lab_ctl a status | grep -F -- "$1" >/dev/null; }

# The time for which a has been no owner although its game is up, by the clock of the daemon.
ms_of_wait() {
	lab_ctl a events --recent 1000 --kind state --json |
		jq -rs 'def ms: (.[0:19] + "Z" | fromdate) * 1000 + (.[20:23] | tonumber);
			([.[] | select(.text | test("backup -> master"))] | last | .time | ms) -
			([.[] | select(.text | test("fault -> backup"))] | last | .time | ms)'
}

# crash WORDS: the game dies, the VIP goes to the peer, and the game runs again.
crash() {
	must lab_kill a game KILL
	within 10 "$1: the service is down" service_is a down
	within 20 "$1: the peer owns" owns b
	within 10 "$1: the players are well" calm
	must lab_wait 10 lab_gone a game
	must lab_game a
	within 10 "$1: the service is up again" service_is a up
	within 10 "$1: the node takes part again" state_is a backup
}
back() {
	within 60 "$1: the node owns again" owns a
	number_is "$1: ms from taking part to owning, at least" "$(ms_of_wait)" -ge "$2"
}

test_pair
crash "first crash"
holds "first crash: no wait but the preempt delay" waits_not
back "first crash" $PREEMPT_DELAY_MS
crash "second crash"
holds "second crash: it waits" waits
holds "second crash: status says why" \
	status_says "its services failed 2 times in a row, each soon after the one before"
holds "second crash: the log too" log_says a "up again after 2 failures in a row"
back "second crash" $((2 * PREEMPT_DELAY_MS))
crash "third crash"
observe_mark waits
back "third crash" $((4 * PREEMPT_DELAY_MS))
within 10 "third crash: the players are well" calm
observe_mark over
unbroken "third crash, from the game's start on" 1

crash "the peer fails meanwhile"
holds "the peer fails meanwhile: it waits" waits
must lab_kill b game KILL
within 10 "the peer fails meanwhile: the node owns" owns a
holds "the peer fails meanwhile: without having waited" waits
must lab_wait 10 lab_gone b game
must lab_game b
must lab_wait 20 service_is b up

crash "the operator"
holds "the operator: it waits" waits
must ctl_ok a ready
within 10 "the operator: the wait is over" waits_not
back "the operator" 0
number_is "the operator: ms, at most" "$(ms_of_wait)" -lt $((4 * PREEMPT_DELAY_MS))

crash "undrain, the first of a new row"
holds "undrain, the first of a new row: no wait" waits_not
crash "undrain"
holds "undrain: it waits" waits
must ctl_ok a undrain
holds "undrain: the wait is over, at once" waits_not
test_end
