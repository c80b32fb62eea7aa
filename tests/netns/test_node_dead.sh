#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The owner's node dies under fifty players: a power cut. The peer owns within Master_Down_Interval + 50 ms,
# new players are served and the old ones come back. Then the node boots again and takes the VIP back by
# election, without breaking anything.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tools/demo/report.sh
. "$TESTS_DIR/../../tools/demo/report.sh"

boots_again() { lab_node_alive "$1" && lab_game "$1" && lab_daemon "$1"; }
peer_is() { [ "$(status "$1" .peers[0].pulsing)" = "$2" ]; }

test_pair
observe_mark dead
must lab_node_dead a
within 5 "power cut: the peer owns" owns b
within 5 "power cut: ARP shows the peer" owner_is b
within 5 "power cut: the peer knows that the node is dead" peer_is b false
within 20 "power cut: the players are well" calm
within 10 "power cut: all of them on the peer" players_on b
observe_mark boot
number_is "power cut: ms until the peer owns" "$(whole "$REPLY_ARP" moved_ms)" -le \
	$(($(master_down_ms) + 50))
number_is "power cut: owner changes" "$(field "$REPLY_ARP" changes)" -eq 1
number_is "power cut: rounds with two owners" "$(field "$REPLY_ARP" two_owner_rounds)" -eq 0
number_is "power cut: players not back" "$(field "$REPLY_PLAYERS" not_back)" -eq 0
number_is "power cut: wrong move counters" "$(field "$REPLY_PLAYERS" inconsistent)" -eq 0
holds "power cut: the reason is the owner's silence" reason_is b master-down

must boots_again a
within 20 "booted again: both see each other" hokm_ready a
within 5 "booted again: both see each other" hokm_ready b
within 20 "booted again: the primary owns by election" owns a
holds "booted again: after its preempt delay" reason_is a preempt
within 5 "booted again: ARP shows the primary" owner_is a
within 20 "booted again: the players are well" calm
observe_mark end
unbroken "booted again" 1
number_is "booted again: longest gap in ms" "$(whole "$REPLY_PLAYERS" longest_gap_ms)" -lt 100
test_end
