#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 50 s
#
# The nodes of a calm group ask and look at each other each 30 ms. A second path that is cut
# meanwhile, without the loss of a link, is seen and reported by both nodes as early as ever, and so
# is the segment. All members answer over the other path, so nothing else happens.

PROFILE=standard PLAYERS=10
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/cable.sh
. "$TESTS_DIR/cable.sh"
# shellcheck source=tests/netns/cuts.sh
. "$TESTS_DIR/cuts.sh"
# shellcheck source=tests/netns/pace.sh
. "$TESTS_DIR/pace.sh"

CABLE_CUT='iifname direct-a drop; iifname direct-b drop;'
# A path is silent after pulse.dead, 100 ms, and is reported 2 s later. A busy machine may add this.
SEEN_MS=100 SAID_MS=2100 LATE_MS=1400

both_answer() { path_answers "$1" 0 true && path_answers "$1" 1 true; }
peer_of() { if [ "$1" = a ]; then lab_name b; else lab_name a; fi; }
says() { event "$1" peer "$(peer_of "$1") $2: no pulse comes over this path"; }
lost_most() { status_test "$1" ".peers[0].paths[$2].loss_permille // 0" -ge 900; }
times_owner() { lab_ctl "$1" events --recent 1000 --kind state | grep -c -- "-> master"; }
# took WORDS LIMIT_MS: since CUT_MS.
took() { number_is "$1: ms" $(($(lab_now_ms) - CUT_MS)) -le "$2"; }

# cut_path WORDS PATH NAME RULES: while the group is calm.
cut_path() {
	local node
	must lab_wait 60 group_is_calm
	CUT_MS=$(lab_now_ms)
	must cut "$4"
	for node in a b; do
		within 10 "$1: $node sees it" path_answers $node "$2" false
		took "$1: $node sees it" $((SEEN_MS + LATE_MS))
	done
	for node in a b; do
		within 10 "$1: $node says it" says $node "$3"
		took "$1: $node says it" $((SAID_MS + LATE_MS))
		holds "$1: $node hears its peer" status_is $node '.peers[0].pulsing' true
	done
}
# healed WORDS
healed() {
	local node
	CUT_MS=$(lab_now_ms)
	must uncut
	for node in a b; do
		within 10 "$1: $node hears its peer over both paths" both_answer $node
		took "$1: $node hears its peer over both paths" $((SEEN_MS + LATE_MS))
	done
}

must lab_up a b
must switched_cable
must lab_conf a b
must cable_conf a b
for node in a b; do
	must lab_game $node
	must lab_daemon $node
done
for node in a b; do must lab_wait 20 hokm_ready $node; done
within 20 "the primary owns" owns a
for node in a b; do within 20 "$node hears its peer over both paths" both_answer $node; done
BEFORE=$(times_owner b)

cut_path "second path cut" 1 "path 1" "$CABLE_CUT"
within 20 "second path cut: the group is calm all the same" group_is_calm
for node in a b; do within 30 "second path cut: $node counts the losses" lost_most $node 1; done
healed "second path healed"
cut_path "segment cut" 0 segment "$(cut_between a b)"
healed "segment healed"
holds "the owner stays" owns a
number_is "times that the backup became owner" "$(times_owner b)" -eq "$BEFORE"
test_end
