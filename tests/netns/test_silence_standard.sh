#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: measures, 20 s
#
# No player of a live holder is notified that it is dead (profile standard), as
# test_silence_resets_nobody.sh has it at fast: no pulses, a holder that stands still, nodes that
# are cut from each other.

PROFILE=standard
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/silence.sh
. "$TESTS_DIR/silence.sh"

carried 300 200
survive "no pulses for 150 ms" 0.15 "$PULSES"
survive "no pulses for 1 s" 1 "$PULSES"
survive "the holder stands still for 800 ms" 0.8 "$(cut_all a)"
survive "the nodes are cut from each other for 800 ms" 0.8 "$(cut_between a b)"
survive "no pulses for 10 s" 10 "$PULSES"
test_end
