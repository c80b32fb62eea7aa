#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: measures
#
# No player of a live holder is notified that it is dead (profile fast): 500 players are steered by
# the owner to their holder, and pulses alone are lost for up to ten seconds, or the holder's
# machine stands still, or the nodes are cut from each other, for less than players_dead_after.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/silence.sh
. "$TESTS_DIR/silence.sh"

carried 300 200
survive "no pulses for 150 ms" 0.15 "$PULSES"
survive "no pulses for 1 s" 1 "$PULSES"
survive "no pulses from the holder for 1 s" 1 "$(cut_way a b)"
survive "no pulses to the holder for 1 s" 1 "$(cut_way b a)"
survive "the holder stands still for 200 ms" 0.19 "$(cut_all a)" may-move
survive "the nodes are cut from each other for 200 ms" 0.19 "$(cut_between a b)" may-move
survive "no pulses for 10 s" 10 "$PULSES"
test_end
