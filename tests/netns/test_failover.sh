#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: measures
#
# Planned failover and failback under fifty players, twice: no connection breaks, no new one fails,
# no gap is longer than usual, and at no moment two nodes answer for the VIP. The median of the gaps
# is held to the limit: what a busy machine does to one of four moves is no result.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

GAP_MS=100 LATE_MS=150 # the longest gap of the median move, and how far a single one may exceed it
GAPS=()

moved_without_a_trace() {
	local words=$1
	number_is "$words: connections broken" "$(field "$REPLY_PLAYERS" broken)" -eq 0
	number_is "$words: attempts made" "$(field "$REPLY_PLAYERS" attempts)" -ge 10
	number_is "$words: attempts failed" "$(field "$REPLY_PLAYERS" failed_attempts)" -eq 0
	GAPS+=("$(whole "$REPLY_PLAYERS" longest_gap_ms)")
	number_is "$words: longest gap in ms" "${GAPS[-1]}" -lt $((GAP_MS + LATE_MS))
	number_is "$words: rounds with two owners" "$(field "$REPLY_ARP" two_owner_rounds)" -eq 0
	number_is "$words: wrong move counters" "$(field "$REPLY_PLAYERS" inconsistent)" -eq 0
}

# moves_away and moves_back: the VIP goes to the backup and returns.
moves_away() {
	observe_mark failover
	holds "the owner takes the order" lab_ctl a failover
	within 10 "the backup owns" owns b
	within 10 "the former owner does not" owns_not a
	within 10 "ARP shows the backup" owner_is b
	within 10 "the players are well" calm
	observe_mark failback
	moved_without_a_trace failover
	within 10 "the VIP is an address of the new owner" has_vip b
	within 10 "the VIP is no address of the former" has_no_vip a
}
moves_back() {
	holds "a node that is not owner refuses the order" test \
		"$(lab_ctl a failover >/dev/null 2>&1; echo $?)" = 1
	holds "failback: the new owner takes the order" lab_ctl b failover
	within 10 "the primary owns again" owns a
	within 10 "ARP shows the primary" owner_is a
	within 10 "the players are well" calm
	observe_mark end
	moved_without_a_trace failback
}

test_pair
for _ in 1 2; do
	moves_away
	moves_back
done
number_is "packets got their second chance" "$(counter b second_chance)" -gt 0
number_is "median of (${GAPS[*]}): longest gap in ms" "$(median "${GAPS[@]}")" -lt $GAP_MS
test_end
