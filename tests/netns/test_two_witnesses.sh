#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 30 s
#
# Two nodes and two witnesses, w and c: three of the four members must grant the owner.
#
#   one down   either witness is stopped and comes back: nothing moves
#   apart      the nodes are cut from each other: the owner stays
#   alone      the owner is cut from its peer and from w, and both nodes hear c, which grants one of
#              them: the other node owns
#   halves     two members on each side: nobody owns, because no side has three

PLAYERS=10
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/cuts.sh
. "$TESTS_DIR/cuts.sh"
# shellcheck source=tests/netns/witness.sh
. "$TESTS_DIR/witness.sh"
# shellcheck source=tests/netns/owners.sh
. "$TESTS_DIR/owners.sh"

four_in_touch() { in_touch a 4 && in_touch b 4; }
both_grant() {
	status_is "$1" '[.grants.others[] | select(.witness) | .granted_ms > 0] | all' true
}
# moved WORDS CHANGES: since the last mark, and never two at once.
moved() {
	observe_mark moved
	window "${1//[ ,]/-}"
	number_is "$1: rounds with two owners" "$(field "$REPLY_ARP" two_owner_rounds)" -eq 0
	[ -z "${2:-}" ] || number_is "$1: owner changes" "$(field "$REPLY_ARP" changes)" -eq "$2"
}

one_down() { # WITNESS
	local words
	words="$(lab_name "$1") down"
	observe_mark down
	must lab_stop "$1" witness
	within 10 "$words: the owner has three of four members" in_touch a 3
	holds "$words: the owner stays" owns a
	must lab_witness "$1"
	within 20 "$words: it is back" four_in_touch
	within 20 "$words: both grant the owner" both_grant a
	moved "$words" 0
}

apart() {
	observe_mark apart
	must cut "$(cut_between a b)"
	within 10 "apart: the backup hears both witnesses alone" in_touch b 3
	within 10 "apart: Master_Down is over" status_is b '.peers[0].seen_ms >= 1000' true
	holds "apart: the owner stays" only_owner a
	must uncut
	within 10 "apart: together again" four_in_touch
	moved apart 0
}

alone() {
	observe_mark alone
	must cut "$(cut_between a b) $(cut_between a w)"
	within 10 "alone: the former owner has two of four members" in_touch a 2
	within 10 "alone: the other one owns" only_owner b
	must uncut
	within 20 "alone: together again" four_in_touch
	within 20 "alone: the preferred node owns again" only_owner a
	within 10 "alone: ARP shows it" owner_is a
	moved alone
}

halves() {
	observe_mark halves
	must cut "$(cut_between a b) $(cut_between a c) $(cut_between b w) $(cut_between w c)"
	within 10 "halves: two members on one side" in_touch a 2
	within 10 "halves: and on the other one" in_touch b 2
	within 10 "halves: nobody owns" nobody_owns
	within 10 "halves: Master_Down is over" status_is b '.peers[0].seen_ms >= 1000' true
	holds "halves: nobody owns then" nobody_owns
	holds "halves: status says it" status_is a .reason no-majority
	must uncut
	within 20 "halves: together again" four_in_touch
	within 20 "halves: the preferred node owns again" only_owner a
	moved halves
}

LAB_CONF_EXTRA="grant = $GRANT
$(lab_witness_conf w)
$(lab_witness_conf c)
$PATIENT"
must lab_up a b w c
must lab_conf a b
must owners_start a b
for node in a b; do
	must lab_game $node
	must lab_daemon $node
done
for node in w c; do must lab_witness $node; done
for node in a b; do must lab_wait 20 hokm_ready $node; done
must lab_wait 20 four_in_touch
must lab_wait 20 owns a
must lab_wait 20 both_grant a
must observe_start
must lab_wait 20 owner_is a
must lab_wait 20 calm
one_down w
one_down c
apart
alone
halves
never_two
test_end
