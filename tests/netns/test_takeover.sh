#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: measures
#
# The owner's node dies three times under fifty players that only listen. They send nothing, so they
# notice only because the new owner notifies them. How soon is judged by the median: the machine may
# stand still once. test_takeover_crowd.sh has ten thousand of all kinds.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/listeners.sh
. "$TESTS_DIR/listeners.sh"

knows() { status_test "$1" '.peers[0].replica.connections' -ge "$2"; }
warm() { status_is "$1" '.peers[0].replica.warm' true; }

LAST=()
LATE_MS=150 # of a single one, beyond the limit

# dies COUNT LIMIT-MS: puts the time from the later of takeover and players_dead_after to the last
# notified player, in ms, into LAST.
dies() {
	local count=$1 limit=$2 owner_ms over_ms
	must lab_wait 20 owns a
	must lab_wait 20 warm b
	holds "$count listeners: all are there" listeners_start client "$count" 60
	within 10 "$count listeners: the backup knows each" knows b "$count"
	# What the commands take is not the peer's silence.
	must lab_link a down
	over_ms=$(($(lab_now_ms) + 300))
	must lab_node_dead a
	within 10 "$count listeners: the backup owns" owns b
	within 20 "$count listeners: all have ended" listeners_end 20
	owner_ms=$(event_ms b state "-> master")
	over_ms=$((owner_ms > over_ms ? owner_ms : over_ms))
	number_is "$count listeners: who learned of it" "$(listeners_told .ended)" -eq "$count"
	number_is "$count listeners: by a reset" \
		"$(listeners_told '.why["Connection reset by peer"]')" -eq "$count"
	LAST+=($(($(listeners_told .last_ms) - over_ms)))
	number_is "$count listeners: ms until the last one, since their connections were over" \
		"${LAST[-1]}" -le $((limit + LATE_MS))
	number_is "$count listeners: none before the node was dead" \
		$(($(listeners_told .first_ms) - owner_ms)) -ge -5
	within 10 "$count listeners: an event reports it" event b peer takeover
}

test_nodes a b
dies 50 150
for _ in 2 3; do
	must lab_node_alive a
	must lab_game a
	must lab_daemon a
	must lab_wait 30 hokm_ready a
	dies 50 150
done
number_is "median of (${LAST[*]}): ms until the last one" "$(median "${LAST[@]}")" -le 150
test_end
