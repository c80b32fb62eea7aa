#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: measures
#
# Planned failover and failback under fifty players: no connection breaks, no new one fails, no
# gap is longer than usual, and at no moment two nodes answer for the VIP.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

moved_without_a_trace() {
	local words=$1
	number_is "$words: connections broken" "$(field "$REPLY_PLAYERS" broken)" -eq 0
	number_is "$words: attempts made" "$(field "$REPLY_PLAYERS" attempts)" -ge 10
	number_is "$words: attempts failed" "$(field "$REPLY_PLAYERS" failed_attempts)" -eq 0
	number_is "$words: longest gap in ms" "$(whole "$REPLY_PLAYERS" longest_gap_ms)" -lt 100
	number_is "$words: rounds with two owners" "$(field "$REPLY_ARP" two_owner_rounds)" -eq 0
	number_is "$words: wrong move counters" "$(field "$REPLY_PLAYERS" inconsistent)" -eq 0
}

test_pair

observe_mark failover
holds "the owner takes the order" lab_ctl a failover
within 5 "the backup owns" owns b
within 5 "the former owner does not" owns_not a
within 5 "ARP shows the backup" owner_is b
within 5 "the players are well" calm
observe_mark failback
moved_without_a_trace failover
holds "the VIP is an address of the new owner" lab_run b ip -br addr show dev eth0 to "$LAB_VIP"
number_is "the VIP is no address of the former" \
	"$(lab_run a ip -o addr show dev eth0 to "$LAB_VIP" | wc -l)" -eq 0

holds "a node that is not owner refuses the order" test \
	"$(lab_ctl a failover >/dev/null 2>&1; echo $?)" = 1
holds "failback: the new owner takes the order" lab_ctl b failover
within 5 "the primary owns again" owns a
within 5 "ARP shows the primary" owner_is a
within 5 "the players are well" calm
observe_mark end
moved_without_a_trace failback
number_is "packets got their second chance" "$(counter b second_chance)" -gt 0
test_end
